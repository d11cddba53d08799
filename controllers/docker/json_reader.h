#pragma once

#include <nlohmann/json.hpp>

#include <map>
#include <string>
#include <vector>

namespace bottle {

/// Reads members of a JSON object with the types that Docker's API promises: absent and null read as the zero value, another type throws
/// Error{Exit::Failed} that names the key.
class JsonReader {
public:
    JsonReader(const nlohmann::json& object, std::string what);

    std::string text(const char* key) const;
    bool flag(const char* key) const;
    std::int64_t number(const char* key) const;
    std::vector<std::string> texts(const char* key) const;
    std::map<std::string, std::string> text_map(const char* key) const;
    /// The member objects of an object, by key; the null object where it is absent.
    JsonReader object(const char* key) const;
    /// The elements of an array of objects.
    std::vector<JsonReader> objects(const char* key) const;
    /// The members of an object whose values are objects.
    std::map<std::string, JsonReader> object_map(const char* key) const;
    /// Keys of an object (Docker's sets: {"/data": {}}).
    std::vector<std::string> keys(const char* key) const;

    const nlohmann::json& raw() const { return object_; }

private:
    const nlohmann::json* find(const char* key) const;
    [[noreturn]] void wrong(const char* key) const;

    nlohmann::json object_;
    std::string what_;
};

/// Parses a text from Docker; throws Error{Exit::Failed} when it is no JSON or deeper than 64.
nlohmann::json parse_answer(const std::string& text, const char* what);

}  // namespace bottle
