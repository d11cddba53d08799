#include "cli/at_once.h"
#include "cli/commands.h"
#include "cli/consent.h"
#include "cli/looks.h"
#include "cli/outcome.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/work.h"

#include <unistd.h>

#include <algorithm>
#include <mutex>

namespace bottle {
namespace {

class Applier {
public:
    Applier(Session& session, const Options& options, const Work& work, Talk& talk) : session_(session), options_(options), work_(work), talk_(talk) {}

    Exit run() {
        at_once(work_.manifests.size(), options_.parallel, [this](std::size_t i) {
            const auto exit = apply(work_.manifests[i], work_.orders[i]);
            const std::lock_guard lock(mutex_);
            worst_ = std::max(worst_, exit);
        });
        return remove();
    }

private:
    /// A failing bottle never holds up another: whatever happens becomes its own exit code.
    Exit apply(const Manifest& manifest, const ApplyOrder& order) {
        try {
            if (clock_.interrupted()) throw Error(Exit::Interrupted, "interrupted before it was begun");
            ConvergeOptions converge;
            converge.plan = work_.plan;
            converge.timeout = options_.timeout;
            converge.may_lose_data = options_.yes;
            const auto result = session_.apply(manifest, converge, clock_, talk_, order);
            talk_.aside([&] { tell(manifest.name, result, result.steps_done == 0 ? "nothing to do, Ready" : "Ready"); });
            return result.exit;
        } catch (Error& error) {
            return told(manifest, error);
        } catch (const std::exception& error) {
            Error ours(Exit::Failed, error.what());
            return told(manifest, ours);
        }
    }

    Exit told(const Manifest& manifest, Error& error) {
        error.add_trace("while applying bottle " + manifest.name);
        talk_.aside([&] { say(render(error)); });
        return error.exit();
    }

    /// Last: what goes is gone for good, and a manifest that cannot be applied may be the one that was renamed.
    Exit remove() {
        if (work_.removals.empty()) return worst_;
        if (worst_ == Exit::Ok) return remove_all(work_.removals, options_, session_, clock_, talk_);
        talk_.aside([] { say("nothing was deleted: not every apply came to its end\n"); });
        return worst_;
    }

    Session& session_;
    const Options& options_;
    const Work& work_;
    Talk& talk_;
    SystemClock clock_;
    std::mutex mutex_;
    Exit worst_ = Exit::Ok;
};

/// First what goes, then what is applied.
int show_work(Session& session, const Options& options, const Work& work) {
    auto plans = plans_of(work.removals);
    Looks looks(session, work.plan);
    std::vector<Problem> refused;
    for (const auto& manifest : work.manifests) {
        const auto look = looks.at(manifest);
        plans.push_back(look.plan);
        if (options.no_widen) {
            for (auto& problem : refuse_widening(manifest, look, session)) refused.push_back(std::move(problem));
        }
    }
    const auto exit = show(plans, options);
    if (!refused.empty()) throw Error(Exit::Precondition, std::move(refused));
    return static_cast<int>(exit);
}

void ask_before(const Work& work, const Options& options) {
    const auto plans = plans_of(work.removals);
    for (const auto& plan : plans) say(paint_signs(to_text(plan), screen_of(options, STDERR_FILENO)));
    must_consent(plans, options, "bottle apply --yes, with the rest as it is", true);
}

}  // namespace

int run_apply(const Options& options) {
    Session session(environment());
    const auto work = options.plan.empty() ? work_of_options(options, session) : work_of_plan(options, session);
    if (options.dry_run) return show_work(session, options, work);
    SystemClock clock;
    ask_before(work, options);
    const auto talk = make_talk(options);
    return static_cast<int>(Applier(session, options, work, *talk).run());
}

}  // namespace bottle
