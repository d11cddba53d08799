#pragma once

#include "manifests/yaml_document.h"

#include <map>
#include <memory>
#include <string>

namespace bottle {

/// The texts of the files that a manifest came from: its own, and those of the templates that it extends. A problem gets its source line from
/// the file that its place names.
class Sources {
public:
    void add(std::shared_ptr<const SourceText> source);
    Problem problem(const Place& place, std::string text, std::string hint = {}) const;

private:
    std::map<std::string, std::shared_ptr<const SourceText>> by_file_;
};

}  // namespace bottle
