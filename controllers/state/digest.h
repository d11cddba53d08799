#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace bottle {

/// Lower-case hex. Throws Error{Exit::Failed} when the crypto library fails.
std::string sha256_hex(std::string_view text);
/// The same of bytes that come one after another.
class Sha256 {
public:
    Sha256();
    ~Sha256();
    Sha256(const Sha256&) = delete;
    Sha256& operator=(const Sha256&) = delete;

    void add(std::string_view bytes);
    /// Once, after the last of them.
    std::string hex();

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// HMAC-SHA-256 in lower-case hex.
std::string hmac_sha256_hex(std::string_view key, std::string_view text);
/// `bytes` random bytes from the kernel, as lower-case hex.
std::string random_hex(std::size_t bytes);

}  // namespace bottle
