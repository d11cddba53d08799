#include "controllers/guest/guest_controller.h"

#include "controllers/guest/denial_log.h"
#include "controllers/guest/guest_call.h"
#include "controllers/guest/guest_files.h"
#include "controllers/guest/listeners.h"
#include "controllers/guest/probe/embedded.h"
#include "controllers/guest/probe_text.h"
#include "controllers/guest/socket_table.h"
#include "manifests/error.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <memory>
#include <thread>

namespace bottle {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kMaxOutput = 256UL * 1024;
constexpr milliseconds kProbeRun{45'000};  ///< the probe ends itself after 10 s of its own clock
constexpr milliseconds kLogDelay{2'000};   ///< how long smolvm may take to write a refusal down

/// The probe's bytes as a file that goes away again.
class ProbeFile {
public:
    explicit ProbeFile(const std::string& folder) {
        std::string name = "bottle-probe-" + random_hex(8);
        path_ = folder + "/" + name;
        problem_ = write_whole(folder, name, embedded_probe());
        // smolvm reads it as the user that calls it, and uploads without the mode.
        if (problem_.empty() && chmod(path_.c_str(), 0700) != 0) problem_ = "cannot set the mode of " + path_;
    }
    ~ProbeFile() { unlink(path_.c_str()); }
    ProbeFile(const ProbeFile&) = delete;
    ProbeFile& operator=(const ProbeFile&) = delete;

    const std::string& path() const { return path_; }
    const std::string& problem() const { return problem_; }

private:
    std::string path_;
    std::string problem_;
};

/// A target that is tried, with the listener that stands behind it, if one can.
struct Guarded {
    ProbeTarget target;
    std::unique_ptr<HostListener> listener;
};

/// Opens a listener for every target that needs one. Throws Error where a listener that must stand cannot.
std::vector<Guarded> open_listeners(std::vector<PlannedTarget> plan, const std::string& token) {
    using Kind = ProbeTarget::Kind;
    std::vector<Guarded> guarded;
    for (PlannedTarget& planned : plan) {
        Guarded one{std::move(planned.target), nullptr};
        if (!planned.listen_on.empty()) {
            bool udp = one.target.kind == Kind::Udp || one.target.kind == Kind::Udp6;
            auto protocol = udp ? HostListener::Protocol::Udp : HostListener::Protocol::Tcp;
            try {
                one.listener = std::make_unique<HostListener>(protocol, planned.listen_on, token);
            } catch (const Error&) {
                if (planned.may_be_missing) continue;
                throw;
            }
            one.target.port = one.listener->port();
        } else if (one.target.kind == Kind::Listener) {
            one.target.port = free_port();
            if (one.target.port == 0) throw Error(Exit::Failed, "the listeners of this host cannot be read");
        }
        guarded.push_back(std::move(one));
    }
    return guarded;
}

std::vector<HostListener*> listeners_of(const std::vector<Guarded>& guarded) {
    std::vector<HostListener*> listeners;
    for (const Guarded& one : guarded) {
        if (one.listener) listeners.push_back(one.listener.get());
    }
    return listeners;
}

std::vector<ProbeTarget> targets_of(const std::vector<Guarded>& guarded) {
    std::vector<ProbeTarget> targets;
    targets.reserve(guarded.size());
    for (const Guarded& one : guarded) targets.push_back(one.target);
    return targets;
}

/// Whether every refusal that this run can have caused stands in the log; used only to stop waiting early.
bool all_denied(const std::vector<Denial>& denials, const std::vector<ProbeResult>& results) {
    return std::all_of(results.begin(), results.end(), [&](const ProbeResult& result) {
        bool expected = result.target.expect != ProbeTarget::Expect::Reached &&
                        result.target.expect != ProbeTarget::Expect::NoRoute &&
                        result.target.expect != ProbeTarget::Expect::Unlogged &&
                        result.target.kind != ProbeTarget::Kind::Icmp &&
                        result.target.kind != ProbeTarget::Kind::Listener &&
                        result.guest != ProbeResult::Guest::Unreachable;
        return !expected || is_denied(denials, result.target);
    });
}

void add_events(const std::string& vm_folder, const Observation<DenialMark>& mark, std::vector<ProbeResult>& results) {
    if (!mark.present()) return;
    auto end = SteadyClock::now() + kLogDelay;
    Observation<std::vector<Denial>> denials = denials_since(vm_folder, *mark);
    while (denials.present() && !all_denied(*denials, results) && SteadyClock::now() < end) {
        std::this_thread::sleep_for(milliseconds(100));
        denials = denials_since(vm_folder, *mark);
    }
    for (ProbeResult& result : results) {
        result.event_readable = denials.present();
        result.event = denials.present() && is_denied(*denials, result.target);
    }
}

SocketWatch watch_of(const GuestScope& scope, const std::vector<Guarded>& guarded) {
    SocketWatch watch;
    watch.bundle_address = scope.around.bundle_address;
    watch.internal_gateway = scope.around.internal_gateway;
    if (!scope.around.alias.empty()) watch.bundle_address = scope.around.alias;
    if (!scope.around.socket.empty()) {
        watch.bundle_address = kLoopback;
        watch.internal_gateway = kRelayAddress;
        watch.only_in_bundle = true;
    }
    watch.vmm_uid = scope.vmm_uid;
    watch.infra_pid = scope.infra_pid;
    for (const BundlePort& port : scope.around.ports) watch.ports.insert(port.port);
    for (const Guarded& one : guarded) {
        if (one.target.kind == ProbeTarget::Kind::Listener) watch.guest_port = one.target.port;
        if (one.target.kind == ProbeTarget::Kind::Tcp && one.listener) watch.control_port = one.target.port;
    }
    return watch;
}

/// What this host's own tables say of the targets that no listener of ours can speak for.
void add_sockets(const SocketsSeen& seen, ProbeResult& result) {
    if (result.target.kind == ProbeTarget::Kind::BundlePort) result.host_saw = seen.ports.count(result.target.port) != 0;
    if (result.target.kind != ProbeTarget::Kind::Listener) return;
    result.listener_live = seen.control;
    result.listener_hits = static_cast<std::int64_t>(seen.listeners.size());
    for (const std::string& listener : seen.listeners) result.guest_detail += " host:" + listener;
}

std::string name_of(const HostListener& listener) {
    return fmt::format("{}:{}", listener.address(), listener.port());
}

}  // namespace

std::string last_words(const ProcessResult& result) {
    const std::string& text = result.err.empty() ? result.out : result.err;
    std::size_t start = text.size() > 300 ? text.size() - 300 : 0;
    std::string words = text.substr(start);
    while (!words.empty() && (words.back() == '\n' || words.back() == '\r')) words.pop_back();
    return words.empty() ? describe(result) : fmt::format("{}: {}", describe(result), printable(words));
}

ProcessResult GuestController::exec(const SmolvmInvocation& smolvm, const std::vector<std::string>& command,
                                    const std::string& input, milliseconds time) {
    ExecOptions options;
    options.standard_input = !input.empty();
    options.timeout_s = static_cast<int>(time.count() / 1000) + 1;
    SmolvmCommand call = exec_command(smolvm, options, command);
    ProcessRequest request;
    request.argv = std::move(call.argv);
    request.environment = std::move(call.environment);
    request.input = input;
    // smolvm's own limit comes first, so that the guest's process ends too.
    request.deadline = time + milliseconds(5'000);
    request.output_cap = kMaxOutput;
    return runner_.run(request);
}

std::string GuestController::copy_probe(const SmolvmInvocation& smolvm, const std::string& host_file,
                                        const std::string& guest_path, const GuestDeadline& deadline) {
    auto copy = [&](const std::string& mode) {
        SmolvmCommand call = copy_command(smolvm, host_file, guest_path, mode);
        ProcessRequest request;
        request.argv = std::move(call.argv);
        request.environment = std::move(call.environment);
        request.deadline = deadline.for_call();
        return runner_.run(request);
    };
    ProcessResult copied = copy("700");
    if (copied.succeeded()) return {};
    // Exit 2 is a usage error: this smolvm knows no --mode (1.4.0, 1.8.3). Only the image's chmod can help then.
    if (copied.end != ProcessResult::End::Exited || copied.code != 2) return last_words(copied);
    copied = copy("");
    if (!copied.succeeded()) return last_words(copied);
    ProcessResult changed = exec(smolvm, {"chmod", "700", guest_path}, "", deadline.for_call());
    return changed.succeeded() ? std::string() : "chmod in the guest: " + last_words(changed);
}

GuestController::Placed GuestController::place_probe(const SmolvmInvocation& smolvm, const std::string& scratch_folder,
                                                     const GuestDeadline& deadline) {
    ProbeFile file(scratch_folder);
    if (!file.problem().empty()) return {{}, file.problem()};
    std::string problem = "the deadline had passed";
    // The root folder is in every image. /run and /tmp are mounted anew when the guest's container first runs
    // something: a file that was copied there before vanishes beneath the mount (measured on 1.32.2).
    std::string path = "/.bottle-probe-" + random_hex(8);
    for (milliseconds pause{100}; !deadline.passed(); pause = std::min(pause * 2, milliseconds(2'000))) {
        problem = copy_probe(smolvm, file.path(), path, deadline);
        if (problem.empty()) {
            std::string token = random_hex(16);
            ProcessResult ready = exec(smolvm, {path, "ready", token}, "", deadline.for_call());
            if (ready.succeeded() && ready.out == token + " ready\n") return {path, {}};
            problem = last_words(ready);
        }
        std::this_thread::sleep_for(std::min(pause, deadline.left()));
    }
    return {{}, "the guest does not run our probe: " + problem};
}

GuestReading GuestController::probe(const GuestScope& scope) {
    GuestReading reading;
    reading.nonce = random_hex(16);
    GuestDeadline deadline(scope.deadline);
    Placed placed = place_probe(scope.smolvm, scope.scratch_folder, deadline);
    reading.problem = placed.problem;
    if (!reading.problem.empty()) return reading;
    if (!scope.around.socket.empty()) reading.problem = forward(scope, placed.guest_path, deadline);
    try {
        if (reading.problem.empty()) run_probe(scope, placed.guest_path, deadline, reading);
    } catch (const Error& error) {
        reading.problem = error.what();
    }
    // A probe that ran has removed its own file.
    if (!reading.problem.empty()) remove_probe(scope.smolvm, placed.guest_path);
    return reading;
}

void GuestController::run_probe(const GuestScope& scope, const std::string& guest_path, const GuestDeadline& deadline,
                                GuestReading& reading) {
    std::string token = fmt::format("bottle-listener {}\n", random_hex(16));
    std::vector<Guarded> guarded = open_listeners(plan_targets(scope.around, [] { return random_hex(12); }), token);
    if (guarded.size() > kMaxProbeTargets) throw Error(Exit::Failed, "there are too many things to try");
    std::vector<ProbeTarget> targets = targets_of(guarded);
    ListenerLoop loop(listeners_of(guarded));
    for (Guarded& one : guarded) {
        ProbeResult result;
        result.target = one.target;
        result.listener_live = one.listener && one.listener->check_from_host();
        if (one.listener && !result.listener_live) {
            throw Error(Exit::Failed,
                        fmt::format("our own listener on {} does not answer from this host", name_of(*one.listener)));
        }
        reading.results.push_back(std::move(result));
    }

    Observation<DenialMark> mark = Absent{};
    if (scope.denial_log) mark = mark_denials(scope.vm_folder);
    SocketWatcher watcher(watch_of(scope, guarded));
    ProcessResult ran = exec(scope.smolvm, {guest_path, "run"}, probe_request(reading.nonce, targets),
                             std::min(kProbeRun, deadline.left()));
    SocketsSeen seen = watcher.stop();
    if (!ran.succeeded()) throw Error(Exit::Failed, "the probe did not run to its end: " + last_words(ran));
    reading.problem = read_probe_answer(reading.nonce, ran.out, reading.results);

    add_events(scope.vm_folder, mark, reading.results);
    for (std::size_t i = 0; i < guarded.size(); ++i) {
        ProbeResult& result = reading.results[i];
        if (guarded[i].listener) result.listener_hits = guarded[i].listener->hits();
        add_sockets(seen, result);
    }
}

void GuestController::remove_probe(const SmolvmInvocation& smolvm, const std::string& guest_path) {
    // Best effort: the name is random, and the next start finds nothing that would run it.
    exec(smolvm, {guest_path, "remove", random_hex(16)}, "", milliseconds(5'000));
}

Outcome GuestController::wait_ready(const SmolvmInvocation& smolvm, const std::string& scratch_folder,
                                    milliseconds deadline) {
    Placed placed = place_probe(smolvm, scratch_folder, GuestDeadline(deadline));
    if (!placed.problem.empty()) return {Outcome::Kind::Failed, placed.problem, {}};
    remove_probe(smolvm, placed.guest_path);
    return {};
}

std::vector<std::string> provision_command(const std::string& user, const std::string& token) {
    // One shell line: execs that follow each other right after a start may be killed.
    std::string script = "mkdir -p /tmp /var/tmp && chown root:root /tmp /var/tmp && chmod 1777 /tmp /var/tmp";
    if (user != "root") {
        // By name, never by number. -h: a link in the home is changed itself, never what it points to.
        script += " && group=$(id -gn \"$1\") && mkdir -p \"/home/$1\" && chown -R -h \"$1:$group\" \"/home/$1\"";
    }
    script += " && printf '%s\\n' \"$2\"";
    return {"/bin/sh", "-c", script, "sh", user, token};
}

Outcome GuestController::provision(const SmolvmInvocation& smolvm, const std::string& user) {
    auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; };
    bool good =
        !user.empty() && user.size() <= 32 && user.front() != '-' && std::all_of(user.begin(), user.end(), plain);
    if (!good)
        return {Outcome::Kind::Failed, fmt::format("'{}' is no user name", printable(user)),
                "use lower-case letters, digits, - and _"};
    std::string token = random_hex(16);
    auto try_once = [&] { return exec(smolvm, provision_command(user, token), "", milliseconds(120'000)); };
    constexpr int kKilled = 137;
    ProcessResult result = try_once();
    if (result.end == ProcessResult::End::Exited && result.code == kKilled) result = try_once();
    // A guest that answers 0 without having come to the end of the line has not done it.
    if (result.succeeded() && result.out == token + "\n") return {};
    return {Outcome::Kind::Failed,
            fmt::format("the guest's folders were not given to {}: {}", user, last_words(result)),
            {}};
}

}  // namespace bottle
