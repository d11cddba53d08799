#pragma once

#include "manifests/load.h"

#include <string>

namespace bottle {

/// A folder of its own with a manifest `bottle.yaml` and a root file system folder `rootfs` in it; gone with the object.
class ManifestFile {
public:
    explicit ManifestFile(const std::string& text);
    ~ManifestFile();
    ManifestFile(const ManifestFile&) = delete;
    ManifestFile& operator=(const ManifestFile&) = delete;

    const std::string& folder() const { return folder_; }
    std::string path() const { return folder_ + "/bottle.yaml"; }

    std::vector<Manifest> load() const;
    /// The error that loading ends with, rendered, with the folder cut off; "" when it loads.
    std::string error() const;

private:
    std::string folder_;
};

/// A valid manifest; `machine`, `agent`, `container` and `more` are put into its places.
struct Parts {
    std::string name = "docs";
    std::string machine = "image: {rootfs: rootfs}";
    std::string agent = "command: [claude]";
    std::string container = "image: bottle-egress:1";
    std::string more{};
};
std::string manifest_text(const Parts& parts = {});

}  // namespace bottle
