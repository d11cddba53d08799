#include "controllers/host/secret_reader.h"

#include "controllers/state/private_file.h"
#include "manifests/error.h"

#include <fmt/format.h>

#include <sys/prctl.h>
#include <sys/resource.h>

namespace bottle {
namespace {

/// The kernel lets a variable have twice that (MAX_ARG_STRLEN, 32 pages).
constexpr std::size_t kMost = 64 << 10;
constexpr std::chrono::milliseconds kPatience{30'000};

/// PR_SET_DUMPABLE is of this process alone. A limit of 1 byte is inherited, and the one value that also ends a core that would go to a program (core(5):
/// for a pipe no other limit counts; fs/coredump.c of Linux takes 1 for that).
void leave_no_core() {
    prctl(PR_SET_DUMPABLE, 0);
    const rlimit none{1, 1};
    setrlimit(RLIMIT_CORE, &none);
}

ReadSecret unreadable(std::string why) {
    ReadSecret read;
    read.why = std::move(why);
    return read;
}

ReadSecret absent() {
    ReadSecret read;
    read.absent = true;
    return read;
}

ReadSecret as_value(SecretBytes bytes) {
    if (bytes.empty()) return unreadable("it is empty");
    if (bytes.size() > kMost) return unreadable(fmt::format("it has more than {} bytes", kMost));
    if (view_of(bytes).find('\0') != std::string_view::npos) return unreadable("it has a NUL in it, which no variable can have");
    ReadSecret read;
    read.value = std::move(bytes);
    return read;
}

SecretBytes without_newline(SecretBytes bytes) {
    if (!bytes.empty() && bytes.back() == '\n') bytes.pop_back();
    return bytes;
}

ReadSecret read_variable(const std::string& name, const std::map<std::string, std::string>& environment) {
    const auto found = environment.find(name);
    if (found == environment.end()) return absent();
    return as_value(SecretBytes(found->second.begin(), found->second.end()));
}

ReadSecret read_file(const std::string& path) {
    try {
        auto bytes = read_secret_file(path, kMost + 1);
        return bytes ? as_value(without_newline(std::move(*bytes))) : absent();
    } catch (const Error& error) {
        return unreadable(error.what());
    }
}

ReadSecret read_command(const std::vector<std::string>& argv, const std::map<std::string, std::string>& environment, ProcessRunner& runner) {
    ProcessRequest request;
    request.argv = argv;
    request.environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
    if (const auto home = environment.find("HOME"); home != environment.end()) request.environment.push_back("HOME=" + home->second);
    request.deadline = kPatience;
    request.output_cap = kMost + 1;
    request.secret = true;
    auto result = runner.run(request);
    SecretBytes bytes(result.out.begin(), result.out.end());
    wipe(result.out);
    // What it says of a failure may be the secret itself.
    wipe(result.err);
    if (!result.succeeded()) return unreadable(fmt::format("its command {}", describe(result)));
    return as_value(without_newline(std::move(bytes)));
}

std::string fingerprint_of(const std::string& name, const SecretBytes& value, const KeyedDigest& digest) {
    SecretBytes text;
    for (const std::string_view part : {std::string_view("secret"), std::string_view(name), view_of(value)}) {
        append(text, part);
        text.push_back('\0');
    }
    return digest(view_of(text));
}

}  // namespace

ReadSecret read_secret(const SecretSource& from, const std::map<std::string, std::string>& environment, ProcessRunner& runner) {
    if (const auto* variable = std::get_if<SecretVariable>(&from)) return read_variable(variable->name, environment);
    if (const auto* file = std::get_if<SecretFile>(&from)) return read_file(file->path);
    return read_command(std::get<SecretCommand>(from).argv, environment, runner);
}

SecretReader::Known& SecretReader::read(const std::string& name, const KeyedDigest& digest) {
    leave_no_core();
    auto& known = known_[name];
    const bool asked = known.read.value || known.read.absent || !known.read.why.empty();
    if (!asked) known.read = read_secret(policies_.at(name).from, environment_, runner_);
    if (known.read.value) known.fingerprint = fingerprint_of(name, *known.read.value, digest);
    return known;
}

Observation<std::string> SecretReader::fingerprint(const std::string& name, const KeyedDigest& digest) {
    const std::lock_guard lock(mutex_);
    if (const auto found = known_.find(name); found != known_.end() && !found->second.read.value && !found->second.fingerprint.empty()) return found->second.fingerprint;
    const auto& known = read(name, digest);
    if (known.read.absent) return Absent{};
    if (!known.read.value) return Unknown{known.read.why};
    return known.fingerprint;
}

SecretReader::Appended SecretReader::append_line(const std::string& name, const std::string& variable, const KeyedDigest& digest, SecretBytes& script) {
    const std::lock_guard lock(mutex_);
    const auto& known = read(name, digest);
    if (!known.read.value) return {known.read.absent ? "it is not there" : known.read.why, {}};
    append(script, variable + "='");
    for (const char c : *known.read.value) {
        if (c == '\'') append(script, "'\\''");
        else script.push_back(c);
    }
    append(script, "'\n");
    return {{}, known.fingerprint};
}

void SecretReader::forget(const std::set<std::string>& names) {
    const std::lock_guard lock(mutex_);
    for (const auto& name : names) {
        if (const auto found = known_.find(name); found != known_.end()) found->second.read.value.reset();
    }
}

}  // namespace bottle
