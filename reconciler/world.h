#pragma once

#include "reconciler/desired.h"
#include "reconciler/observed.h"
#include "reconciler/step.h"

#include <chrono>
#include <set>
#include <string>
#include <vector>

// The seams: what the pure core needs of the outside, implemented by controllers and, in tests, by a model.
namespace bottle {

/// What to look at.
struct Scope {
    std::string bottle;
    std::vector<std::string> image_refs;
    std::string image;            ///< the root file system's folder; empty: not looked at
    std::string bundle_address;   ///< that the guest dials; empty: not allocated yet, no route is asked for
    std::int64_t vmm_uid = 0;
    std::string socket_folder;    ///< of the mounted socket; empty: none is mounted
    std::set<std::string> secrets;  ///< whose sources are read, by name
    std::vector<AgentCopy> copies;  ///< whose sources are read, for their digests
    bool tsi_loopback = false;    ///< who publishes and who listens on this host is looked at, too
    ImageSource image_source;     ///< of which the bottle has a copy; empty: it needs none
};

class Observer {
public:
    virtual ~Observer() = default;
    /// One complete look. Reads only. Never throws for what it could not see: that is Unknown in the snapshot.
    virtual Snapshot observe(const Scope& scope) = 0;
};

/// How an action ended. Whether it took is for the next look to say.
struct Outcome {
    enum class Kind { Done, Failed, Retry };
    Kind kind = Kind::Done;
    std::string text;  ///< the cause in plain words, unless Done
    std::string hint;  ///< the next command to type, where it is known
    Exit exit = Exit::Failed;  ///< Failed: what the whole command then ends with
};

class Executor {
public:
    virtual ~Executor() = default;
    /// Does one step. Decides nothing. Journals intent before and result after the act.
    virtual Outcome execute(const Step& step, const Desired& desired, const Snapshot& snapshot) = 0;
};

/// What people and logs are told while it works.
class Progress {
public:
    virtual ~Progress() = default;
    virtual void started(const std::string& bottle, const Step& step) = 0;
    virtual void finished(const std::string& bottle, const Step& step, const Outcome& outcome) = 0;
};

class Clock {
public:
    virtual ~Clock() = default;
    /// Monotonic, and running on through suspend (CLOCK_BOOTTIME).
    virtual std::chrono::milliseconds now() = 0;
    virtual void sleep(std::chrono::milliseconds time) = 0;
    /// True once the user asked us to end (SIGINT, SIGTERM).
    virtual bool interrupted() = 0;
};

}  // namespace bottle
