#include "reconciler/socket_place.h"

#include "manifests/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace bottle {
namespace {

constexpr unsigned kFolderMode = 0710;
constexpr unsigned kClosedFolderMode = 0700;
constexpr unsigned kSocketMode = 0660;

bool same_group(std::int64_t is, const SocketFolder& want) {
    return want.gid < 0 || is == want.gid;
}

std::string whose(std::int64_t uid, std::int64_t gid, unsigned mode) {
    return fmt::format("{}:{} with mode {:04o}", uid, gid, mode);
}

std::string compare_socket(const std::vector<SocketPlace::Entry>& entries, const SocketFolder& want) {
    const auto other = std::find_if(entries.begin(), entries.end(), [](const auto& entry) { return entry.name != kSocketName; });
    if (other != entries.end()) return fmt::format("{} is beside its socket, and only infra may make something there", printable(other->name));
    if (entries.empty()) return "its socket is not there";
    const auto& socket = entries.front();
    if (!socket.is_socket) return fmt::format("{}/{} is no socket", want.path, kSocketName);
    if (socket.uid == want.uid && same_group(socket.gid, want) && socket.mode == kSocketMode) return {};
    return fmt::format("its socket is {}, and infra makes it {}: others can connect, or it is another's", whose(socket.uid, socket.gid, socket.mode),
                       whose(want.uid, want.gid < 0 ? socket.gid : want.gid, kSocketMode));
}

/// Of an infra that runs. One whose file was exchanged goes on listening where nobody can come to any more, and nothing but the file tells.
std::string compare_own_socket(const Observation<SocketPlace>& place, const SocketFolder& want, const Observation<StoredState>& stored) {
    std::string problem;
    const auto socket = socket_identity(place, want, problem);
    // Records that cannot be read stop everything by themselves.
    if (!problem.empty() || !stored.present()) return problem;
    if (!stored->socket) return "which socket it made is not recorded: its start was cut off, or not ours";
    if (*stored->socket == socket) return {};
    return "its socket is not the file that it made when bottle started it: somebody exchanged it, or started infra again";
}

}  // namespace

unsigned folder_mode(const SocketFolder& want) {
    return want.gid < 0 ? kClosedFolderMode : kFolderMode;
}

std::string compare_socket_folder(const Observation<SocketPlace>& place, const SocketFolder& want) {
    if (place.absent()) return fmt::format("the folder of its socket, {}, is not there", want.path);
    if (place->uid == want.uid && same_group(place->gid, want) && place->mode == folder_mode(want)) return {};
    return fmt::format("the folder of its socket is {}, not {}: others can put their own socket there", whose(place->uid, place->gid, place->mode),
                       whose(want.uid, want.gid < 0 ? place->gid : want.gid, folder_mode(want)));
}

std::string socket_identity(const Observation<SocketPlace>& place, const SocketFolder& want, std::string& problem) {
    problem = compare_socket_folder(place, want);
    if (problem.empty()) problem = compare_socket(place->entries, want);
    if (!problem.empty()) return {};
    const auto& socket = place->entries.front();
    return fmt::format("{}:{}:{}", socket.device, socket.inode, socket.ctime_ns);
}

std::vector<Change> diff_socket_place(const Desired& desired, const Snapshot& snapshot) {
    const auto& place = snapshot.socket_place;
    if (!desired.socket_folder || place.unknown() || !snapshot.docker.present()) return {};
    const auto& name = desired.containers.front().name;
    const auto* infra = find_container(*snapshot.docker, name);
    if (infra == nullptr) return {};
    Change change;
    // One that does not run has no socket, and makes it when it is started; without its folder it cannot be.
    change.cause = infra->status == "running" ? compare_own_socket(place, *desired.socket_folder, snapshot.stored) : compare_socket_folder(place, *desired.socket_folder);
    if (change.cause.empty()) return {};
    change.what = Change::What::Differs;
    change.kind = "container";
    change.name = name;
    change.id = infra->id;
    change.field = "Mounts";
    change.reach = Reach::Wider;
    return {change};
}

}  // namespace bottle
