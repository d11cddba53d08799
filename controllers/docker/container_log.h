#pragma once

#include <string>

// Docker's answer to `GET /containers/{id}/logs?timestamps=1` of a container without a terminal (API 1.41, "attach"): frames of 8 bytes of header, the
// last four the length, and each message with its time and a space before it.
namespace bottle {

struct ContainerLog {
    std::string text;  ///< the messages, without their times; their bytes as they are
    std::string last;  ///< the time of the last message, as Docker wrote it; empty: there is none
};

/// A frame that is cut off ends the reading. A message without a time is taken as it is.
ContainerLog read_container_log(const std::string& body);

/// The value of `since` that leaves out everything up to that time: "1732450856.123456790" (seconds and nanoseconds since 1970). Empty for a text that
/// is no time, or none: everything.
std::string after(const std::string& last);

}  // namespace bottle
