#include "cli/plan_file.h"

#include "cli/commands.h"
#include "controllers/state/digest.h"
#include "controllers/state/private_file.h"
#include "controllers/state/timestamp.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace bottle {
namespace {

/// A little more than `read_saved_plan` takes, so that it is that which says how large one may be.
constexpr std::size_t kCap = (8 << 20) + 1;
constexpr std::size_t kSaltBytes = 32;

bool is_named(const std::vector<Manifest>& manifests, const std::string& name) {
    return std::any_of(manifests.begin(), manifests.end(), [&](const Manifest& m) { return m.name == name; });
}

auto find_bottle(const SavedPlan& plan, const std::string& name, bool removes = false) {
    return std::find_if(plan.bottles.begin(), plan.bottles.end(), [&](const SavedBottle& b) { return b.name == name && b.removes == removes; });
}

}  // namespace

SavedPlan new_saved_plan(const Options& options, Session& session) {
    SavedPlan plan;
    plan.made_at = timestamp();
    plan.name = options.name;
    plan.recursive = options.recursive;
    plan.selector = options.selector;
    plan.adopt = options.adopt;
    plan.salt = random_hex(kSaltBytes);
    plan.keyed = session.has_digest_key();
    if (!plan.name.empty()) return plan;
    for (const auto& file : files_of(options)) {
        if (file == "-") throw Error(Exit::Usage, "a plan of standard input cannot be kept: apply could not read it again", "write the manifest into a file: -f FILE");
        plan.files.push_back(std::filesystem::absolute(file).lexically_normal());
    }
    return plan;
}

void write_plan_file(const std::string& path, const SavedPlan& plan) {
    const auto target = std::filesystem::absolute(path);
    std::error_code error;
    if (std::filesystem::exists(std::filesystem::symlink_status(target, error))) {
        try {
            read_plan_file(target);
        } catch (const Error&) {
            throw Error(Exit::Usage, fmt::format("{} is there, and is no plan of bottle's: it is not written over", printable(path)), "name another file, or remove this one");
        }
    }
    write_private_file(target, to_text(plan));
}

SavedPlan read_plan_file(const std::string& path) {
    const auto text = read_trusted_file(std::filesystem::absolute(path), kCap);
    if (!text) throw Error(Exit::Usage, fmt::format("there is no plan {}", printable(path)), "bottle plan --out FILE   makes one; a manifest is named with -f");
    try {
        return read_saved_plan(*text);
    } catch (Error& error) {
        throw std::move(error.add_trace("while reading " + printable(path)));
    }
}

std::vector<Manifest> manifests_of_plan(const SavedPlan& plan, Session& session) {
    Options options;
    options.files = plan.files;
    options.recursive = plan.recursive;
    options.name = plan.name;
    if (plan.files.empty() == plan.name.empty()) throw Error(Exit::Usage, "the plan does not say of which manifests it is", "bottle plan --out FILE   makes a new one");
    return manifests_of(options, session);
}

std::vector<std::string> removed_by_plan(const SavedPlan& plan, Session& session) {
    const auto known = session.bottles();
    std::vector<std::string> names;
    for (const auto& bottle : plan.bottles) {
        if (!bottle.removes) continue;
        // Also what makes of a text from outside a name.
        if (std::find(known.begin(), known.end(), bottle.name) == known.end()) {
            throw plan_moved({{std::nullopt, fmt::format("bottle {}, which the plan deletes, is not in our records", printable(bottle.name)), "", ""}});
        }
        names.push_back(bottle.name);
    }
    return names;
}

std::vector<Problem> bottles_moved(const SavedPlan& plan, const std::vector<Manifest>& manifests) {
    std::vector<Problem> problems;
    for (const auto& manifest : manifests) {
        if (find_bottle(plan, manifest.name) == plan.bottles.end()) problems.push_back({manifest.place, fmt::format("bottle {} is new: the plan does not know it", manifest.name), "", ""});
    }
    for (const auto& bottle : plan.bottles) {
        if (!bottle.removes && !is_named(manifests, bottle.name)) problems.push_back({{}, fmt::format("bottle {} of the plan is in no manifest any more", printable(bottle.name)), "", ""});
    }
    return problems;
}

std::string plan_word(const std::string& path) {
    return path.find_first_of("./") == std::string::npos ? "./" + path : path;
}

const SavedBottle& bottle_of_plan(const SavedPlan& plan, const std::string& name, bool removes) {
    return *find_bottle(plan, name, removes);
}

Error plan_moved(std::vector<Problem> problems) {
    problems.back().hint = "nothing was done; bottle plan --out FILE   makes a plan of what is there now";
    Error error(Exit::Precondition, std::move(problems));
    error.add_trace("the plan does not fit any more");
    return error;
}

}  // namespace bottle
