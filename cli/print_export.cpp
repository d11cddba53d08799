#include "cli/print_export.h"

#include "cli/json_parts.h"
#include "cli/print.h"
#include "cli/print_events.h"
#include "manifests/stored_manifest.h"
#include "manifests/yaml_text.h"
#include "reconciler/compose.h"

#include <nlohmann/json.hpp>

namespace bottle {
namespace {

using nlohmann::json;

json allocation_json(const Allocation& allocation) {
    return {{"internalSubnet", allocation.internal_subnet}, {"externalSubnet", allocation.external_subnet}, {"vmmUid", allocation.vmm_uid == 0 ? json() : json(allocation.vmm_uid)}};
}

json revisions_json(const std::vector<Revision>& revisions) {
    auto all = json::array();
    for (const auto& revision : revisions) {
        all.push_back({{"generation", revision.generation}, {"appliedAt", text_or_null(revision.time)}, {"manifest", json::parse(revision.manifest)}});
    }
    return all;
}

json proof(const Description& d) {
    const auto evidence = all_evidence(d.desired, d.snapshot, diff_host(d.desired, d.snapshot));
    return json::parse(proof_json(d.desired, evidence, d.snapshot.stored.present() ? *d.snapshot.stored : StoredState{}));
}

}  // namespace

std::string export_json(const Description& description, const Records& records) {
    auto document = json::parse(describe_json(description));
    document["format"] = "bottle.export/v1";
    document["manifest"] = json::parse(to_stored_text(description.manifest));
    document["allocation"] = allocation_json(description.desired.allocation);
    document["proof"] = proof(description);
    document["events"] = json::parse(events_json(events(records))).at("items");
    document["revisions"] = revisions_json(records.revisions);
    return dump(document);
}

std::string export_compose(const Desired& desired) {
    return yaml_text(compose_file(desired));
}

}  // namespace bottle
