#include "controllers/machine/image_file.h"

#include "controllers/image/byte_source.h"
#include "controllers/process/proc_table.h"
#include "manifests/error.h"

#include <fmt/format.h>

#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>

namespace bottle {
namespace {

/// Bottles are looked at by several threads.
class ReadBefore {
public:
    std::string digest_of(const FileIdentity& identity) {
        const std::lock_guard lock(mutex_);
        const auto found = files_.find(identity.path);
        return found != files_.end() && found->second.identity == identity ? found->second.digest : std::string();
    }
    void keep(const ImageFile& file) {
        const std::lock_guard lock(mutex_);
        files_[file.identity.path] = file;
    }

private:
    std::mutex mutex_;
    std::map<std::string, ImageFile> files_;
};

ReadBefore& read_before() {
    static ReadBefore all;
    return all;
}

FileIdentity identity_of(const std::string& path) {
    const auto identity = identify_file(path);
    if (!identity) throw Error(Exit::Precondition, fmt::format("cannot read {}: {}", printable(path), std::strerror(errno)));
    return *identity;
}

}  // namespace

Fd open_image_file(const std::string& path) {
    auto opened = open_regular(path, O_RDONLY);
    if (opened.error != 0) throw Error(Exit::Precondition, fmt::format("cannot read {}: {}", printable(path), std::strerror(opened.error)));
    if (!opened.problem.empty()) throw Error(Exit::Precondition, opened.problem);
    return std::move(opened.fd);
}

ImageFile read_image_file(const std::string& path) {
    const auto identity = identity_of(path);
    const auto file = open_image_file(path);
    if (auto digest = read_before().digest_of(identity); !digest.empty()) return {identity, std::move(digest)};
    ImageFile read{identity, digest_of_file(file.get())};
    if (identity_of(path) != identity) throw Error(Exit::Failed, fmt::format("{} changed while it was read", printable(path)), "apply again when nobody writes in it");
    read_before().keep(read);
    return read;
}

}  // namespace bottle
