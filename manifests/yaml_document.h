#pragma once

#include "manifests/error.h"

#include <nlohmann/json.hpp>

#include <map>
#include <string>
#include <vector>

namespace bottle {

/// A file's text, without a byte order mark, and where its lines are, to put places and source lines on problems.
class SourceText {
public:
    SourceText(std::string file, std::string text);

    const std::string& file() const { return file_; }
    const std::string& text() const { return text_; }
    /// The line without its end, cut to 160 bytes; empty beyond the last.
    std::string line(int number) const;
    std::size_t offset(int line, int column) const;
    Place place(std::size_t offset) const;
    Problem problem(const Place& place, std::string text, std::string hint = {}) const;

private:
    std::string file_;
    std::string text_;
    std::vector<std::size_t> starts_;
};

/// One YAML document as JSON, with the place of each key and of each value by JSON pointer.
struct YamlDocument {
    nlohmann::json json;
    std::map<std::string, Place> keys;
    std::map<std::string, Place> values;

    /// The place of the value, or of the nearest thing around it that has one.
    Place place_of(std::string pointer, bool at_key = false) const;
};

/// Reads all documents in the strict profile: UTF-8 without NUL, control or direction marks; no anchors, aliases, merge keys, tags, directives or
/// document ends; no key twice; plain scalars are null, true, false, decimal numbers or text, and what another reader could take for something
/// else (yes, 0777, 22:22) is refused. Limits: depth 64, 20 000 nodes, 4 KiB a scalar (64 KiB beneath a key `command` or `env`).
/// What is wrong is added to `problems`; a document that could not be read to its end is left out.
std::vector<YamlDocument> read_yaml(const SourceText& source, std::vector<Problem>& problems);

}  // namespace bottle
