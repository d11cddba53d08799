#pragma once

#include "tests/reconciler/ready_look.h"

namespace bottle::model {

inline constexpr const char* kFolder = "/run/bottle/2900000";

/// As `ready_look`, of the sample in mode socket.
inline Look socket_look() {
    static const Look look = [] {
        auto world = ready_world(sample_with_socket());
        Look made;
        made.snapshot = world.observe(scope_of(world, sample_with_socket()));
        made.desired = desire(sample_with_socket(), {}, *world.stored.allocation, made.snapshot, test_digest());
        return made;
    }();
    return look;
}

/// One of the row's `published_sockets`.
inline nlohmann::ordered_json mounted(const std::string& host, const std::string& guest = "/run/bottle/proxy.sock") {
    return {{"direction", "mount"}, {"guest_path", guest}, {"host_path", host}};
}

/// As MakeSocketFolder and infra make it, with another socket than the sample's.
inline SocketPlace good_place() {
    return {2'910'000, 2'900'000, 0710, {{"proxy.sock", true, 2'910'000, 2'900'000, 0660, 22, 7, 5}}};
}

}  // namespace bottle::model
