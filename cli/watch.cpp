#include "cli/at_once.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/print_watch.h"
#include "cli/progress.h"
#include "cli/removals.h"
#include "cli/service_manager.h"
#include "cli/work.h"
#include "controllers/state/timestamp.h"
#include "manifests/stored_manifest.h"
#include "reconciler/watch.h"

#include <fmt/format.h>

#include <algorithm>

namespace bottle {
namespace {

using std::chrono::milliseconds;
using Status = WatchNews::Status;

/// So that a signal ends the watch soon.
constexpr milliseconds kNap{200};

/// One bottle, between the rounds.
struct Bottle {
    Manifest manifest;
    bool named = true;  ///< in a manifest, as they were read last
    Watched watched;
    Exit exit = Exit::Ok;
};

bool resumes(const Plan& plan) {
    return std::any_of(plan.steps.begin(), plan.steps.end(), [](const Step& step) { return std::holds_alternative<ResumeMachine>(step.action); });
}

class Watch {
public:
    explicit Watch(const Options& options) : options_(options), talk_(make_talk(options)) { converge_.timeout = options.timeout; }

    int run() {
        // Manifests that are wrong from the beginning leave nothing to keep.
        Session session(environment());
        read(session);
        do {
            round();
            tell_service_manager(fmt::format("READY=1\nWATCHDOG=1\nSTATUS={}", summary()));
        } while (rest());
        tell_service_manager("STOPPING=1");
        return static_cast<int>(any_is(Exit::Unsafe) ? Exit::Unsafe : Exit::Interrupted);
    }

private:
    /// Everything is looked at anew, the host policy too.
    void round() {
        try {
            Session session(environment());
            const bool current = read_again(session);
            std::vector<Bottle*> all;
            for (auto& [name, bottle] : bottles_) all.push_back(&bottle);
            at_once(all.size(), options_.parallel, [&](std::size_t i) { turn(session, *all[i]); });
            if (options_.prune && current) prune(session);
        } catch (const Error& error) {
            not_read(error);
        }
    }

    void read(Session& session) {
        auto manifests = manifests_of(options_, session);
        kept_.clear();
        for (const auto& manifest : manifests) kept_.push_back(manifest.name);
        if (!options_.selector.empty()) manifests = only_selected(std::move(manifests), options_.selector);
        for (auto& [name, bottle] : bottles_) bottle.named = false;
        for (auto& manifest : manifests) {
            auto& bottle = bottles_[manifest.name];
            bottle.manifest = std::move(manifest);
            bottle.named = true;
        }
        const auto known = session.bottles();
        std::erase_if(bottles_, [&](const auto& item) { return !item.second.named && std::find(known.begin(), known.end(), item.first) == known.end(); });
        everything_.is_news("");
    }

    /// False while the manifests are wrong: the last right ones stay in force.
    bool read_again(Session& session) {
        try {
            read(session);
            return true;
        } catch (const Error& error) {
            not_read(error);
            return false;
        }
    }

    /// A failing bottle never holds up another.
    void turn(Session& session, Bottle& bottle) {
        try {
            if (!bottle.named) leave(session, bottle);
            else if (bottle.watched.is_due(to_stored_text(bottle.manifest), clock_.now())) hold(session, bottle);
            else guard(session, bottle);
        } catch (const Error& error) {
            failed(bottle, error);
        } catch (const std::exception& error) {
            failed(bottle, Error(Exit::Failed, error.what()));
        }
    }

    void hold(Session& session, Bottle& bottle) {
        const auto& manifest = bottle.manifest;
        bool paused = false;
        ApplyOrder order;
        order.bound = options_.no_widen;
        order.veto = [&](const Look& look) {
            paused = resumes(look.plan);
            if (paused) return std::vector<Problem>{{{}, "paused", "bottle resume " + manifest.name, ""}};
            return options_.no_widen ? refuse_widening(manifest, look, session) : std::vector<Problem>{};
        };
        auto result = session.apply(manifest, converge_, clock_, *talk_, order);
        if (result.exit != Exit::Ok && !paused) {
            // What kept it from being applied is no reason to let it run on unproved.
            const auto stopped = stop_unproved(session, bottle);
            result.exit = std::max(result.exit, stopped.exit);
            result.problems.insert(result.problems.end(), stopped.problems.begin(), stopped.problems.end());
            return failed(bottle, Error(result.exit, result.problems));
        }
        bottle.exit = Exit::Ok;
        bottle.watched.ended(true, clock_.now(), options_.interval);
        const auto status = paused ? Status::Paused : Status::Ready;
        // What was done is new each time.
        if (result.steps_done > 0) bottle.watched.is_news("");
        tell(bottle.watched, {timestamp(), manifest.name, status, result.steps_done, {}, {}});
    }

