#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace bottle {

/// The random id that marks what is ours (label dev.bottle.owner): 32 hex digits in `path`. Nothing when there is none yet;
/// reading never makes it. Throws Error{Exit::Failed} when the file or its folder could have been written by somebody else, or holds something else.
std::optional<std::string> read_owner(const std::string& path);
/// The same, made first if it is missing; two processes that make it at once get the same one. Throws Error{Exit::Failed}.
std::string make_owner(const std::string& path);

/// The key of the keyed digests, in `<state folder>/key`; made if it is missing when `make` is set, else a fixed text, which matches nothing.
/// Throws Error{Exit::Failed} as `read_owner` does, and when others may read it.
std::string digest_key(const std::string& state_folder, bool make);
/// Whether it is there. Throws as `digest_key` does.
bool has_digest_key(const std::string& state_folder);

/// Where the owner's id stands: root's is one for the whole host; another user's is in their own state folder.
std::string owner_file(const std::string& state_folder, std::int64_t euid);

}  // namespace bottle
