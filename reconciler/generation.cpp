#include "reconciler/generation.h"

#include "reconciler/canonical_text.h"

namespace bottle {

std::string generation_text(const Desired& desired) {
    const auto& [name, place, allocation, mode, mode_why, bundle_address, dialled, forbidden, networks, volumes, containers, image_refs, ports, machine, socket_folder,
                 image_source, vmm_uid, firewall, no_firewall, guest_env, workload, fingerprints, grants, withheld, user, copies, workload_digest, required, not_allowed, problems] = desired;
    CanonicalText text;
    text.all(name, allocation, mode, bundle_address, dialled, networks, volumes, containers, image_refs, ports, machine, socket_folder, image_source, vmm_uid,
             firewall, guest_env, workload, grants, user, workload_digest, required);
    // Who has none keeps the generation that it had before there were any.
    if (!copies.empty()) text.put(copies);
    return std::move(text).take();
}

}  // namespace bottle
