#include "controllers/host/host_sockets.h"

#include "controllers/guest/socket_table.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace bottle {

Observation<std::vector<HostSocket>> host_sockets() {
    std::vector<HostSocket> all;
    for (const auto* table : {"tcp", "tcp6", "udp", "udp6"}) {
        const auto path = fmt::format("/proc/net/{}", table);
        std::ifstream file(path);
        const bool six = std::strchr(table, '6') != nullptr;
        if (!file && six && errno == ENOENT) continue;
        // An iterator would throw where it cannot be read on.
        std::ostringstream read;
        read << file.rdbuf();
        const auto text = read.str();
        // Each begins with a line of names.
        if (!file || !read || text.find("local_address") == std::string::npos) return Unknown{path + " cannot be read"};
        const std::string protocol(table, 3);
        const auto open = protocol == "tcp" ? TcpSocket::State::Listening : TcpSocket::State::Unconnected;
        for (const auto& socket : parse_socket_table(text)) {
            if (socket.state == open) all.push_back({protocol, socket.local_address, socket.local_port});
        }
    }
    return all;
}

}  // namespace bottle
