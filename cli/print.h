#pragma once

#include "cli/screen.h"
#include "controllers/session.h"

#include <string>
#include <vector>

namespace bottle {

/// NAME, READY, CONFINED, REASON: one line a bottle.
struct StatusRow {
    std::string bottle;
    std::int64_t generation = 0;
    std::vector<Condition> conditions;
    std::map<std::string, std::string> since;  ///< by condition type
    std::string bundle_address;                ///< what the guest may reach, and where
    std::vector<BundlePort> ports;
};

std::string status_table(const std::vector<StatusRow>& rows, const Screen& screen);
/// Every condition of one bottle, with reason, message and time.
std::string status_detail(const StatusRow& row, const Screen& screen);
/// Format "bottle.status/v1".
std::string status_json(const std::vector<StatusRow>& rows);

/// One line an evidence, and one that says why no firewall stands where none does; raw material after it.
std::string proof_text(const Desired& desired, const std::vector<Evidence>& evidence, const StoredState& stored);
/// Format "bottle.proof/v1".
std::string proof_json(const Desired& desired, const std::vector<Evidence>& evidence, const StoredState& stored);

/// A plan in the format that -o names: text or json.
std::string plan_as(const std::string& output, const Plan& plan, const Screen& screen);

/// To stdout: the result of the command, and nothing else.
void print(const std::string& text);
/// To stderr: everything that is said on the way.
void say(const std::string& text);

}  // namespace bottle
