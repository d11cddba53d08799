#include "controllers/state/identity.h"

#include "controllers/state/digest.h"
#include "controllers/state/private_file.h"
#include "manifests/error.h"

#include <unistd.h>

#include <filesystem>

namespace bottle {
namespace {

constexpr std::size_t kIdBytes = 16;
constexpr std::size_t kKeyBytes = 32;

std::optional<std::string> read_hex(const std::string& path, std::size_t bytes, bool secret) {
    if (!check_private_folder(std::filesystem::path(path).parent_path())) return std::nullopt;
    auto text = read_own_file(path, secret);
    if (text && (text->size() != 2 * bytes || text->find_first_not_of("0123456789abcdef") != std::string::npos)) {
        throw Error(Exit::Failed, path + " does not hold what bottle wrote there");
    }
    return text;
}

std::string key_file(const std::string& state_folder) {
    return state_folder + "/key";
}

/// A random text in a file that is made once: written beside it, then linked, which fails if another was faster.
std::string make_once(const std::string& path, std::size_t bytes, bool secret) {
    make_private_folder(std::filesystem::path(path).parent_path());
    const auto beside = path + "." + random_hex(8);
    write_private_file(beside, random_hex(bytes));
    try {
        link_private_file(beside, path);
    } catch (const Error&) {
        unlink(beside.c_str());
        throw;
    }
    unlink(beside.c_str());
    const auto text = read_hex(path, bytes, secret);
    if (!text) throw Error(Exit::Failed, path + " is gone as soon as it was made");
    return *text;
}

}  // namespace

std::optional<std::string> read_owner(const std::string& path) {
    return read_hex(path, kIdBytes, false);
}

std::string make_owner(const std::string& path) {
    if (const auto there = read_owner(path)) return *there;
    return make_once(path, kIdBytes, false);
}

std::string owner_file(const std::string& state_folder, std::int64_t euid) {
    return euid == 0 ? "/var/lib/bottle/owner" : state_folder + "/owner";
}

std::string digest_key(const std::string& state_folder, bool make) {
    const auto path = key_file(state_folder);
    if (const auto there = read_hex(path, kKeyBytes, true)) return *there;
    return make ? make_once(path, kKeyBytes, true) : "no key yet";
}

bool has_digest_key(const std::string& state_folder) {
    return read_hex(key_file(state_folder), kKeyBytes, true).has_value();
}

}  // namespace bottle
