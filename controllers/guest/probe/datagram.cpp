#include "controllers/guest/probe/attempt.h"
#include "controllers/guest/probe/dns.h"

#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

// UDP, DNS by UDP, and ICMP echo.
namespace probe {
namespace {

constexpr size_t kIcmpHeader = 8;

unsigned short checksum(const unsigned char* bytes, size_t length) {
    unsigned sum = 0;
    for (size_t i = 0; i < length; ++i) sum += i % 2 == 0 ? static_cast<unsigned>(bytes[i]) << 8 : bytes[i];
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<unsigned short>(~sum & 0xffff);
}

/// "bottle-probe <nonce> <id>\n": what tells our own packets from everybody else's.
size_t token(const Attempt& attempt, unsigned char* to, size_t size) {
    int length = snprintf(reinterpret_cast<char*>(to), size, "bottle-probe %s %s\n", attempt.nonce, attempt.target->id);
    return static_cast<size_t>(length);
}

void make_message(Attempt& attempt) {
    if (attempt.target->kind == Kind::DnsUdp) {
        attempt.sent_length = dns_query(attempt.target->name, attempt.sent, sizeof attempt.sent);
    } else if (attempt.target->kind == Kind::Icmp) {
        memset(attempt.sent, 0, kIcmpHeader);
        attempt.sent[0] = ICMP_ECHO;
        attempt.sent_length = kIcmpHeader + token(attempt, attempt.sent + kIcmpHeader, 128);
        unsigned short sum = checksum(attempt.sent, attempt.sent_length);
        attempt.sent[2] = static_cast<unsigned char>(sum >> 8);
        attempt.sent[3] = static_cast<unsigned char>(sum & 0xff);
    } else {
        attempt.sent_length = token(attempt, attempt.sent, 128);
    }
}

int open_socket(Attempt& attempt) {
    int family = attempt.target->address.ss_family;
    constexpr int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    if (attempt.target->kind != Kind::Icmp) return socket(family, SOCK_DGRAM | flags, 0);
    if (family != AF_INET) {
        errno = EPROTONOSUPPORT;
        return -1;
    }
    int fd = socket(AF_INET, SOCK_RAW | flags, IPPROTO_ICMP);
    attempt.raw = fd >= 0;
    // Without CAP_NET_RAW the kernel has unprivileged echo sockets, where net.ipv4.ping_group_range allows them.
    return fd >= 0 ? fd : socket(AF_INET, SOCK_DGRAM | flags, IPPROTO_ICMP);
}

bool is_echo_reply(const Attempt& attempt, const unsigned char* bytes, size_t length) {
    if (attempt.raw) {
        size_t header = length > 0 ? static_cast<size_t>(bytes[0] & 0x0f) * 4 : 0;
        if (header < 20 || length < header) return false;
        bytes += header;
        length -= header;
    }
    if (length != attempt.sent_length || bytes[0] != ICMP_ECHOREPLY) return false;
    return memcmp(bytes + kIcmpHeader, attempt.sent + kIcmpHeader, length - kIcmpHeader) == 0;
}

}  // namespace

void send_datagram(Attempt& attempt) {
    ssize_t sent = send(attempt.fd, attempt.sent, attempt.sent_length, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) fail(attempt, errno);
}

void start_datagram(Attempt& attempt, int64_t now) {
    attempt.fd = open_socket(attempt);
    if (attempt.fd < 0) return fail(attempt, errno);
    // Connected, so that the kernel hands over ICMP errors and the other side's packets only.
    const sockaddr* address = reinterpret_cast<const sockaddr*>(&attempt.target->address);
    if (connect(attempt.fd, address, attempt.target->address_length) != 0) return fail(attempt, errno);
    make_message(attempt);
    if (attempt.sent_length == 0) return fail(attempt, EINVAL);
    attempt.state = Attempt::State::Replying;
    attempt.until = now + kReply;
    attempt.resend_at = now + kResend;
    send_datagram(attempt);
}

void datagram_ready(Attempt& attempt) {
    for (int packets = 0; packets < 64; ++packets) {
        unsigned char bytes[1500];
        ssize_t got = recv(attempt.fd, bytes, sizeof bytes, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (got < 0) return fail(attempt, errno);
        size_t length = static_cast<size_t>(got);
        switch (attempt.target->kind) {
            case Kind::DnsUdp:
                if (is_dns_answer(attempt, bytes, length)) return judge_dns(attempt, bytes, length);
                break;
            case Kind::Icmp:
                if (is_echo_reply(attempt, bytes, length)) return finish(attempt, Outcome::Answered);
                break;
            default:
                note(attempt, bytes, length);
                return finish(attempt, Outcome::Answered);
        }
    }
}

}  // namespace probe
