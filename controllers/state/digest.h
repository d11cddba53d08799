#pragma once

#include <string>
#include <string_view>

namespace bottle {

/// Lower-case hex. Throws Error{Exit::Failed} when the crypto library fails.
std::string sha256_hex(std::string_view text);
/// HMAC-SHA-256 in lower-case hex.
std::string hmac_sha256_hex(std::string_view key, std::string_view text);
/// `bytes` random bytes from the kernel, as lower-case hex.
std::string random_hex(std::size_t bytes);

}  // namespace bottle
