#include "controllers/run_claim.h"

#include "controllers/state/private_file.h"
#include "manifests/error.h"

#include <fmt/format.h>

#include <unistd.h>

#include <utility>

namespace bottle {
namespace {

std::string mark_of(const std::string& folder) {
    return folder + "/run";
}

std::unique_ptr<FileLock> take(const std::string& bottle, const std::string& path) {
    try {
        return std::make_unique<FileLock>(path, std::chrono::milliseconds(0));
    } catch (Error& error) {
        if (error.exit() != Exit::Timeout) throw;
        throw Error(Exit::Failed, fmt::format("bottle {} is run already: {}", bottle, error.problems().front().text), "bottle exec, logs and status work beside it");
    }
}

}  // namespace

RunClaim::RunClaim(const std::string& bottle, const std::string& lock, std::string folder) : lock_(take(bottle, lock)), folder_(std::move(folder)) {
    if (folder_.empty()) return;
    make_private_folder(folder_);
    write_private_file(mark_of(folder_), "");
}

RunClaim::~RunClaim() {
    if (!lock_ || folder_.empty()) return;
    unmark(folder_);
    rmdir(folder_.c_str());
}

bool RunClaim::marked(const std::string& folder) {
    return read_private_file(mark_of(folder)).has_value();
}

void RunClaim::unmark(const std::string& folder) {
    remove_if_there(mark_of(folder));
}

}  // namespace bottle
