#pragma once

#include "cli/screen.h"
#include "reconciler/resource_documents.h"

#include <string>
#include <vector>

namespace bottle {

/// What differs, as a unified diff of YAML texts, what is there against what shall be, one file a resource; nothing where nothing differs. By diff(1); or by
/// the program that the variable BOTTLE_EXTERNAL_DIFF names, with arguments that blanks divide, no shell: it is given two folders and prints itself, then
/// the text that is returned is empty. Its exit code is 0 (no difference) or 1. Throws Error{Exit::Precondition} for another one, and where it cannot be started; Error{Exit::Failed} where no
/// file can be made for it.
std::string unified_diff(const std::vector<ResourceDocument>& documents, const std::string& external, const Screen& screen);

/// What diff(1) printed, fit for a terminal: without its command lines and the files' times, its signs in colour, bytes from outside escaped. Pure.
std::string tidy_diff(const std::string& printed, const Screen& screen);

}  // namespace bottle
