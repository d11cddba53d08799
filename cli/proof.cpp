#include "cli/commands.h"
#include "cli/print.h"

#include <algorithm>

namespace bottle {
namespace {

Exit show(Session& session, const Manifest& manifest, const Options& options) {
    const auto look = session.look(manifest, {});
    const auto changes = diff_host(look.desired, look.snapshot);
    const auto evidence = all_evidence(look.desired, look.snapshot, changes);
    const auto stored = look.snapshot.stored.present() ? *look.snapshot.stored : StoredState{};
    print(options.output == "json" ? proof_json(look.desired, evidence, stored) : proof_text(look.desired, evidence, stored));
    return judge(look.desired.required, evidence) == Verdict::Holds ? Exit::Ok : Exit::Failed;
}

}  // namespace

int run_proof(const Options& options) {
    Session session(environment());
    auto worst = Exit::Ok;
    for (const auto& manifest : manifests_of(options, session)) worst = std::max(worst, show(session, manifest, options));
    return static_cast<int>(worst);
}

}  // namespace bottle
