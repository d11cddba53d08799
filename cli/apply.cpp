#include "cli/commands.h"
#include "cli/outcome.h"
#include "cli/print.h"
#include "cli/progress.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

namespace bottle {
namespace {

/// Starting machines is bound by the host's cores and disk: more at once only makes each slower.
constexpr std::size_t kAtOnce = 4;

class Applier {
public:
    Applier(Session& session, const Options& options, std::vector<Manifest> manifests)
        : session_(session), options_(options), manifests_(std::move(manifests)) {}

    Exit run() {
        std::vector<std::thread> workers;
        const auto count = std::min(kAtOnce, manifests_.size());
        for (std::size_t i = 1; i < count; ++i) workers.emplace_back([this] { work(); });
        work();
        for (auto& worker : workers) worker.join();
        return worst_;
    }

private:
    void work() {
        for (auto i = next_++; i < manifests_.size(); i = next_++) {
            const auto exit = apply(manifests_[i]);
            const std::lock_guard lock(mutex_);
            worst_ = std::max(worst_, exit);
        }
    }

    /// A failing bottle never holds up another: whatever happens becomes its own exit code.
    Exit apply(const Manifest& manifest) {
        try {
            ConvergeOptions converge;
            converge.plan.adopt = options_.adopt;
            converge.timeout = options_.timeout;
            const auto result = session_.apply(manifest, converge, clock_, progress_);
            const std::lock_guard lock(mutex_);
            return tell(manifest.name, result, result.steps_done == 0 ? "nothing to do, Ready" : "Ready");
        } catch (Error& error) {
            const std::lock_guard lock(mutex_);
            say(render(error.add_trace("while applying bottle " + manifest.name)));
            return error.exit();
        } catch (const std::exception& error) {
            const std::lock_guard lock(mutex_);
            say(render(Error(Exit::Failed, error.what()).add_trace("while applying bottle " + manifest.name)));
            return Exit::Failed;
        }
    }

    Session& session_;
    const Options& options_;
    std::vector<Manifest> manifests_;
    SystemClock clock_;
    LineProgress progress_;
    std::mutex mutex_;
    std::atomic<std::size_t> next_{0};
    Exit worst_ = Exit::Ok;
};

}  // namespace

int run_apply(const Options& options) {
    Session session(environment());
    return static_cast<int>(Applier(session, options, manifests_of(options, session)).run());
}

}  // namespace bottle
