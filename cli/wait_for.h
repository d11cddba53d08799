#pragma once

#include "reconciler/report.h"
#include "reconciler/world.h"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace bottle {

/// What `wait --for` waits for.
struct WaitFor {
    bool gone = false;  ///< the bottle is deleted; else a condition
    std::string type;
    std::string status = "True";
    std::string text;  ///< as it was given
};

/// The types of condition that there are.
const std::vector<std::string>& condition_types();

/// "condition=Ready", "condition=Confined=False", "delete". Throws Error{Exit::Usage} with the nearest that there is.
WaitFor parse_wait_for(const std::string& text);

/// One look at a bottle: its conditions; nothing where our records do not know it.
using LookAt = std::function<std::optional<std::vector<Condition>>(const std::string& bottle)>;

/// How waiting for one bottle ended.
struct Waited {
    std::string bottle;
    bool met = false;
    std::string last;  ///< what was last seen, where it was not met: "Confined is Unknown: …"
};

struct WaitResult {
    Exit exit = Exit::Ok;  ///< Ok: all met; Timeout, Interrupted; Failed: one that was waited for is gone
    std::vector<Waited> bottles;
};

/// Looks at each bottle that is not so far yet, twice a second, the first time at once; with a timeout of 0 that once alone.
WaitResult wait_until(const WaitFor& wanted, const std::vector<std::string>& bottles, const LookAt& look, Clock& clock, std::chrono::milliseconds timeout);

/// "bottle docs: condition=Ready met", one line for each that is.
std::string wait_text(const WaitFor& wanted, const WaitResult& result);
/// Format "bottle.wait/v1".
std::string wait_json(const WaitFor& wanted, const WaitResult& result);
/// Why it did not come to an end, for each that did not.
std::vector<Problem> wait_problems(const WaitFor& wanted, const WaitResult& result);

}  // namespace bottle
