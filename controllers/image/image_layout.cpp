#include "controllers/image/image_layout.h"

#include "manifests/error.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <sys/utsname.h>

#include <algorithm>

namespace bottle {
namespace {

using nlohmann::json;

constexpr const char* kDockerManifest = "manifest.json";
constexpr const char* kOciIndex = "index.json";
/// An index may name others; tools write one level of them.
constexpr int kMaxIndexes = 4;

[[noreturn]] void fail(const std::string& what, const std::string& hint = {}) {
    throw Error(Exit::Failed, what, hint);
}

std::string sha256_of(const std::string& text) {
    return "sha256:" + sha256_hex(text);
}

class LayoutReader {
public:
    LayoutReader(const ImageTar& tar, std::string architecture) : tar_(tar), architecture_(std::move(architecture)) {}

    ImageLayout docker() {
        const auto images = parsed(kDockerManifest, tar_.text(kDockerManifest));
        if (!images.is_array()) fail("manifest.json in it is no list of images");
        if (images.size() != 1) fail(fmt::format("it holds {} images", images.size()), "docker save -o FILE NAME:TAG   writes one");
        const auto& image = images.front();
        const auto text = tar_.text(image.at("Config").get<std::string>());
        layout_.ids.insert(sha256_of(text));
        std::vector<std::string> members;
        if (image.contains("Layers") && !image["Layers"].is_null()) members = image["Layers"].get<std::vector<std::string>>();
        // A Docker on containerd's store calls the image by its manifest, which stands in the index beside.
        if (tar_.has(kOciIndex)) add_manifest_ids(parsed(kOciIndex, tar_.text(kOciIndex)));
        take_layers(members, parsed("the image's configuration", text));
        return std::move(layout_);
    }

    ImageLayout oci() {
        std::vector<json> found;
        collect(parsed(kOciIndex, tar_.text(kOciIndex)), 0, found);
        const auto& chosen = choose(found);
        const auto manifest = blob(chosen.at("digest").get<std::string>());
        layout_.ids.insert(chosen.at("digest").get<std::string>());
        const auto document = parsed("the image's manifest", manifest);
        const auto config_digest = document.at("config").at("digest").get<std::string>();
        layout_.ids.insert(config_digest);
        std::vector<std::string> members;
        for (const auto& layer : document.at("layers")) members.push_back(blob_name(layer.at("digest").get<std::string>()));
        take_layers(members, parsed("the image's configuration", blob(config_digest)));
        return std::move(layout_);
    }

private:
    static json parsed(const std::string& what, const std::string& text) {
        auto document = json::parse(text, nullptr, false);
        if (document.is_discarded()) fail(fmt::format("{} in it is no JSON", what));
        return document;
    }

    /// "sha256:HEX" as the layout's blobs are named.
    static std::string blob_name(const std::string& digest) {
        constexpr std::string_view kSha256 = "sha256:";
        constexpr std::size_t kDigits = 64;
        const auto digits = digest.substr(std::min(digest.size(), kSha256.size()));
        const bool plain = digest.starts_with(kSha256) && digits.size() == kDigits && digits.find_first_not_of("0123456789abcdef") == std::string::npos;
        if (!plain) fail(fmt::format("it names a part by {}, which is no SHA-256", printable(digest)));
        return "blobs/sha256/" + digits;
    }

    std::string blob(const std::string& digest) const {
        auto text = tar_.text(blob_name(digest));
        if (sha256_of(text) != digest) fail(fmt::format("{} in it is not what its name says", blob_name(digest)));
        return text;
    }

    static bool is_index(const json& entry) {
        const auto type = entry.value("mediaType", std::string());
        return type == "application/vnd.oci.image.index.v1+json" || type == "application/vnd.docker.distribution.manifest.list.v2+json";
    }

    /// What tells of a build stands beside the image that was built, for a platform "unknown".
    static bool is_attestation(const json& entry) {
        return entry.contains("platform") && entry["platform"].value("os", std::string()) == "unknown";
    }

