#include "controllers/guest/probe/request.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace probe {
namespace {

constexpr int kMaxText = 32 * 1024;

/// The next word of the line, cut out in place; nullptr at its end.
char* word(char*& rest) {
    while (*rest == ' ') ++rest;
    if (*rest == '\0') return nullptr;
    char* start = rest;
    while (*rest != ' ' && *rest != '\0') ++rest;
    if (*rest == ' ') *rest++ = '\0';
    return start;
}

bool copy(char* to, size_t size, const char* from) {
    size_t length = strlen(from);
    if (length == 0 || length >= size) return false;
    memcpy(to, from, length + 1);
    return true;
}

bool parse_kind(const char* text, Kind& kind) {
    struct Name {
        const char* text;
        Kind kind;
    };
    static const Name names[] = {{"bundle", Kind::Bundle},  {"tcp", Kind::Tcp},        {"udp", Kind::Udp},
                                 {"dns-udp", Kind::DnsUdp}, {"dns-tcp", Kind::DnsTcp}, {"icmp", Kind::Icmp},
                                 {"listen", Kind::Listen}};
    for (const Name& name : names) {
        if (strcmp(name.text, text) != 0) continue;
        kind = name.kind;
        return true;
    }
    return false;
}

bool parse_address(const char* text, int port, Target& target) {
    sockaddr_in four = {};
    if (inet_pton(AF_INET, text, &four.sin_addr) == 1) {
        four.sin_family = AF_INET;
        four.sin_port = htons(static_cast<uint16_t>(port));
        memcpy(&target.address, &four, sizeof four);
        target.address_length = sizeof four;
        return true;
    }
    sockaddr_in6 six = {};
    if (inet_pton(AF_INET6, text, &six.sin6_addr) != 1) return false;
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(static_cast<uint16_t>(port));
    memcpy(&target.address, &six, sizeof six);
    target.address_length = sizeof six;
    return true;
}

const char* parse_target(char* rest, Request& request) {
    if (request.count == kMaxTargets) return "too many targets";
    Target& target = request.targets[request.count];
    const char* id = word(rest);
    const char* kind = word(rest);
    const char* address = word(rest);
    const char* port = word(rest);
    const char* name = word(rest);
    if (name == nullptr || word(rest) != nullptr) return "a target has five words";
    if (!copy(target.id, sizeof target.id, id)) return "target id too long";
    if (!parse_kind(kind, target.kind)) return "unknown kind of target";
    char* end = nullptr;
    long number = strtol(port, &end, 10);
    if (*end != '\0' || number < 0 || number > 65535) return "port out of range";
    if (!parse_address(address, static_cast<int>(number), target)) return "address is not numeric";
    if (!copy(target.name, sizeof target.name, name)) return "name too long";
    ++request.count;
    return nullptr;
}

const char* parse_line(char* line, Request& request, bool& ended) {
    char* rest = line;
    const char* first = word(rest);
    if (first == nullptr) return nullptr;
    if (strcmp(first, "end") == 0) {
        ended = true;
        return request.nonce[0] == '\0' ? "no nonce" : nullptr;
    }
    if (strcmp(first, "target") == 0) return parse_target(rest, request);
    if (strcmp(first, "nonce") != 0) return "unknown line";
    const char* nonce = word(rest);
    return nonce != nullptr && copy(request.nonce, sizeof request.nonce, nonce) ? nullptr : "bad nonce";
}

}  // namespace

const char* read_request(int fd, Request& request) {
    static char text[kMaxText + 1];
    int length = 0;
    int parsed = 0;
    bool ended = false;
    while (!ended) {
        if (length == kMaxText) return "request too long";
        ssize_t got = read(fd, text + length, static_cast<size_t>(kMaxText - length));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return "request ends without 'end'";
        length += static_cast<int>(got);
        while (!ended) {
            void* newline = memchr(text + parsed, '\n', static_cast<size_t>(length - parsed));
            if (newline == nullptr) break;
            *static_cast<char*>(newline) = '\0';
            const char* wrong = parse_line(text + parsed, request, ended);
            if (wrong != nullptr) return wrong;
            parsed = static_cast<int>(static_cast<char*>(newline) - text) + 1;
        }
    }
    return nullptr;
}

}  // namespace probe
