#pragma once

#include "controllers/guest/guest_files.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>

#include <cstdint>
#include <string>

/// An IPv4 address and port, as the kernel takes them.
inline sockaddr_in at(const std::string& address, int port) {
    sockaddr_in made = {};
    made.sin_family = AF_INET;
    inet_pton(AF_INET, address.c_str(), &made.sin_addr);
    made.sin_port = htons(static_cast<std::uint16_t>(port));
    return made;
}

/// A connection that stands as long as what is returned.
inline bottle::Fd connect_to(const std::string& address, int port) {
    bottle::Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in to = at(address, port);
    REQUIRE(connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
    return fd;
}

/// A listener on every address of this host.
inline bottle::Fd listen_on(int port) {
    bottle::Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in own = at("0.0.0.0", port);
    REQUIRE(bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0);
    REQUIRE(listen(fd.get(), 1) == 0);
    return fd;
}
