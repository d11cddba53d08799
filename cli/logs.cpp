#include "cli/commands.h"
#include "cli/log_text.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "controllers/log_source.h"
#include "reconciler/log_end.h"

#include <unistd.h>

namespace bottle {
namespace {

constexpr std::chrono::milliseconds kBetween{300};
/// A look at the whole bottle costs more than one at its log.
constexpr int kTurnsBetweenLooks = 4;

/// To a terminal only what cannot change it; to anything else every byte.
class Out {
public:
    explicit Out(bool terminal) : terminal_(terminal) {}
    void add(const std::string& text) {
        const auto shown = terminal_ ? lines_.add(text) : text;
        if (!shown.empty()) print(shown);
    }
    void end() { print(lines_.rest()); }

private:
    bool terminal_;
    LogText lines_;
};

Exit follow(LogSource& log, Out& out, Session& session, const Manifest& manifest, const std::string& part) {
    SystemClock clock;
    for (int turn = 0; !clock.interrupted(); ++turn) {
        const bool ended = turn % kTurnsBetweenLooks == 0 && log_has_ended(part, manifest.name, session.look(manifest, {}).snapshot);
        // Read after the look: what was written before the end is all there.
        out.add(log.next());
        if (ended) return Exit::Ok;
        clock.sleep(kBetween);
    }
    return Exit::Interrupted;
}

}  // namespace

int run_logs(const Options& options) {
    const auto own = environment();
    Session session(own);
    const auto slash = options.name.find('/');
    const auto part = slash == std::string::npos ? std::string() : options.name.substr(slash + 1);
    Options bottle_only = options;
    bottle_only.name = options.name.substr(0, slash);
    const auto manifest = manifests_of(bottle_only, session).front();
    const auto host = own.find("DOCKER_HOST");
    const auto log = open_log({session.state_folder(), host == own.end() ? "" : host->second, manifest.name, part, options.tail});
    Out out(isatty(STDOUT_FILENO) != 0);
    out.add(log->next());
    const auto exit = options.follow ? follow(*log, out, session, manifest, part) : Exit::Ok;
    out.end();
    return static_cast<int>(exit);
}

}  // namespace bottle
