#include "reconciler/saved_plan.h"

#include "reconciler/strict_json.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace bottle {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "bottle.plan-file/v1";
constexpr const char* kMadeBy = "bottle plan --out FILE   makes one";

std::vector<SavedStep> steps_of(const Plan& plan) {
    std::vector<SavedStep> steps;
    for (const auto& step : plan.steps) {
        if (step.part_of.empty()) steps.push_back({step.id, step.detail, name_of(step.cost)});
    }
    return steps;
}

[[noreturn]] void refuse(const std::string& why) {
    throw Error(Exit::Usage, "this is no plan that bottle can read: " + why, kMadeBy);
}

/// An object of exactly the keys that are asked for.
class Members {
public:
    Members(const json& object, std::string what) : object_(object), what_(std::move(what)) {
        if (!object.is_object()) refuse(what_ + " is no object");
    }

    const json& at(const char* key) {
        known_.insert(key);
        if (!object_.contains(key)) refuse(fmt::format("{} has no {}", what_, key));
        return object_.at(key);
    }

    template <class T>
    T get(const char* key) {
        try {
            return at(key).get<T>();
        } catch (const json::exception&) {
            refuse(fmt::format("{} of {} is of another type", key, what_));
        }
    }

    void no_more() const {
        for (const auto& [key, value] : object_.items()) {
            if (known_.count(key) == 0) refuse(fmt::format("{} has a {}, which this version does not know", what_, printable(key)));
        }
    }

private:
    const json& object_;
    std::string what_;
    std::set<std::string> known_;
};

json step_json(const SavedStep& step) {
    return {{"id", step.id}, {"detail", step.detail}, {"cost", step.cost}};
}

json bottle_json(const SavedBottle& bottle) {
    json steps = json::array();
    for (const auto& step : bottle.steps) steps.push_back(step_json(step));
    return {{"name", bottle.name}, {"removes", bottle.removes}, {"manifest", bottle.manifest}, {"desired", bottle.desired}, {"observed", bottle.observed}, {"steps", steps}};
}

SavedStep read_step(const json& value) {
    Members members(value, "a step");
    SavedStep step{members.get<std::string>("id"), members.get<std::string>("detail"), members.get<std::string>("cost")};
    members.no_more();
    return step;
}

const json& list_at(Members& members, const char* key) {
    const auto& list = members.at(key);
    if (!list.is_array()) refuse(std::string(key) + " is no list");
    return list;
}

SavedBottle read_bottle(const json& value) {
    Members members(value, "a bottle");
    SavedBottle bottle;
    bottle.name = members.get<std::string>("name");
    bottle.removes = members.get<bool>("removes");
    bottle.manifest = members.get<Fingerprint>("manifest");
    bottle.desired = members.get<Fingerprint>("desired");
    bottle.observed = members.get<Fingerprint>("observed");
    for (const auto& step : list_at(members, "steps")) bottle.steps.push_back(read_step(step));
    members.no_more();
    return bottle;
}

/// "is gone", "is there now": what became of one thing.
std::string what_became(const std::string* then, const std::string* now) {
    const bool was_there = then != nullptr && *then != kWasAbsent;
    const bool is_there = now != nullptr && *now != kWasAbsent;
    if (now != nullptr && *now == kWasUnknown) return "cannot be read now";
    if (!was_there && is_there) return "is there now";
    if (was_there && !is_there) return "is gone";
    return "changed";
}

/// "containers.web.ports.http.port", where all of containers.web is on one side only: "containers.web".
std::string whole_of(const std::string& path, const Fingerprint& other) {
    for (auto dot = path.find('.'); dot != std::string::npos; dot = path.find('.', dot + 1)) {
        const auto above = path.substr(0, dot + 1);
        const auto next = other.lower_bound(above);
        if (next == other.end() || !next->first.starts_with(above)) return path.substr(0, dot);
    }
    return path;
}

void compare_manifests(const Fingerprint& then, const Fingerprint& now, const Place& place, std::vector<Problem>& problems) {
    std::map<std::string, const char*> moved;
    for (const auto& [path, digest] : then) {
        const auto is = now.find(path);
        if (is == now.end()) moved[whole_of(path, now)] = "is gone";
        else if (is->second != digest) moved[path] = "changed";
    }
    for (const auto& [path, digest] : now) {
        if (then.count(path) == 0) moved[whole_of(path, then)] = "is there now";
    }
    for (const auto& [path, word] : moved) problems.push_back({place, fmt::format("the manifest moved: {} {}", printable(path), word), "", ""});
}

void compare(const Fingerprint& then, const Fingerprint& now, const std::string& before, const std::optional<Place>& place, std::vector<Problem>& problems) {
    std::set<std::string> names;
    for (const auto& [name, digest] : then) names.insert(name);
    for (const auto& [name, digest] : now) names.insert(name);
    for (const auto& name : names) {
        const auto was = then.find(name);
        const auto is = now.find(name);
        const auto* old_value = was == then.end() ? nullptr : &was->second;
        const auto* new_value = is == now.end() ? nullptr : &is->second;
        if (old_value != nullptr && new_value != nullptr && *old_value == *new_value) continue;
        problems.push_back({place, fmt::format("{}{} {}", before, printable(name), what_became(old_value, new_value)), "", ""});
    }
}

