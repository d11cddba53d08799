#include "tests/image/tar_text.h"

#include "controllers/image/image_layout.h"
#include "controllers/state/digest.h"
#include "tests/guest/temp_folder.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <zlib.h>

#include <cstdlib>
#include <stdexcept>

using nlohmann::json;

namespace {

constexpr std::size_t kBlock = 512;

void put(std::string& header, std::size_t at, const std::string& text) {
    header.replace(at, text.size(), text);
}

std::string padded(const std::string& content) {
    return content + std::string((kBlock - content.size() % kBlock) % kBlock, '\0');
}

template <class Number>
std::string little(Number number) {
    std::string bytes;
    for (std::size_t i = 0; i < sizeof number; ++i) bytes += static_cast<char>(number >> 8 * i & 255);
    return bytes;
}

std::string blob(const std::string& text) {
    return "blobs/sha256/" + digest_of(text).substr(7);
}

json descriptor(const std::string& type, const std::string& text) {
    return {{"mediaType", type}, {"digest", digest_of(text)}, {"size", text.size()}};
}

}  // namespace

TarText& TarText::entry(const std::string& path, char type, const std::string& target, const std::string& content, unsigned mode, std::uint64_t size) {
    std::string header(kBlock, '\0');
    put(header, 0, path.substr(0, 100));
    put(header, 100, fmt::format("{:07o}", mode));
    put(header, 108, fmt::format("{:07o}", uid_));
    put(header, 116, fmt::format("{:07o}", gid_));
    put(header, 124, fmt::format("{:011o}", size == UINT64_MAX ? content.size() : size));
    put(header, 136, fmt::format("{:011o}", 1'234'567));
    put(header, 148, "        ");
    header[156] = type;
    put(header, 157, target.substr(0, 100));
    put(header, 257, std::string("ustar\00000", 8));
    unsigned sum = 0;
    for (const char c : header) sum += static_cast<unsigned char>(c);
    put(header, 148, fmt::format("{:06o}", sum) + '\0');
    text_ += header + padded(content);
    return *this;
}

TarText& TarText::pax_file(const std::string& path, const std::string& content) {
    const auto rest = " path=" + path + "\n";
    std::size_t length = rest.size();
    while (std::to_string(length).size() + rest.size() != length) length = std::to_string(length).size() + rest.size();
    entry("PaxHeaders/x", 'x', "", std::to_string(length) + rest, 0644);
    return file("short", content);
}

TarText& TarText::owner(std::uint64_t uid, std::uint64_t gid) {
    uid_ = uid;
    gid_ = gid;
    return *this;
}

std::string digest_of(const std::string& text) {
    return "sha256:" + bottle::sha256_hex(text);
}

std::string packed_with(const std::string& tool, const std::string& text) {
    const TempFolder folder;
    write_file(folder.file("plain"), text);
    const auto command = fmt::format("{} -q -c {} > {}", tool, folder.file("plain"), folder.file("packed"));
    if (std::system(command.c_str()) != 0) throw std::runtime_error(command);
    return read_file(folder.file("packed"));
}

std::string SavedImage::config() const {
    json diff_ids = json::array();
    for (const auto& layer : layers) diff_ids.push_back(digest_of(layer));
    return json{{"architecture", architecture.empty() ? bottle::host_architecture() : architecture}, {"os", os}, {"rootfs", {{"type", "layers"}, {"diff_ids", diff_ids}}}}.dump();
}

std::string SavedImage::whole() const {
    TarText tar;
    json names = json::array();
    for (std::size_t i = 0; i < layers.size(); ++i) {
        names.push_back(fmt::format("{}/layer.tar", i));
        tar.folder(std::to_string(i)).file(fmt::format("{}/layer.tar", i), layers[i]);
    }
    tar.file("config.json", config());
    tar.file("manifest.json", json::array({{{"Config", "config.json"}, {"RepoTags", nullptr}, {"Layers", names}}}).dump());
    return tar.whole();
}

std::string SavedImage::oci(const std::string& tool) const {
    TarText tar;
    json named = json::array();
    for (const auto& layer : layers) {
        const auto bytes = tool.empty() ? layer : packed_with(tool, layer);
        tar.file(blob(bytes), bytes);
        named.push_back(descriptor("application/vnd.oci.image.layer.v1.tar", bytes));
    }
    const auto manifest = json{{"schemaVersion", 2}, {"config", descriptor("application/vnd.oci.image.config.v1+json", config())}, {"layers", named}}.dump();
    tar.file(blob(config()), config()).file(blob(manifest), manifest).file("oci-layout", R"({"imageLayoutVersion": "1.0.0"})");
    tar.file("index.json", json{{"schemaVersion", 2}, {"manifests", {descriptor("application/vnd.oci.image.manifest.v1+json", manifest)}}}.dump());
    return tar.whole();
}

std::string pack_of(const std::vector<std::string>& layers, const std::string& mode, const std::string& assets, const std::string& platform) {
    TarText tar;
    tar.file("agent-rootfs.tar", TarText().file("init", "not an image's").whole());
    json named = json::array();
    for (std::size_t i = 0; i < layers.size(); ++i) {
        const auto path = fmt::format("layers/{}.tar", i);
        tar.file(path, layers[i]);
        named.push_back({{"digest", "sha256:" + std::string(64, '0')}, {"path", path}, {"size", layers[i].size()}});
    }
    tar.file("storage.ext4", "an empty disk");
    json inventory = {{"libraries", json::array()}, {"agent_rootfs", {{"path", "agent-rootfs.tar"}, {"size", 1}}}, {"layers", named}, {"storage_template", {{"path", "storage.ext4"}, {"size", 13}}}};
    if (!assets.empty()) inventory.update(json::parse(assets));
    const auto manifest = json{{"mode", mode}, {"image", "agent:1"}, {"platform", platform.empty() ? "linux/" + bottle::host_architecture() : platform}, {"env", {"HOST_SECRET"}}, {"network", true}, {"assets", inventory}}.dump();
    const auto blob = packed_with("zstd", tar.whole());
    const auto both = blob + manifest;
    const auto sum = static_cast<std::uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(both.data()), static_cast<uInt>(both.size())));
    return both + "SMOLPACK" + little<std::uint32_t>(1) + little<std::uint64_t>(0) + little<std::uint64_t>(0) + little<std::uint64_t>(blob.size()) + little<std::uint64_t>(blob.size()) +
           little<std::uint64_t>(manifest.size()) + little<std::uint32_t>(sum) + std::string(8, '\0');
}
