#include "controllers/docker/pause_image.h"

#include "controllers/docker/engine.h"
#include "controllers/state/digest.h"
#include "reconciler/desired.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <string_view>
#include <vector>

extern "C" {
extern const char bottle_pause_begin[];
extern const char bottle_pause_end[];
}

namespace bottle {
namespace {

constexpr std::size_t kBlock = 512;
constexpr const char* kUser = "65534:65534";

std::string_view program() {
    return {bottle_pause_begin, static_cast<std::size_t>(bottle_pause_end - bottle_pause_begin)};
}

void put(std::string& header, std::size_t at, std::string_view text) {
    header.replace(at, text.size(), text);
}

/// A ustar header (POSIX.1-1988) for a regular file, root's, mode 0755, of the year 1970.
std::string tar_header(std::string_view name, std::size_t size) {
    std::string header(kBlock, '\0');
    put(header, 0, name);
    put(header, 100, "0000755");
    put(header, 108, "0000000");
    put(header, 116, "0000000");
    put(header, 124, fmt::format("{:011o}", size));
    put(header, 136, "00000000000");
    put(header, 148, "        ");
    put(header, 156, "0");
    put(header, 257, std::string_view("ustar\0" "00", 8));
    unsigned sum = 0;
    for (const char c : header) sum += static_cast<unsigned char>(c);
    put(header, 148, fmt::format("{:06o}", sum));
    header[154] = '\0';
    return header;
}

}  // namespace

std::string pause_tar() {
    const auto file = program();
    std::string tar = tar_header("pause", file.size());
    tar += file;
    tar.resize((tar.size() + kBlock - 1) / kBlock * kBlock, '\0');
    tar.append(2 * kBlock, '\0');
    return tar;
}

std::string pause_digest() {
    return sha256_hex(program());
}

std::string pause_import_path() {
    const std::string reference = kPauseImage;
    const auto colon = reference.find(':');
    std::string path = fmt::format("/images/create?fromSrc=-&repo={}&tag={}", url_encoded(reference.substr(0, colon)), url_encoded(reference.substr(colon + 1)));
    const std::vector<std::string> changes = {"ENTRYPOINT [\"/pause\"]", fmt::format("USER {}", kUser), fmt::format("LABEL {}={}", label::kComponent, "pause"),
                                              fmt::format("LABEL {}={}", kPauseDigestLabel, pause_digest())};
    for (const auto& change : changes) path += "&changes=" + url_encoded(change);
    return path;
}

bool is_pause_image(const Image& image) {
    const auto digest = image.labels.find(kPauseDigestLabel);
    return digest != image.labels.end() && digest->second == pause_digest() && image.entrypoint == std::vector<std::string>{"/pause"} &&
           image.command.empty() && image.user == kUser && image.volumes.empty();
}

}  // namespace bottle