bool has_step(const std::vector<SavedStep>& steps, const SavedStep& step) {
    return std::find(steps.begin(), steps.end(), step) != steps.end();
}

void compare_steps(const SavedBottle& then, const SavedBottle& now, const Place& place, std::vector<Problem>& problems) {
    for (const auto& step : now.steps) {
        if (!has_step(then.steps, step)) problems.push_back({place, fmt::format("the plan has no step {}, which is needed now", printable(step.id)), "", ""});
    }
    for (const auto& step : then.steps) {
        if (!has_step(now.steps, step)) problems.push_back({place, fmt::format("the plan's step {} is not needed any more, or another one now", printable(step.id)), "", ""});
    }
}

}  // namespace

SavedBottle save_bottle(const Manifest& manifest, const Desired& desired, const Snapshot& snapshot, const Plan& plan, const KeyedDigest& digest) {
    SavedBottle saved;
    saved.name = manifest.name;
    saved.manifest = manifest_fingerprint(manifest, digest);
    saved.desired = desired_fingerprint(desired, digest);
    auto images = desired.image_refs;
    if (desired.image_source.kind == ImageSource::Kind::Docker) images.push_back(desired.image_source.from);
    saved.observed = observed_fingerprint(manifest.name, snapshot, images, desired.firewall, digest);
    saved.steps = steps_of(plan);
    return saved;
}

SavedBottle save_removal(const std::string& bottle, const Snapshot& snapshot, const Plan& plan, const KeyedDigest& digest) {
    SavedBottle saved;
    saved.name = bottle;
    saved.removes = true;
    saved.observed = observed_fingerprint(bottle, snapshot, {}, std::nullopt, digest);
    // Whether the pause image goes along hangs on which bottles are there, too.
    for (auto& step : steps_of(plan)) {
        if (!step.id.starts_with("remove image ")) saved.steps.push_back(std::move(step));
    }
    return saved;
}

std::string to_text(const SavedPlan& plan) {
    json bottles = json::array();
    for (const auto& bottle : plan.bottles) bottles.push_back(bottle_json(bottle));
    const json document = {{"format", kFormat}, {"madeAt", plan.made_at}, {"files", plan.files}, {"recursive", plan.recursive}, {"name", plan.name},
                           {"selector", plan.selector}, {"adopt", plan.adopt}, {"salt", plan.salt}, {"keyed", plan.keyed}, {"bottles", bottles}};
    return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

SavedPlan read_saved_plan(const std::string& text) {
    constexpr std::size_t kLargest = 8 << 20;
    constexpr int kDeepest = 8;
    const auto parsed = parse_strict_json(text, kLargest, kDeepest);
    if (!parsed.problem.empty()) refuse(printable(parsed.problem));
    Members members(parsed.value, "it");
    if (const auto format = members.get<std::string>("format"); format != kFormat) refuse(fmt::format("its format is {}, not {}", printable(format), kFormat));
    SavedPlan plan;
    plan.made_at = members.get<std::string>("madeAt");
    plan.files = members.get<std::vector<std::string>>("files");
    plan.recursive = members.get<bool>("recursive");
    plan.name = members.get<std::string>("name");
    plan.selector = members.get<std::map<std::string, std::string>>("selector");
    plan.adopt = members.get<bool>("adopt");
    plan.salt = members.get<std::string>("salt");
    plan.keyed = members.get<bool>("keyed");
    for (const auto& bottle : list_at(members, "bottles")) plan.bottles.push_back(read_bottle(bottle));
    members.no_more();
    std::set<std::string> names;
    for (const auto& bottle : plan.bottles) {
        if (!names.insert(bottle.name).second) refuse(fmt::format("bottle {} stands in it twice", printable(bottle.name)));
    }
    return plan;
}

std::vector<Problem> what_moved(const SavedBottle& then, const SavedBottle& now, const Place& place) {
    std::vector<Problem> problems;
    // Where Docker cannot be read, nothing is known of what is there.
    const auto docker = now.observed.find(kDocker);
    if (docker != now.observed.end() && docker->second == kWasUnknown) return {{std::nullopt, "what is there moved: Docker cannot be read now", "", ""}};
    compare_manifests(then.manifest, now.manifest, place, problems);
    // What a moved manifest comes to, moved with it: that says nothing more.
    if (problems.empty()) compare(then.desired, now.desired, "what is wanted moved: ", place, problems);
    compare(then.observed, now.observed, "what is there moved: ", std::nullopt, problems);
    if (problems.empty()) compare_steps(then, now, place, problems);
    return problems;
}

}  // namespace bottle
