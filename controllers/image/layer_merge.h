#pragma once

#include "controllers/image/tar_reader.h"

#include <map>
#include <string>
#include <tuple>
#include <vector>

// Which entries of an image's layers make its root file system. Pure: by the entries' own words, nothing is looked at.
namespace bottle {

/// More in one image than any has: a desktop system with all its sources has half a million. Each takes some 300 bytes while it is unpacked.
inline constexpr std::size_t kMaxImageEntries = 1'000'000;
/// A root file system that is nested deeper could be made, and not be listed again (folder_copy.cpp).
inline constexpr std::size_t kMaxImageDepth = 128;

/// Where in the image something stands: the layer, and the entry in it.
struct EntryPlace {
    std::size_t layer = 0;
    std::size_t index = 0;

    bool operator==(const EntryPlace&) const = default;
    bool operator<(const EntryPlace& other) const { return std::tie(layer, index) < std::tie(other.layer, other.index); }
};

/// One path of the root file system. Its entry has a plain path; a hard link is what it links to.
struct MergedEntry {
    TarEntry entry;
    EntryPlace content;  ///< of a file; one that several paths have in common is one file with several names
};

struct MergedTree {
    TarEntry top;                                ///< the root folder itself
    std::map<std::string, MergedEntry> entries;  ///< by plain path: "usr/bin/sh"; what is above a path stands before it, and is a folder
};

/// A path as a tar has it ("./usr/bin/"), plain ("usr/bin"; empty: the root itself). Throws Error{Exit::Failed} for one that is absolute, leads up,
/// or is too long or too deep.
std::string plain_image_path(const std::string& path);

/// Layers from the lowest up, as OCI's image specification has them: a later one replaces what an earlier one has, ".wh.NAME" takes away what earlier
/// ones have of that name, ".wh..wh..opq" all that they have in that folder. A link of an earlier layer that stands where a later one needs a folder is
/// replaced by it, as Docker's overlay2 does; one of the same layer is refused, and nothing is ever looked for behind a link. Folders that no entry
/// names are root's, mode 0755. Throws Error{Exit::Failed} for what no builder writes: paths that lead out, a hard link to what is not there,
/// whiteouts that name no entry, too many entries or bytes.
MergedTree merge_layers(const std::vector<std::vector<TarEntry>>& layers);

}  // namespace bottle
