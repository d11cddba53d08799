#pragma once

#include "cli/options.h"
#include "controllers/session.h"

#include <map>
#include <string>

namespace bottle {

/// Looks at one bottle after the other: a new one is shown addresses that none before it was shown.
class Looks {
public:
    explicit Looks(Session& session, const PlanOptions& options = {}) : session_(session), options_(options) {}

    /// Reads only.
    Look at(const Manifest& manifest);

    /// What the bottles so far were shown.
    const std::map<std::string, Allocation>& promised() const { return promised_; }

private:
    Session& session_;
    PlanOptions options_;
    std::map<std::string, Allocation> promised_;
};

/// Prints its plan as -o says: text, json, or a unified diff of what is there against what shall be. What a diff cannot show, refusals and steps that change
/// no resource, is said on standard error. Throws as `unified_diff` does.
void print_look(const Options& options, const Look& look);

}  // namespace bottle
