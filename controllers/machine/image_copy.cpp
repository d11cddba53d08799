#include "controllers/machine/image_copy.h"

#include "controllers/image/pack_file.h"
#include "controllers/image/unpack.h"
#include "controllers/machine/folder_copy.h"
#include "controllers/machine/image_file.h"
#include "controllers/process/proc_table.h"
#include "controllers/state/private_file.h"
#include "manifests/error.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace bottle {
namespace {

using nlohmann::json;

std::string record_of(const std::string& folder) {
    return folder + ".json";
}

[[noreturn]] void fail(const std::string& what, const std::string& path) {
    throw Error(Exit::Failed, fmt::format("cannot {} {}: {}", what, path, std::strerror(errno)));
}

/// Throws Error{Exit::Failed} for a folder that cannot be read.
std::string listing_of(const std::string& folder) {
    auto listing = folder_listing(folder);
    if (!listing.present())
        throw Error(Exit::Precondition, listing.unknown() ? listing.why() : folder + " is not there");
    return *listing;
}

json identity_json(const FileIdentity& file) {
    return {file.path, file.device, file.inode, file.size, file.mtime_ns, file.ctime_ns};
}

/// A set-user-id program of an image must not be anybody's to run on this host: the folder is closed. As root the VMM, which has a uid and a group of its
/// own, comes through it to the image, and only there.
void make_closed_folder(const std::string& path, std::int64_t vmm_uid) {
    make_private_folder(path);
    if (geteuid() != 0) return;
    const auto common = std::filesystem::path(path).parent_path();
    if (chmod(common.c_str(), 0711) != 0) fail("open", common);
    if (chown(path.c_str(), 0, static_cast<gid_t>(vmm_uid)) != 0 || chmod(path.c_str(), 0710) != 0) fail("close", path);
}

/// A file that only we have, and that is gone when it is closed.
Fd nameless_file(const std::string& path) {
    if (!remove_if_there(path)) fail("remove", path);
    Fd file(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.valid() || unlink(path.c_str()) != 0) fail("make", path);
    return file;
}

void write_down(ByteSource& source, int fd, const std::string& path) {
    Counted counted(source, kMaxImageBytes);
    std::vector<char> block(1 << 20);
    while (const auto got = counted.read(block.data(), block.size())) {
        if (!write_all(fd, {block.data(), got})) fail("write", path);
    }
}

/// What a copy was made of, as its record says it.
struct Made {
    std::string listing;  ///< `ImageCopy::source_listing`
    json file;            ///< null: of no file
};

Made copy_rootfs(const std::string& source, const std::string& target) {
    const auto before = listing_of(source);
    copy_folder(source, target);
    if (listing_of(source) != before) {
        throw Error(Exit::Failed, fmt::format("{} changed while it was copied", source), "apply again when nobody writes in it");
    }
    return {before, nullptr};
}

void unpack(const ImageTar& tar, const std::vector<ImageLayer>& layers, const std::string& target) {
    std::vector<LayerBytes> bytes;
    for (const auto& layer : layers) bytes.push_back({[&tar, name = layer.member] { return tar.open(name); }, layer.diff_id});
    const bool root = geteuid() == 0;
    unpack_layers(bytes, target, {root, root});
}

Made unpack_docker(const ImageSource& source, const std::string& target, const ImageDownload& download) {
    const auto file = nameless_file(target + ".tar");
    if (const auto outcome = download(source.id, file.get(), kMaxImageBytes); outcome.kind != Outcome::Kind::Done) throw Error(Exit::Failed, outcome.text, outcome.hint);
    const ImageTar tar(file.get());
    const auto layout = read_image_layout(tar, host_architecture());
    if (layout.ids.count(source.id) == 0) throw Error(Exit::Failed, fmt::format("what Docker gave is not the image {}", source.id));
    unpack(tar, layout.layers, target);
    return {source.id, nullptr};
}

void unpack_archive(int fd, std::uint64_t size, const std::string& target) {
    FilePart file(fd, 0, size);
    Unpacked plain(file);
    Fd unpacked;
    if (plain.was_packed()) {
        unpacked = nameless_file(target + ".tar");
        write_down(plain, unpacked.get(), target);
    }
    const ImageTar tar(unpacked.valid() ? unpacked.get() : fd);
    unpack(tar, read_image_layout(tar, host_architecture()).layers, target);
}

void unpack_pack(int fd, const std::string& target) {
    const auto pack = read_pack(fd, host_architecture());
    FilePart assets(fd, 0, pack.assets_size);
    Unpacked plain(assets);
    const auto unpacked = nameless_file(target + ".tar");
    write_down(plain, unpacked.get(), target);
    unpack(ImageTar(unpacked.get()), pack.layers, target);
}

Made unpack_file(const ImageSource& source, const std::string& target) {
    const auto changed = Error(Exit::Failed, "it changed since it was looked at", "apply again when nobody writes in it");
    const auto before = read_image_file(source.from);
    if (before.digest != source.id) throw changed;
    const auto file = open_image_file(source.from);
    if (source.kind == ImageSource::Kind::Pack) unpack_pack(file.get(), target);
    else unpack_archive(file.get(), static_cast<std::uint64_t>(before.identity.size), target);
    if (identify_file(source.from) != before.identity) throw changed;
    return {before.digest, identity_json(before.identity)};
}

Made make_of(const ImageSource& source, const std::string& target, const ImageDownload& download) {
    if (source.kind == ImageSource::Kind::Rootfs) return copy_rootfs(source.from, target);
    try {
        return source.kind == ImageSource::Kind::Docker ? unpack_docker(source, target, download) : unpack_file(source, target);
    } catch (const Error& error) {
        throw Error(error.exit(), fmt::format("{}: {}", printable(source.from), error.what()), error.problems().front().hint);
    }
}

Outcome failed(const Error& error) {
    return {Outcome::Kind::Failed, error.what(), error.problems().front().hint, error.exit()};
}

/// Half a copy may have gigabytes.
void remove_half(const std::string& folder) {
    try {
        remove_folder(folder);
    } catch (const Error&) {
        // The next copy tries again, and says why it cannot.
    }
}

}  // namespace

