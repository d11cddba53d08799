#pragma once

#include "reconciler/observed.h"
#include "reconciler/world.h"

#include <chrono>
#include <string>

// The folder of a mounted socket on the host (mode socket).
namespace bottle {

/// The folder and its entries; links are not followed. Absent: no such folder, or something else has its name.
Observation<SocketPlace> look_at_socket_folder(const std::string& path);

/// Makes the folder, empties it, and gives it to its owner; the folder above it too: as root one that others may pass and only root may write in, as a user one that nobody else may enter.
/// Throws Error{Exit::Failed} where the latter cannot be.
Outcome make_socket_folder(const SocketFolder& folder);

/// Waits until somebody takes a connection at the socket; Failed if nobody has by then.
Outcome wait_for_socket(const std::string& path, std::chrono::milliseconds patience);

}  // namespace bottle
