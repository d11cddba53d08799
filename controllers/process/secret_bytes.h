#pragma once

#include <cstddef>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <vector>

namespace bottle {

/// Overwrites what it gives back, also when a vector grows.
template <class T>
struct WipingAllocator {
    using value_type = T;

    WipingAllocator() = default;
    template <class U>
    WipingAllocator(const WipingAllocator<U>&) {}

    T* allocate(std::size_t count) { return static_cast<T*>(::operator new(count * sizeof(T))); }
    void deallocate(T* at, std::size_t count) {
        explicit_bzero(at, count * sizeof(T));
        ::operator delete(at);
    }
    bool operator==(const WipingAllocator&) const { return true; }
};

/// Bytes of a secret: no copy of them stays in memory. (A std::string of up to 15 bytes keeps them within itself, where moving it leaves them.)
using SecretBytes = std::vector<char, WipingAllocator<char>>;

inline std::string_view view_of(const SecretBytes& bytes) {
    return {bytes.data(), bytes.size()};
}

inline void append(SecretBytes& bytes, std::string_view text) {
    bytes.insert(bytes.end(), text.begin(), text.end());
}

/// Overwrites a text that held one.
inline void wipe(std::string& text) {
    explicit_bzero(text.data(), text.capacity());
    text.clear();
}

}  // namespace bottle