Observation<ImageCopy> image_copy(const std::string& folder) {
    try {
        const auto text = read_own_file(record_of(folder), false);
        if (!text) return Absent{};
        const auto record = json::parse(*text);
        return ImageCopy{record.at("source").get<std::string>(), record.at("sourceListing").get<std::string>(), record.at("listing").get<std::string>()};
    } catch (const Error& error) {
        return Unknown{error.what()};
    } catch (const json::exception&) {
        return Unknown{record_of(folder) + " is not what bottle wrote there"};
    }
}

Observation<std::string> image_file_id(const std::string& path, const std::string& folder) {
    struct stat info {};
    if (lstat(path.c_str(), &info) != 0 && (errno == ENOENT || errno == ENOTDIR)) return Absent{};
    try {
        if (const auto text = read_own_file(record_of(folder), false)) {
            const auto record = json::parse(*text, nullptr, false);
            const auto now = identify_file(path);
            if (now && record.is_object() && record.value("file", json()) == identity_json(*now)) return record.at("sourceListing").get<std::string>();
        }
        return read_image_file(path).digest;
    } catch (const Error& error) {
        return Unknown{error.what()};
    } catch (const json::exception&) {
        return Unknown{record_of(folder) + " is not what bottle wrote there"};
    }
}

Outcome make_image_copy(const CopyImage& action, const std::string& folder, const ImageDownload& download) {
    const auto beside = folder + ".new";
    try {
        make_closed_folder(std::filesystem::path(folder).parent_path(), action.vmm_uid);
        if (!remove_if_there(record_of(folder))) fail("remove", record_of(folder));
        remove_folder(beside);
        const auto made = make_of(action.source, beside, download);
        remove_folder(folder);
        if (std::rename(beside.c_str(), folder.c_str()) != 0) fail("make", folder);
        json record = {{"source", action.source.from}, {"sourceListing", made.listing}, {"listing", listing_of(folder)}};
        if (!made.file.is_null()) record["file"] = made.file;
        write_private_file(record_of(folder), record.dump(-1, ' ', false, json::error_handler_t::replace));
        return {};
    } catch (const Error& error) {
        remove_half(beside);
        return failed(error);
    }
}

}  // namespace bottle
