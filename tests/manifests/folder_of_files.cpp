#include "tests/manifests/folder_of_files.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace bottle {

FolderOfFiles::FolderOfFiles(std::initializer_list<std::pair<std::string, std::string>> files) {
    std::string pattern = std::filesystem::temp_directory_path().string() + "/bottle-manifests-XXXXXX";
    path_ = mkdtemp(pattern.data());
    std::filesystem::create_directory(path_ + "/rootfs");
    for (const auto& [name, text] : files) write(name, text);
}

FolderOfFiles::~FolderOfFiles() {
    std::filesystem::remove_all(path_);
}

void FolderOfFiles::write(const std::string& name, const std::string& text) const {
    const std::filesystem::path file(path_ + "/" + name);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
}

std::vector<std::string> FolderOfFiles::paths(const std::vector<std::string>& names) const {
    std::vector<std::string> paths;
    for (const auto& name : names) paths.push_back(name.empty() ? path_ : path_ + "/" + name);
    return paths;
}

Loaded FolderOfFiles::load(const std::vector<std::string>& names, bool recursive) const {
    std::istringstream none;
    return bottle::load(paths(names), recursive, none);
}

Loaded FolderOfFiles::load_bottles(const std::vector<std::string>& names, bool recursive) const {
    std::istringstream none;
    return bottle::load_bottles(paths(names), recursive, none);
}

std::string FolderOfFiles::error(const std::vector<std::string>& names, bool recursive) const {
    try {
        load_bottles(names, recursive);
        return "";
    } catch (const Error& error) {
        auto text = render(error);
        for (auto at = text.find(path_); at != std::string::npos; at = text.find(path_)) text.replace(at, path_.size() + (text[at + path_.size()] == '/' ? 1 : 0), text[at + path_.size()] == '/' ? "" : "FOLDER");
        return text;
    }
}

}  // namespace bottle
