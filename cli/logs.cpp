#include "cli/commands.h"
#include "cli/follow.h"
#include "cli/log_text.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "controllers/log_source.h"
#include "reconciler/log_end.h"

#include <unistd.h>

namespace bottle {
namespace {

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
    const auto has_ended = [&] { return log_has_ended(part, manifest.name, session.look(manifest, {}).snapshot); };
    return follow_log(log, [&out](const std::string& text) { out.add(text); }, has_ended, clock);
}

}  // namespace

int run_logs(const Options& options) {
    Session session(environment());
    const auto slash = options.name.find('/');
    const auto part = slash == std::string::npos ? std::string() : options.name.substr(slash + 1);
    Options bottle_only = options;
    bottle_only.name = options.name.substr(0, slash);
    const auto manifest = manifests_of(bottle_only, session).front();
    const auto log = open_log({session.state_folder(), session.docker_host(), manifest.name, part, options.tail});
    Out out(isatty(STDOUT_FILENO) != 0);
    out.add(log->next());
    const auto exit = options.follow ? follow(*log, out, session, manifest, part) : Exit::Ok;
    out.end();
    return static_cast<int>(exit);
}

}  // namespace bottle
