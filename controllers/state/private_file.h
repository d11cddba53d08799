#pragma once

#include "controllers/process/secret_bytes.h"

#include <optional>
#include <string>

// Small files of our own state: read and written so that nobody else could have put something else there.
namespace bottle {

/// The text of a regular file, no link followed; at most `cap` bytes. Nothing when it is not there.
/// Throws Error{Exit::Failed} when it is something else, larger, or cannot be read.
std::optional<std::string> read_private_file(const std::string& path, std::size_t cap = 1 << 20);

/// The same, for a file whose content we act upon: refused as well when it belongs to somebody else or others may write in it.
/// With `secret`, also when others may read it.
std::optional<std::string> read_own_file(const std::string& path, bool secret);

/// The same as `read_own_file`, of at most `cap` bytes, for a file that a person keeps: refused as well when somebody but root and us could
/// exchange it, as `check_private_folder` says of a folder.
std::optional<std::string> read_trusted_file(const std::string& path, std::size_t cap);

/// The same for a secret that a person keeps in a file: refused as well when others may read it. No copy of it stays in memory but the one that is returned.
std::optional<SecretBytes> read_secret_file(const std::string& path, std::size_t cap);

/// Replaces the file as a whole (written beside it, fsync, rename, fsync of the folder), mode 0600. Throws Error{Exit::Failed}.
void write_private_file(const std::string& path, const std::string& text);

/// Makes the name `path` for the existing file `from`, durably. False when the name is taken. Throws Error{Exit::Failed}.
bool link_private_file(const std::string& from, const std::string& path);

/// True when nothing has the name any more, also if nothing had it before; else errno says why.
bool remove_if_there(const std::string& path);

/// Makes the folder (mode 0700) and those above it that are missing. Throws Error{Exit::Failed} as `check_private_folder` does, and when one
/// cannot be made.
void make_private_folder(const std::string& path);

/// False when the folder is not there. Throws Error{Exit::Failed} when it is a link or no folder, belongs to somebody else, or others may
/// write in it, and when somebody but root and us could exchange it: a folder above belongs to them, or may be written by them (those with
/// the sticky bit, as /tmp, are fine).
bool check_private_folder(const std::string& path);

}  // namespace bottle
