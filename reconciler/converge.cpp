#include "reconciler/converge.h"

#include "reconciler/proof.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace bottle {
namespace {

/// A step that was done this often and is still planned does not take.
constexpr int kMaxRepeats = 2;

class Loop {
public:
    Loop(const std::string& bottle, const Scope& scope, const Planner& planner, Observer& observer, Executor& executor, Clock& clock,
         Progress& progress, const ConvergeOptions& options)
        : bottle_(bottle), scope_(scope), planner_(planner), observer_(observer), executor_(executor), clock_(clock), progress_(progress),
          options_(options), plan_options_(options.plan), deadline_(clock.now() + options.timeout) {}

    ConvergeResult run() {
        while (!ended_) turn();
        if (result_.exit != Exit::Ok) make_safe();
        return std::move(result_);
    }

private:
    /// One turn: look, plan, and do the first step.
    void turn() {
        look();
        if (now_.plan.empty()) return end(Exit::Ok, {});
        if (now_.plan.steps.empty()) return end_with_refusals();
        const Step step = now_.plan.steps.front();
        const bool is_stop = std::holds_alternative<StopMachine>(step.action);
        if (!is_stop && clock_.interrupted()) return end(Exit::Interrupted, {{}, "interrupted before " + step.id, "no machine runs unproved; the same command goes on from here", ""});
        if (!is_stop && clock_.now() >= deadline_) {
            return end(Exit::Timeout, {{}, fmt::format("not converged in {} s: {} is still to be done", options_.timeout.count() / 1000, step.id),
                                       "bottle apply --timeout with more time goes on from here", ""});
        }
        if (step.cost == Cost::Data && !options_.may_lose_data) {
            return end(Exit::Precondition, {{}, fmt::format("{} {}: data would be lost", step.id, step.detail), "--yes   says that it may go", ""});
        }
        if (repeats_[step.id] >= kMaxRepeats) {
            return end(Exit::Failed, {{}, fmt::format("{} was done {} times and does not take: {}", step.id, kMaxRepeats, step.cause), "", ""});
        }
        act(step);
    }

    void look() {
        result_.snapshot = observer_.observe(scope_);
        if (started_) {
            const auto& stored = result_.snapshot.stored;
            if (stored.present() && stored->start) plan_options_.own_start = {stored->start->pid, stored->start->start_time};
        }
        now_ = planner_(result_.snapshot, plan_options_);
    }

    void act(const Step& step) {
        progress_.started(bottle_, step);
        const auto outcome = executor_.execute(step, now_.desired, result_.snapshot);
        progress_.finished(bottle_, step, outcome);
        switch (outcome.kind) {
            case Outcome::Kind::Done: return done(step);
            case Outcome::Kind::Retry: return wait(outcome);
            case Outcome::Kind::Failed: return end(outcome.exit, {{}, fmt::format("{}: {}", step.id, outcome.text), outcome.hint, ""});
        }
    }

    void done(const Step& step) {
        ++result_.steps_done;
        ++repeats_[step.id];
        if (std::holds_alternative<StartMachine>(step.action)) started_ = true;
        if (std::holds_alternative<Prove>(step.action)) plan_options_.prove_again = false;
        if (std::holds_alternative<StopMachine>(step.action)) {
            // A boot of this very run that had to be stopped will not be better at the second try.
            if (started_ || options_.plan.prove_again) end(Exit::Failed, {{}, fmt::format("{} was stopped: {}", step.resource, step.cause), "bottle diff   shows what is there now", ""});
        }
    }

    void wait(const Outcome& outcome) {
        const auto delay = next_delay(attempt_++, 0.5);
        if (clock_.now() + delay >= deadline_) return end(Exit::Failed, {{}, outcome.text, outcome.hint, ""});
        clock_.sleep(delay);
    }

    void end_with_refusals() {
        ended_ = true;
        result_.exit = now_.plan.refused;
        result_.problems = now_.plan.refusals;
    }

    void end(Exit exit, Problem problem) {
        ended_ = true;
        result_.exit = exit;
        if (exit != Exit::Ok) result_.problems.push_back(std::move(problem));
    }

    /// The last thing: whatever lives without its proof is stopped, and looked for again.
    void make_safe() {
        plan_options_.own_start.reset();
        started_ = false;
        plan_options_.prove_again = false;
        for (int attempt = 0; attempt < kMaxRepeats; ++attempt) {
            look();
            const auto& steps = now_.plan.steps;
            const auto stop = std::find_if(steps.begin(), steps.end(), [](const Step& s) { return std::holds_alternative<StopMachine>(s.action); });
            if (stop == steps.end()) return;
            const auto& step = *stop;
            progress_.started(bottle_, step);
            progress_.finished(bottle_, step, executor_.execute(step, now_.desired, result_.snapshot));
        }
        look();
        if (life_of(result_.snapshot.machine) == Life::Dead) return;
        result_.exit = Exit::Unsafe;
        result_.problems.push_back({{},
                                    fmt::format("UNSAFE: the machine of bottle {} runs, or may, and could not be stopped", bottle_),
                                    "end the process that `bottle status` shows; the internal network is kept, so that it leads nowhere else", ""});
    }

    const std::string& bottle_;
    const Scope& scope_;
    const Planner& planner_;
    Observer& observer_;
    Executor& executor_;
    Clock& clock_;
    Progress& progress_;
    const ConvergeOptions& options_;
    PlanOptions plan_options_;
    std::chrono::milliseconds deadline_;

    Planned now_;
    ConvergeResult result_;
    std::map<std::string, int> repeats_;
    int attempt_ = 0;
    bool started_ = false;
    bool ended_ = false;
};

}  // namespace

ConvergeResult converge(const std::string& bottle, const Scope& scope, const Planner& planner, Observer& observer, Executor& executor,
                        Clock& clock, Progress& progress, const ConvergeOptions& options) {
    return Loop(bottle, scope, planner, observer, executor, clock, progress, options).run();
}

std::chrono::milliseconds next_delay(int attempt, double random) {
    constexpr double kFirst = 100;
    constexpr double kLast = 5'000;
    const double base = std::min(kLast, kFirst * static_cast<double>(1u << std::min(attempt, 10)));
    return std::chrono::milliseconds(static_cast<std::int64_t>(base * (1 + random / 2)));
}

}  // namespace bottle