    /// By the manifest that was applied last: what runs was made of that one.
    ConvergeResult stop_unproved(Session& session, const Bottle& bottle) {
        const auto applied = session.applied(bottle.manifest.name);
        return session.stop_unproved(applied ? applied->manifest : bottle.manifest, converge_, clock_, *talk_);
    }

    void guard(Session& session, Bottle& bottle) {
        const auto stopped = stop_unproved(session, bottle);
        if (stopped.exit != Exit::Ok) failed(bottle, Error(stopped.exit, stopped.problems), false);
    }

    void leave(Session& session, Bottle& bottle) {
        guard(session, bottle);
        if (!options_.prune) tell(bottle.watched, {timestamp(), bottle.manifest.name, Status::NotNamed, 0, {}, {}});
    }

    void failed(Bottle& bottle, const Error& error, bool tried = true) {
        if (clock_.interrupted()) return;
        bottle.exit = error.exit();
        if (tried) bottle.watched.ended(false, clock_.now(), options_.interval);
        tell(bottle.watched, {timestamp(), bottle.manifest.name, Status::NotReady, 0, error.problems(), retry_after(bottle.watched.failures(), options_.interval)}, error);
    }

    void prune(Session& session) {
        for (const auto& name : pruned_bottles(kept_, options_.selector, session)) {
            auto& memory = pruned_[name];
            if (clock_.interrupted() || !memory.is_due(name, clock_.now())) continue;
            WatchNews news{timestamp(), name, Status::NotDeleted, 0, {}, {}};
            try {
                // Its machine would be stopped, and then nothing more be done.
                if (!options_.yes && loses_data(session.look_at_removal(name).plan)) throw Error(Exit::Precondition, fmt::format("deleting bottle {} loses data", name), "bottle watch --prune --yes, or bottle delete " + name);
                auto options = converge_;
                options.may_lose_data = options_.yes;
                const auto result = session.remove(name, options, clock_, *talk_);
                if (result.exit != Exit::Ok) throw Error(result.exit, result.problems);
                news.status = Status::Deleted;
                news.steps = result.steps_done;
                tell(memory, news);
                pruned_.erase(name);
                bottles_.erase(name);
            } catch (const Error& error) {
                memory.ended(false, clock_.now(), options_.interval);
                news.problems = error.problems();
                news.next = retry_after(memory.failures(), options_.interval);
                if (!clock_.interrupted()) tell(memory, news, error);
            }
        }
    }

    void not_read(const Error& error) { tell(everything_, {timestamp(), "", Status::NotRead, 0, error.problems(), {}}, error); }

    /// Once, as long as it stays the same.
    void tell(Watched& memory, const WatchNews& news, const std::optional<Error>& error = {}) {
        const auto words = error ? render(*error) : watch_line({"", news.bottle, news.status, 0, {}, {}});
        if (!memory.is_news(words)) return;
        talk_->aside([&] {
            print(options_.output == "json" ? watch_json(news) : watch_line(news));
            if (error && options_.output != "json") say(words);
        });
    }

    /// Until the next round; false where there is none.
    bool rest() {
        for (const auto until = clock_.now() + options_.interval; !clock_.interrupted() && clock_.now() < until;) clock_.sleep(kNap);
        return !clock_.interrupted();
    }

    bool any_is(Exit exit) const {
        return std::any_of(bottles_.begin(), bottles_.end(), [&](const auto& item) { return item.second.exit == exit; });
    }

    std::string summary() const {
        const auto ready = std::count_if(bottles_.begin(), bottles_.end(), [](const auto& item) { return item.second.named && item.second.exit == Exit::Ok; });
        return fmt::format("{} of {} bottles as their manifests say", ready, bottles_.size());
    }

    const Options& options_;
    std::unique_ptr<Talk> talk_;
    SystemClock clock_;
    ConvergeOptions converge_;
    std::vector<std::string> kept_;  ///< every name in the manifests, whatever -l says
    std::map<std::string, Bottle> bottles_;
    std::map<std::string, Watched> pruned_;
    Watched everything_;
};

}  // namespace

int run_watch(const Options& options) {
    if (std::find(options.files.begin(), options.files.end(), "-") != options.files.end()) {
        throw Error(Exit::Usage, "bottle watch reads its files again and again: standard input is no file", "bottle watch -f bottles/");
    }
    return Watch(options).run();
}

}  // namespace bottle
