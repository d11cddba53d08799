#pragma once

#include "manifests/load.h"

#include <initializer_list>
#include <string>
#include <utility>

namespace bottle {

/// A folder of its own with the files that are given, and a root file system folder `rootfs` in it; gone with the object.
class FolderOfFiles {
public:
    FolderOfFiles(std::initializer_list<std::pair<std::string, std::string>> files);
    ~FolderOfFiles();
    FolderOfFiles(const FolderOfFiles&) = delete;
    FolderOfFiles& operator=(const FolderOfFiles&) = delete;

    const std::string& path() const { return path_; }
    /// Writes a file; folders on the way are made.
    void write(const std::string& name, const std::string& text) const;

    /// What `load` makes of these names in the folder; "" is the folder itself.
    Loaded load(const std::vector<std::string>& names, bool recursive = false) const;
    Loaded load_bottles(const std::vector<std::string>& names, bool recursive = false) const;
    /// The error that `load_bottles` ends with, rendered, with the folder cut off; "" when it loads.
    std::string error(const std::vector<std::string>& names, bool recursive = false) const;

private:
    std::vector<std::string> paths(const std::vector<std::string>& names) const;

    std::string path_;
};

}  // namespace bottle
