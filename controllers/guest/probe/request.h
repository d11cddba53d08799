#pragma once

#include <sys/socket.h>

// What the probe is asked on its standard input, one line each:
//   nonce <hex>
//   target <id> <kind> <address> <port> <name>     (name: "-" where none is asked for)
//   end
// No exceptions and no allocation in this program: it is built without either.
namespace probe {

enum class Kind { Bundle, Tcp, Udp, DnsUdp, DnsTcp, Icmp, Listen };

inline constexpr int kMaxTargets = 96;
inline constexpr int kMaxNonce = 64;

struct Target {
    char id[16] = {};
    Kind kind = Kind::Tcp;
    sockaddr_storage address = {};  ///< with the port, except for ICMP
    socklen_t address_length = 0;
    char name[200] = {};
};

struct Request {
    char nonce[kMaxNonce + 1] = {};
    int count = 0;
    Target targets[kMaxTargets];
};

/// Reads standard input up to the line "end" (an agent may keep the stream open after it).
/// Returns nullptr, or what is wrong with the request.
const char* read_request(int fd, Request& request);

}  // namespace probe
