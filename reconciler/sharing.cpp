#include "reconciler/sharing.h"

#include "reconciler/address.h"
#include "reconciler/diff.h"

#include <fmt/format.h>

#include <algorithm>

namespace bottle {
namespace {

std::vector<std::string> subnets_of(const Allocation& allocation) {
    std::vector<std::string> subnets = {allocation.internal_subnet};
    if (!allocation.external_subnet.empty()) subnets.push_back(allocation.external_subnet);
    return subnets;
}

/// A subnet that cannot be read may be any.
bool may_overlap(const std::string& one, const std::string& other) {
    const auto first = parse_subnet(one);
    const auto second = parse_subnet(other);
    return !first || !second || overlap(*first, *second);
}

void share_addresses(const Holdings& one, const Holdings& other, std::vector<std::string>& shared) {
    for (const auto& mine : one.subnets) {
        for (const auto& theirs : other.subnets) {
            if (!may_overlap(mine, theirs)) continue;
            shared.push_back(mine == theirs ? "the subnet " + mine : fmt::format("addresses: {} and {} overlap", std::min(mine, theirs), std::max(mine, theirs)));
        }
    }
}

void share_alias(const Holdings& one, const Holdings& other, std::vector<std::string>& shared) {
    if (!one.alias.empty() && one.alias == other.alias) shared.push_back(fmt::format("the address {} of this host's loopback: each guest would reach the other's bundle", one.alias));
}

bool is_within(const std::string& path, const std::string& folder) {
    return path == folder || path.rfind(folder + "/", 0) == 0;
}

void share_folders(const Holdings& one, const Holdings& other, std::vector<std::string>& shared) {
    for (const auto& mine : one.folders) {
        for (const auto& theirs : other.folders) {
            if (is_within(mine, theirs) || is_within(theirs, mine)) shared.push_back("the folder " + std::max(mine, theirs));
        }
    }
}

/// A machine may write in its own folders: whoever has its image there runs what that one wrote.
void share_image(const Holdings& reader, const Holdings& writer, std::vector<std::string>& shared) {
    for (const auto& folder : writer.folders) {
        if (reader.image.empty() || !(is_within(reader.image, folder) || is_within(folder, reader.image))) continue;
        shared.push_back(fmt::format("files: the image {} of {} and the machine's folder {} of {}", reader.image, reader.bottle, folder, writer.bottle));
    }
}

Change shared_change(const Desired& desired, const std::string& other, const std::string& what) {
    Change change;
    change.what = Change::What::Shared;
    change.kind = "bottle";
    change.name = other;
    change.reach = Reach::Wider;
    change.cause = fmt::format("bottle {} and bottle {} share {}", desired.name, printable(other), printable(what));
    change.hint = fmt::format("bottle delete {}   or give one of them other names or another image; then apply again", printable(other));
    return change;
}

}  // namespace

Holdings holdings_of(const Manifest& manifest, const Allocation& allocation, std::set<std::string> folders) {
    Holdings holdings;
    holdings.bottle = manifest.name;
    holdings.subnets = subnets_of(allocation);
    holdings.vmm_uid = allocation.vmm_uid;
    holdings.alias = allocation.alias;
    // Of anything but a folder it is a copy of the bottle's own, where no other machine comes.
    holdings.image = manifest.machine.rootfs;
    holdings.folders = std::move(folders);
    holdings.names = {"machine " + machine_name(manifest.name), "network " + network_name(manifest.name), "container " + container_name(manifest.name, kInfra)};
    if (manifest.bundle.external_network) holdings.names.insert("network " + external_network_name(manifest.name));
    for (const auto& container : manifest.bundle.containers) {
        holdings.names.insert("container " + container_name(manifest.name, container.name));
        for (const auto& volume : container.volumes) holdings.names.insert("volume " + volume_name(manifest.name, volume.name));
    }
    return holdings;
}

Holdings holdings_of(const Desired& desired, const MachineView& machine) {
    Holdings holdings;
    holdings.bottle = desired.name;
    holdings.subnets = subnets_of(desired.allocation);
    holdings.vmm_uid = desired.allocation.vmm_uid;
    holdings.alias = desired.allocation.alias;
    holdings.image = desired.machine.rootfs;
    holdings.folders = machine.folders;
    holdings.names = {"machine " + desired.machine.name};
    for (const auto& network : desired.networks) holdings.names.insert("network " + network.name);
    for (const auto& container : desired.containers) holdings.names.insert("container " + container.name);
    for (const auto& volume : desired.volumes) holdings.names.insert("volume " + volume.name);
    return holdings;
}

std::vector<std::string> shared_by(const Holdings& one, const Holdings& other) {
    std::vector<std::string> shared;
    share_addresses(one, other, shared);
    share_alias(one, other, shared);
    if (one.vmm_uid != 0 && one.vmm_uid == other.vmm_uid) shared.push_back(fmt::format("the VMM uid {}: each may write the other's files", one.vmm_uid));
    for (const auto& name : one.names) {
        if (other.names.count(name) != 0) shared.push_back("the name of a " + name);
    }
    share_folders(one, other, shared);
    share_image(one, other, shared);
    share_image(other, one, shared);
    std::sort(shared.begin(), shared.end());
    return shared;
}

std::vector<Change> diff_sharing(const Desired& desired, const Snapshot& snapshot) {
    std::vector<Change> changes;
    if (!snapshot.stored.present()) return changes;
    const auto ours = holdings_of(desired, snapshot.machine);
    for (const auto& other : snapshot.stored->others) {
        for (const auto& what : shared_by(ours, other)) changes.push_back(shared_change(desired, other.bottle, what));
    }
    for (const auto& writer : snapshot.host.image_writers) {
        changes.push_back(shared_change(desired, writer, fmt::format("the image folder {}: the VMM of {} could write it", desired.machine.rootfs, writer)));
    }
    return changes;
}

}  // namespace bottle
