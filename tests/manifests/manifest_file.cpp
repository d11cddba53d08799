#include "tests/manifests/manifest_file.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

namespace bottle {

ManifestFile::ManifestFile(const std::string& text) {
    std::string pattern = std::filesystem::temp_directory_path().string() + "/bottle-manifest-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    std::filesystem::create_directory(folder_ + "/rootfs");
    std::ofstream(path(), std::ios::binary) << text;
}

ManifestFile::~ManifestFile() {
    std::filesystem::remove_all(folder_);
}

std::vector<Manifest> ManifestFile::load() const {
    return load_manifests({path()}, std::cin);
}

std::string ManifestFile::error() const {
    try {
        load();
        return "";
    } catch (const Error& error) {
        auto text = render(error);
        for (auto at = text.find(folder_ + "/"); at != std::string::npos; at = text.find(folder_ + "/")) text.erase(at, folder_.size() + 1);
        return text;
    }
}

std::string manifest_text(const Parts& parts) {
    return "apiVersion: bottle/v1\nkind: Bottle\nmetadata:\n  name: " + parts.name + "\nspec:\n  machine:\n    " + parts.machine + "\n  agent:\n    " + parts.agent +
           "\n  bundle:\n    containers:\n      - name: egress\n        " + parts.container + "\n" + parts.more;
}

}  // namespace bottle
