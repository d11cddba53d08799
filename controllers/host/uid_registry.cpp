#include "controllers/host/uid_registry.h"

#include "controllers/state/digest.h"
#include "controllers/state/private_file.h"
#include "manifests/error.h"

#include <fmt/format.h>

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace bottle {
namespace {

std::string file_of(const std::string& registry, std::int64_t uid) {
    return fmt::format("{}/{}", registry, uid);
}

bool is_uid(const std::string& name) {
    constexpr std::size_t kDigits = 10;
    return !name.empty() && name.size() <= kDigits && name.find_first_not_of("0123456789") == std::string::npos && name.front() != '0';
}

}  // namespace

std::string uid_holder(const std::string& state_folder, const std::string& bottle) {
    return state_folder + " " + bottle;
}

std::map<std::int64_t, std::string> registered_uids(const std::string& registry) {
    std::map<std::int64_t, std::string> holders;
    if (!check_private_folder(registry)) return holders;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(registry, error); !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        const auto name = entry->path().filename().string();
        // Gone meanwhile: given back.
        if (const auto holder = is_uid(name) ? read_own_file(entry->path(), false) : std::nullopt) holders[std::stoll(name)] = *holder;
    }
    if (error) throw Error(Exit::Failed, fmt::format("{}: {}", registry, error.message()));
    return holders;
}

bool register_uid(const std::string& registry, std::int64_t uid, const std::string& holder) {
    make_private_folder(registry);
    // Whole at once: a crash leaves no empty entry that nobody could tell from another's.
    const auto beside = fmt::format("{}/.{}", registry, random_hex(8));
    write_private_file(beside, holder);
    bool made = false;
    try {
        made = link_private_file(beside, file_of(registry, uid));
    } catch (const Error&) {
        unlink(beside.c_str());
        throw;
    }
    unlink(beside.c_str());
    return made || read_own_file(file_of(registry, uid), false) == holder;
}

void unregister_uid(const std::string& registry, std::int64_t uid, const std::string& holder) {
    const auto file = file_of(registry, uid);
    if (!check_private_folder(registry) || read_own_file(file, false) != holder) return;
    if (unlink(file.c_str()) != 0 && errno != ENOENT) throw Error(Exit::Failed, fmt::format("{}: {}", file, std::strerror(errno)));
}

}  // namespace bottle
