#include "cli/commands.h"
#include "cli/foreground.h"
#include "cli/interrupt.h"
#include "cli/outcome.h"
#include "cli/print.h"
#include "cli/progress.h"

#include <fmt/format.h>

namespace bottle {
namespace {

/// How often the bottle is looked at while its agent runs.
constexpr std::chrono::milliseconds kBetweenLooks{5'000};
/// What the agent's command has to end in after a SIGTERM: Docker's own default.
constexpr std::chrono::milliseconds kGrace{10'000};

/// Exactly one, with a command.
Manifest subject(const Options& options, Session& session) {
    const auto manifests = manifests_of(options, session);
    if (manifests.size() != 1) {
        throw Error(Exit::Usage, fmt::format("bottle run is for one bottle, and there are {}", manifests.size()), "bottle run -f FILE, with one bottle in it; bottle apply   is for many");
    }
    if (manifests.front().agent.command.empty()) {
        throw Error(Exit::Usage, std::vector<Problem>{{manifests.front().place, fmt::format("bottle {} names no agent.command: there is nothing to run", manifests.front().name), "agent: {command: [sh]}", ""}});
    }
    return manifests.front();
}

class Run {
public:
    Run(Session& session, const Options& options, const Manifest& manifest) : session_(session), manifest_(manifest), talk_(make_talk(options)) {
        converge_.timeout = options.timeout;
        // The bottle is the run's own: what is on its disks goes with it.
        converge_.may_lose_data = true;
        converge_.plan.hold_launch = true;
    }

    /// Up to everything but the agent's command, and then that.
    int run(ForegroundCommand terminal) {
        SystemClock clock;
        const auto up = session_.apply(manifest_, converge_, clock, *talk_);
        if (up.exit != Exit::Ok) return static_cast<int>(tell(manifest_.name, up, ""));
        say(fmt::format("bottle {}: Confined, and its agent is started\n", manifest_.name));
        const Attendance attendance{[this] { look(); }, kBetweenLooks, kGrace};
        const int code = session_.run_workload(session_.look(manifest_, converge_.plan), std::move(terminal), attendance);
        return stopped_ == Exit::Ok ? code : static_cast<int>(stopped_);
    }

    /// A second signal ends the deletion at its next step: what is left is safe, and `bottle delete` removes it.
    Exit remove() {
        forget_interrupts();
        SystemClock clock;
        const auto result = session_.remove(manifest_.name, converge_, clock, *talk_);
        if (result.exit == Exit::Ok) say(fmt::format("bottle {}: deleted\n", manifest_.name));
        else tell(manifest_.name, result, "");
        return result.exit;
    }

private:
    /// Its confinement, while the agent runs.
    void look() {
        SystemClock clock;
        ConvergeOptions stop;
        const auto result = session_.stop_unproved(manifest_, stop, clock, *talk_);
        if (result.exit == Exit::Ok) return;
        stopped_ = result.exit == Exit::Unsafe ? Exit::Unsafe : Exit::Failed;
        tell(manifest_.name, result, "");
    }

    Session& session_;
    const Manifest& manifest_;
    std::unique_ptr<Talk> talk_;
    ConvergeOptions converge_;
    Exit stopped_ = Exit::Ok;
};

}  // namespace

int run_run(const Options& options) {
    auto terminal = foreground_of(options);
    Session session(environment());
    const auto manifest = subject(options, session);
    const auto claim = session.claim_run(manifest.name, options.keep);
    Run run(session, options, manifest);
    int code = static_cast<int>(Exit::Failed);
    try {
        code = run.run(std::move(terminal));
    } catch (const Error& error) {
        say(render(error));
        code = static_cast<int>(error.exit());
    }
    if (options.keep) return code;
    const auto removed = run.remove();
    return removed == Exit::Ok || code != 0 ? code : static_cast<int>(removed);
}

}  // namespace bottle