    void collect(const json& index, int depth, std::vector<json>& found) const {
        if (depth > kMaxIndexes) fail("index.json in it leads too deep");
        for (const auto& entry : index.at("manifests")) {
            if (is_index(entry)) collect(parsed("an index", blob(entry.at("digest").get<std::string>())), depth + 1, found);
            else if (!is_attestation(entry)) found.push_back(entry);
        }
    }

    bool is_ours(const json& entry) const {
        const auto& platform = entry.at("platform");
        return platform.value("os", std::string("linux")) == "linux" && platform.value("architecture", std::string()) == architecture_;
    }

    /// Of several the one for this host; two names of one image are one.
    const json& choose(std::vector<json>& found) const {
        const auto digest = [](const json& entry) { return entry.at("digest").get<std::string>(); };
        std::sort(found.begin(), found.end(), [&](const json& one, const json& other) { return digest(one) < digest(other); });
        found.erase(std::unique(found.begin(), found.end(), [&](const json& one, const json& other) { return digest(one) == digest(other); }), found.end());
        if (found.empty()) fail("it holds no image");
        if (found.size() == 1) return found.front();
        const bool by_platform = std::all_of(found.begin(), found.end(), [](const json& entry) { return entry.contains("platform"); });
        std::vector<const json*> ours;
        for (const auto& entry : found) {
            if (by_platform && is_ours(entry)) ours.push_back(&entry);
        }
        if (by_platform && ours.empty()) fail(fmt::format("it holds {} images, and none for linux/{}", found.size(), architecture_));
        if (ours.size() != 1) fail(fmt::format("it holds {} images", found.size()), "skopeo copy docker-daemon:NAME:TAG oci-archive:FILE   writes one");
        return *ours.front();
    }

    void add_manifest_ids(const json& index) {
        for (const auto& entry : index.value("manifests", json::array())) {
            if (entry.contains("digest")) layout_.ids.insert(entry["digest"].get<std::string>());
        }
    }

    void take_layers(const std::vector<std::string>& members, const json& config) {
        const auto os = config.value("os", std::string());
        const auto architecture = config.value("architecture", std::string());
        if (!os.empty() && os != "linux") fail(fmt::format("it is made for {}, and a machine runs linux", printable(os)));
        if (!architecture.empty() && architecture != architecture_) fail(fmt::format("it is made for {}, and this host is {}", printable(architecture), architecture_));
        if (members.empty()) fail("it has no layers");
        std::vector<std::string> diff_ids;
        if (config.contains("rootfs") && config["rootfs"].contains("diff_ids")) diff_ids = config["rootfs"]["diff_ids"].get<std::vector<std::string>>();
        if (!diff_ids.empty() && diff_ids.size() != members.size()) fail(fmt::format("it has {} layers, and its configuration {}", members.size(), diff_ids.size()));
        for (std::size_t i = 0; i < members.size(); ++i) layout_.layers.push_back({members[i], diff_ids.empty() ? std::string() : diff_ids[i]});
    }

    const ImageTar& tar_;
    std::string architecture_;
    ImageLayout layout_;
};

}  // namespace

ImageLayout read_image_layout(const ImageTar& tar, const std::string& architecture) {
    try {
        LayoutReader reader(tar, architecture);
        if (tar.has(kDockerManifest)) return reader.docker();
        if (tar.has(kOciIndex)) return reader.oci();
    } catch (const json::exception&) {
        fail("what it says of its image is not as `docker save` or an OCI layout has it");
    }
    fail("it is no image: it has neither manifest.json nor index.json", "docker save writes an image; what docker export writes has to be unpacked, and named as rootfs");
}

std::string host_architecture() {
    utsname host{};
    uname(&host);
    const std::string machine = host.machine;
    if (machine == "x86_64") return "amd64";
    if (machine == "aarch64") return "arm64";
    return machine;
}

}  // namespace bottle
