#include "controllers/image/pack_file.h"

#include "manifests/error.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cstring>
#include <string_view>

namespace bottle {
namespace {

using nlohmann::json;

constexpr std::size_t kFooter = 64;
constexpr std::string_view kMagic = "SMOLPACK";
constexpr std::uint64_t kMaxManifest = 8 << 20;

[[noreturn]] void fail(const std::string& what, const std::string& hint = {}) {
    throw Error(Exit::Failed, what, hint);
}

/// A number, least byte first.
template <class Number>
Number number_at(const std::array<char, kFooter>& footer, std::size_t at) {
    Number number = 0;
    for (std::size_t i = sizeof number; i-- > 0;) number = static_cast<Number>(number << 8 | static_cast<unsigned char>(footer[at + i]));
    return number;
}

struct Footer {
    std::uint64_t assets_size = 0;
    std::uint64_t manifest_size = 0;
    std::uint32_t checksum = 0;
};

Footer read_footer(int fd) {
    struct stat info {};
    std::array<char, kFooter> bytes{};
    const bool whole = fstat(fd, &info) == 0 && info.st_size >= static_cast<off_t>(kFooter) &&
                       pread(fd, bytes.data(), bytes.size(), info.st_size - static_cast<off_t>(kFooter)) == static_cast<ssize_t>(kFooter);
    if (!whole || std::string_view(bytes.data(), kMagic.size()) != kMagic) fail("it is no pack of smolvm's, or breaks off", "smolvm pack create --image IMAGE -o NAME   writes NAME.smolmachine");
    const auto version = number_at<std::uint32_t>(bytes, 8);
    if (version < 1 || version > 3) fail(fmt::format("it is a pack of format {}, and 1 to 3 are known", version));
    if (number_at<std::uint64_t>(bytes, 20) != 0) fail("it is a program with a pack in it", "name the file NAME.smolmachine beside it");
    const Footer footer{number_at<std::uint64_t>(bytes, 28), number_at<std::uint64_t>(bytes, 44), number_at<std::uint32_t>(bytes, 52)};
    const auto size = static_cast<std::uint64_t>(info.st_size) - kFooter;
    const bool fits = footer.manifest_size <= kMaxManifest && footer.assets_size <= size && footer.manifest_size == size - footer.assets_size &&
                      number_at<std::uint64_t>(bytes, 36) == footer.assets_size;
    if (!fits) fail("it breaks off, or its parts are not where its end says");
    return footer;
}

/// Both parts have one checksum.
void check_sum(int fd, const Footer& footer) {
    FilePart parts(fd, 0, footer.assets_size + footer.manifest_size);
    std::vector<char> block(1 << 20);
    uLong sum = crc32(0, nullptr, 0);
    while (const auto got = parts.read(block.data(), block.size())) sum = crc32(sum, reinterpret_cast<const Bytef*>(block.data()), static_cast<uInt>(got));
    if (sum != footer.checksum) fail("it is damaged: its checksum is another");
}

json read_manifest(int fd, const Footer& footer) {
    std::string text(footer.manifest_size, '\0');
    FilePart part(fd, footer.assets_size, footer.manifest_size);
    for (std::size_t done = 0; done < text.size();) done += part.read(text.data() + done, text.size() - done);
    return json::parse(text);
}

bool names(const json& document, const char* key) {
    return document.contains(key) && !document[key].is_null();
}

}  // namespace

PackFile read_pack(int fd, const std::string& architecture) {
    const auto footer = read_footer(fd);
    check_sum(fd, footer);
    try {
        const auto manifest = read_manifest(fd, footer);
        const auto& assets = manifest.at("assets");
        // Every pack has storage.ext4, an empty disk; only that of a machine has the other, on which its files are.
        if (manifest.value("mode", std::string("container")) != "container" || names(assets, "overlay_template")) {
            fail("it was made of a machine, and holds that one's disk: only a pack of an image can be used", "smolvm pack create --image IMAGE -o NAME");
        }
        const auto platform = manifest.value("platform", std::string());
        const bool foreign = (platform == "linux/amd64" || platform == "linux/arm64") && platform != "linux/" + architecture;
        if (foreign) fail(fmt::format("it is made for {}, and this host is linux/{}", printable(platform), architecture));
        PackFile pack{footer.assets_size, {}};
        for (const auto& layer : assets.at("layers")) pack.layers.push_back({layer.at("path").get<std::string>(), ""});
        if (pack.layers.empty()) fail("it has no layers");
        return pack;
    } catch (const json::exception&) {
        fail("what it says of itself is not as smolvm writes it");
    }
}

}  // namespace bottle
