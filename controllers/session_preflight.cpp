#include "controllers/session_parts.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <set>

namespace bottle {
namespace {

std::set<std::int64_t> own_groups() {
    std::vector<gid_t> groups(static_cast<std::size_t>(std::max(getgroups(0, nullptr), 0)));
    const int count = getgroups(static_cast<int>(groups.size()), groups.data());
    std::set<std::int64_t> all(groups.begin(), groups.begin() + std::max(count, 0));
    all.insert(getegid());
    return all;
}

}  // namespace

PreflightFacts Session::Parts::preflight_facts(BottleWorld& world, const std::string& bottle) {
    PreflightFacts facts;
    facts.euid = geteuid();
    facts.is_root = facts.euid == 0;
    const auto& limits = policy();
    if (!limits.smolvm.path.empty()) facts.smolvm_named = fmt::format("{} ({})", limits.smolvm.path, to_string(limits.smolvm.path_place));
    if (smolvm) {
        if (smolvm->build.tsi) facts.smolvm_accepted = smolvm->build.version;
        facts.smolvm_path = smolvm->program;
        facts.smolvm_version = smolvm_version(*smolvm, runner, facts.smolvm_problem);
    }
    facts.kvm = read_kvm();
    facts.kvm_is_open_to_us = faccessat(AT_FDCWD, "/dev/kvm", R_OK | W_OK, AT_EACCESS) == 0;
    facts.longest_socket = longest_socket(machine_paths(place.folder, bottle));
    facts.docker = world.docker().facts();
    if (!limits.docker.host.empty()) facts.docker.named = to_string(limits.docker.place);
    return facts;
}

std::vector<Problem> Session::preflight(const Look& look) {
    auto world = parts_->world(look.desired.name);
    auto facts = parts_->preflight_facts(world, look.desired.name);
    if (const auto& socket = look.desired.machine.socket; socket && socket->host_path.size() > facts.longest_socket.size()) facts.longest_socket = socket->host_path;
    facts.vmm_uid = look.desired.allocation.vmm_uid;
    const auto& source = look.desired.image_source;
    // Of an archive, a pack and an image of Docker's there is a copy that was made for this VMM.
    if (source.kind != ImageSource::Kind::Rootfs) return check_preflight(facts);
    facts.image = source.empty() ? look.desired.machine.rootfs : source.from;
    facts.impassable = facts.is_root ? impassable_folders(facts.image, facts.vmm_uid) : impassable_folders(facts.image, facts.euid, own_groups());
    facts.image_writable = facts.is_root && writable_by(facts.image, facts.vmm_uid);
    return check_preflight(facts);
}

}  // namespace bottle
