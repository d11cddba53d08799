#pragma once

#include <string>
#include <utility>
#include <variant>

namespace bottle {

/// Looked, and it is not there.
struct Absent {
    bool operator==(const Absent&) const = default;
};

/// Could not look, or what was seen makes no sense. Never counts as fine.
struct Unknown {
    std::string why;
    bool operator==(const Unknown&) const = default;
};

/// What was seen of one thing: absent, unknown and present are three different answers.
/// A new Observation is Unknown, so that a forgotten look can never read as "nothing there".
template <class T>
class Observation {
public:
    Observation() : state_(Unknown{"not looked at"}) {}
    Observation(Absent absent) : state_(absent) {}
    Observation(Unknown unknown) : state_(std::move(unknown)) {}
    Observation(T value) : state_(std::move(value)) {}

    bool absent() const { return std::holds_alternative<Absent>(state_); }
    bool unknown() const { return std::holds_alternative<Unknown>(state_); }
    bool present() const { return std::holds_alternative<T>(state_); }

    /// Only when present(); std::bad_variant_access otherwise.
    const T& value() const { return std::get<T>(state_); }
    T& value() { return std::get<T>(state_); }
    const T* operator->() const { return &value(); }
    const T& operator*() const { return value(); }

    /// Only when unknown().
    const std::string& why() const { return std::get<Unknown>(state_).why; }

    bool operator==(const Observation&) const = default;

private:
    std::variant<Unknown, Absent, T> state_;
};

}  // namespace bottle
