#pragma once

namespace probe {

/// The way to the bundle in a machine without a network: connections to 127.0.0.1:`port` are passed on to the Unix socket `path`, in a process of
/// its own that outlives the caller. Returns the exit code of the caller's.
int forward(const char* nonce, const char* port, const char* path);

}  // namespace probe
