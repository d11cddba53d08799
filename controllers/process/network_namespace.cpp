#include "controllers/process/network_namespace.h"

#include <fmt/format.h>

#include <sys/stat.h>

namespace bottle {
namespace {

/// Nothing when one of the two cannot be looked at.
std::optional<bool> same_file(const std::string& one, const std::string& other) {
    struct stat first {};
    struct stat second {};
    if (stat(one.c_str(), &first) != 0 || stat(other.c_str(), &second) != 0) return std::nullopt;
    return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

}  // namespace

std::optional<bool> shares_our_network(std::int64_t pid) {
    if (const auto same = same_file("/proc/self/ns/net", fmt::format("/proc/{}/ns/net", pid))) return same;
    // The namespace itself is shown to those who may trace the process. Its files in /proc are shown to all, and each
    // namespace has files of its own, with numbers of their own (6.1).
    return same_file("/proc/self/net/dev", fmt::format("/proc/{}/net/dev", pid));
}

}  // namespace bottle
