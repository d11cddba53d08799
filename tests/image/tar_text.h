#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// A tar, written header by header (POSIX.1-1988 ustar, and its pax extension), so that it may say what no tool would.
class TarText {
public:
    TarText& folder(const std::string& path, unsigned mode = 0755) { return entry(path, '5', "", "", mode); }
    TarText& file(const std::string& path, const std::string& content, unsigned mode = 0644) { return entry(path, '0', "", content, mode); }
    TarText& link(const std::string& path, const std::string& target) { return entry(path, '2', target, "", 0777); }
    TarText& hard_link(const std::string& path, const std::string& target) { return entry(path, '1', target, "", 0644); }
    TarText& device(const std::string& path) { return entry(path, '3', "", "", 0666); }
    TarText& fifo(const std::string& path) { return entry(path, '6', "", "", 0640); }
    TarText& whiteout(const std::string& path) { return file(path, ""); }
    /// With its path in a pax header, as Docker writes a long one or one with letters beyond ASCII.
    TarText& pax_file(const std::string& path, const std::string& content);
    TarText& owner(std::uint64_t uid, std::uint64_t gid);  ///< of the entries that follow
    TarText& entry(const std::string& path, char type, const std::string& target, const std::string& content, unsigned mode, std::uint64_t size = UINT64_MAX);

    std::string whole() const { return text_ + std::string(1024, '\0'); }
    const std::string& without_end() const { return text_; }

private:
    std::string text_;
    std::uint64_t uid_ = 0;
    std::uint64_t gid_ = 0;
};

/// "sha256:…" of a text.
std::string digest_of(const std::string& text);
/// What `gzip` or `zstd` makes of a text.
std::string packed_with(const std::string& tool, const std::string& text);

/// What `docker save` (20.10) writes for one image of these layers; `change` may spoil its manifest.json.
struct SavedImage {
    std::vector<std::string> layers;
    std::string architecture;
    std::string os = "linux";

    std::string config() const;
    std::string id() const { return digest_of(config()); }
    std::string whole() const;
    /// The same as an OCI layout, as skopeo and a Docker on containerd's store have it; each layer packed with `tool`, where one is named.
    std::string oci(const std::string& tool = {}) const;
};

/// A pack as smolvm lays it out, of these layers; `assets` is added to what its JSON text says of them.
std::string pack_of(const std::vector<std::string>& layers, const std::string& mode = "container", const std::string& assets = {}, const std::string& platform = {});
