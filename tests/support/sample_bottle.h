#pragma once

#include "manifests/manifest.h"
#include "reconciler/converge.h"
#include "tests/support/model_world.h"

#include <string>

// One bottle for the pure core's tests: its manifest, and the pipeline from a look to a plan and a converged world, without a host.
namespace bottle::model {

/// docs-writer: one bundle container with a proxy port, an external network, a command as user node.
Manifest sample_manifest();
/// The same, with a volume in the container.
Manifest sample_with_volume();
/// Mode socket: its proxy is all that the guest has of the outside.
Manifest sample_with_socket();
/// Its command gets a secret.
Manifest sample_with_secret();
/// Its agent is Claude Code, with a prompt and two skills, and its command the provider's.
Manifest sample_with_files();
/// What a host has that such a manifest names.
void add_agent_files(ModelWorld& world);
/// The same of a host whose policy gives it that, for two hosts.
ModelWorld world_with_secret();
/// Mode tsi-loopback, with two ports.
Manifest sample_on_loopback();
Image egress_image();

/// A world with the sample's images in it, and nothing made yet.
ModelWorld empty_world();
/// The same of a user, on a host whose policy opts in to mode tsi-loopback and names the smolvm 1.1.2 that is on PATH.
ModelWorld loopback_world();
/// A world in which the sample is Ready.
ModelWorld ready_world(const Manifest& manifest = sample_manifest());

/// What `bottle diff` computes of the world: allocation, desire, plan.
Planned look_and_plan(ModelWorld& world, const Manifest& manifest, const PlanOptions& options = {});
/// What `bottle apply` does to it.
ConvergeResult apply(ModelWorld& world, const Manifest& manifest, const PlanOptions& options = {});
ConvergeResult apply(ModelWorld& world, const Manifest& manifest, Executor& executor, const PlanOptions& options = {});
/// The same, seen and done by others than the model, which keeps what bottle's own state would hold.
ConvergeResult apply(ModelWorld& records, const Manifest& manifest, Observer& observer, Executor& executor, const PlanOptions& options = {});
Planned look_and_plan(ModelWorld& records, Observer& observer, const Manifest& manifest, const PlanOptions& options = {});
/// What `bottle delete` does to it.
ConvergeResult remove(ModelWorld& world, const std::string& bottle);
ConvergeResult remove(const std::string& bottle, Observer& observer, Executor& executor);

Scope scope_of(const ModelWorld& world, const Manifest& manifest);
KeyedDigest test_digest();

/// A clock that stands still but for its sleeps.
class ModelClock : public Clock {
public:
    std::chrono::milliseconds now() override { return now_; }
    void sleep(std::chrono::milliseconds time) override { now_ += time; }
    bool interrupted() override { return interrupt_at && *interrupt_at <= asked_++; }
    std::optional<int> interrupt_at;  ///< the n-th question is answered with yes

private:
    std::chrono::milliseconds now_{0};
    int asked_ = 0;
};

class Quiet : public Progress {
public:
    void started(const std::string&, const Step&) override {}
    void finished(const std::string&, const Step&, const Outcome&) override {}
};

}  // namespace bottle::model
