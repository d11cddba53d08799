#include "controllers/machine/uid_claim.h"

#include "controllers/state/private_file.h"
#include "manifests/error.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>

namespace bottle {
namespace {

/// A file of the registry is named by its uid, in plain decimal; beside them lie files of other purposes (.allocation.lock).
std::optional<std::int64_t> uid_of(const std::string& name) {
    constexpr std::size_t kDigits = 10;
    if (name.empty() || name.size() > kDigits || name.find_first_not_of("0123456789") != std::string::npos || name.front() == '0') return std::nullopt;
    return std::stoll(name);
}

}  // namespace

Observation<std::int64_t> uid_claim(const MachinePaths& paths) {
    std::error_code error;
    std::filesystem::directory_iterator entry(paths.uid_claims, error);
    if (error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory) return Absent{};
    std::optional<std::int64_t> found;
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        const auto uid = uid_of(entry->path().filename());
        if (!uid) continue;
        try {
            const auto text = read_private_file(entry->path(), 4096);
            if (!text || text->substr(0, text->find('\n')) != paths.vm_key) continue;
        } catch (const Error& problem) {
            return Unknown{problem.what()};
        }
        if (found) return Unknown{fmt::format("{}: {} and {} both name this machine", paths.uid_claims, *found, *uid)};
        found = uid;
    }
    if (error) return Unknown{fmt::format("{}: {}", paths.uid_claims, error.message())};
    if (!found) return Absent{};
    return *found;
}

}  // namespace bottle
