#include "controllers/machine/smolvm.h"

#include "controllers/process/proc_table.h"
#include "controllers/state/digest.h"
#include "manifests/error.h"
#include "reconciler/row.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace bottle {
namespace {

constexpr const char* kProgram = "smolvm";

std::vector<std::string> named(const std::string& verb, const std::string& machine, bool by_flag = true) {
    if (!by_flag) return {"machine", verb, machine};
    return {"machine", verb, "--name", machine};
}

std::optional<std::string> real_executable(const std::string& path) {
    struct stat info {};
    if (stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode) || access(path.c_str(), X_OK) != 0) return std::nullopt;
    std::error_code error;
    const auto real = std::filesystem::canonical(path, error);
    if (error) return std::nullopt;
    return real.string();
}

Smolvm smolvm_at(const std::string& program) {
    std::error_code error;
    const auto size = std::filesystem::file_size(program, error);
    return {program, std::filesystem::path(program).parent_path(), build_of_size(error ? -1 : static_cast<std::int64_t>(size))};
}

bool is_version(const std::string& text) {
    return !text.empty() && text.size() < 20 && text.find_first_not_of("0123456789.") == std::string::npos && text.front() != '.' && text.back() != '.';
}

/// Nothing when it cannot be read.
std::optional<std::string> file_digest(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    if (!stream) return std::nullopt;
    std::ostringstream bytes;
    // (An iterator would throw.)
    bytes << stream.rdbuf();
    if (!bytes) return std::nullopt;
    return sha256_hex(bytes.str());
}

}  // namespace

std::vector<std::string> Smolvm::command(const std::vector<std::string>& arguments) const {
    std::vector<std::string> argv = {program};
    if (build.json_errors) argv.insert(argv.end(), {"--error-format", "json"});
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return argv;
}

std::vector<std::string> Smolvm::environment(const MachinePaths& paths) const {
    auto all = paths.environment();
    all.insert(all.end(), {"PATH=/usr/bin:/bin", "SMOLVM_LIB_DIR=" + folder, "SMOLVM_AGENT_ROOTFS_TAR=" + folder + "/" + build.agent_rootfs});
    return all;
}

SmolvmInvocation Smolvm::invocation(const MachinePaths& paths, const std::string& machine) const {
    return {program, environment(paths), machine, build.exec_user, build.exec_input_ends, build.secret_env};
}

std::vector<std::string> Smolvm::trusted_files() const {
    std::vector<std::string> files = {program};
    for (const auto& [name, digest] : build.digests) {
        if (name != kProgram) files.push_back(folder + "/" + name);
    }
    return files;
}

std::optional<Smolvm> find_smolvm(const std::string& path) {
    std::istringstream folders(path);
    for (std::string folder; std::getline(folders, folder, ':');) {
        // An empty or relative entry means the current folder: whoever owns that could put a smolvm there.
        if (folder.empty() || folder.front() != '/') continue;
        if (const auto program = real_executable(folder + "/smolvm")) return smolvm_at(*program);
    }
    return std::nullopt;
}

std::optional<Smolvm> choose_smolvm(const SmolvmPolicy& policy, const std::string& path) {
    if (policy.path.empty()) return find_smolvm(path);
    const auto program = real_executable(policy.path);
    return program ? std::optional(smolvm_at(*program)) : std::nullopt;
}

void accept_build(Smolvm& smolvm, const SmolvmPolicy& policy) {
    std::error_code error;
    const auto size = std::filesystem::file_size(smolvm.program, error);
    const auto& measured = measured_builds();
    const bool known = !error && std::any_of(measured.begin(), measured.end(), [&](const SmolvmBuild& build) { return build.program_size == static_cast<std::int64_t>(size); });
    if (known || policy.accept.empty()) return;
    const auto digest = file_digest(smolvm.program);
    for (const auto& build : policy.accept) {
        if (digest && build.digests.at("smolvm") == *digest) smolvm.build = tsi_build(build.version, build.digests);
    }
}

std::string smolvm_version(const Smolvm& smolvm, ProcessRunner& runner, std::string& problem) {
    ProcessRequest request;
    request.argv = {smolvm.program, "--version"};
    // It must not make folders anywhere for so small a question.
    request.environment = {"PATH=/usr/bin:/bin", "HOME=/nonexistent", "SMOLVM_LIB_DIR=" + smolvm.folder};
    request.output_cap = 4096;
    const auto result = runner.run(request);
    constexpr std::string_view kPrefix = "smolvm ";
    const auto line = result.out.substr(0, result.out.find('\n'));
    const auto version = line.substr(0, kPrefix.size()) == kPrefix ? line.substr(kPrefix.size()) : std::string();
    if (result.succeeded() && is_version(version) && result.out == line + "\n") return version;
    problem = result.succeeded() ? "it answers " + printable(line.substr(0, 200)) : "it " + describe(result);
    return {};
}

VerifiedBuild verify_build(const Smolvm& smolvm) {
    VerifiedBuild build;
    for (const auto& file : smolvm.trusted_files()) {
        const auto before = identify_file(file);
        const auto digest = file_digest(file);
        const auto after = identify_file(file);
        if (!before || !digest || !after) return {{}, file + " cannot be read"};
        if (*before != *after) return {{}, file + " changed while it was read"};
        const auto known = smolvm.build.digests.find(std::filesystem::path(file).filename());
        if (known == smolvm.build.digests.end() || *digest != known->second) return {{}, file + " is not the file of the build that was measured"};
        build.files.push_back(*after);
    }
    return build;
}

std::vector<std::string> create_arguments(const Machine& m, const SmolvmBuild& build) {
    auto arguments = named("create", m.name, build.names_by_flag);
    arguments.insert(arguments.end(), {"--image", m.rootfs, "--cpus", std::to_string(m.cpus), "--mem", std::to_string(m.memory_mib), "--storage",
                                       std::to_string(m.storage_gib), "--overlay", std::to_string(m.overlay_gib)});
    if (m.socket) arguments.insert(arguments.end(), {"--mount-socket", m.socket->host_path + ":" + m.socket->guest_path});
    // Without them, the place of its row says whose it is: a database of the bottle's own.
    const auto labels = build.labels ? m.labels : Labels{};
    for (const auto& [key, value] : labels) arguments.insert(arguments.end(), {"--label", key + "=" + value});
    if (!build.command_at_create) return arguments;
    arguments.emplace_back("--");
    arguments.insert(arguments.end(), kInertCommand.begin(), kInertCommand.end());
    return arguments;
}

std::vector<std::string> update_arguments(const Machine& m, const SmolvmBuild& build) {
    auto arguments = named("update", m.name, build.names_by_flag);
    arguments.insert(arguments.end(), {"--cpus", std::to_string(m.cpus), "--mem", std::to_string(m.memory_mib)});
    return arguments;
}

std::vector<std::string> start_arguments(const std::string& machine) {
    return named("start", machine);
}

std::vector<std::string> stop_arguments(const std::string& machine) {
    return named("stop", machine);
}

std::vector<std::string> delete_arguments(const std::string& machine, const SmolvmBuild& build) {
    auto arguments = named("delete", machine, build.names_by_flag);
    arguments.emplace_back("--force");
    return arguments;
}

std::string smolvm_message(const ProcessResult& result) {
    constexpr std::string_view kPlain = "Error: ";
    std::istringstream lines(result.err);
    std::string message;
    for (std::string line; std::getline(lines, line);) {
        if (line.rfind(kPlain, 0) == 0) message = line.substr(kPlain.size());
        const auto parsed = nlohmann::json::parse(line, nullptr, false);
        if (!parsed.is_object()) continue;
        const auto error = parsed.find("error");
        if (error == parsed.end() || !error->is_object()) continue;
        const auto text = error->find("message");
        if (text != error->end() && text->is_string()) message = text->get<std::string>();
    }
    if (message.empty()) return "smolvm " + describe(result);
    constexpr std::size_t kShown = 400;
    return "smolvm says: " + printable(message.size() > kShown ? message.substr(0, kShown) + "…" : message);
}

}  // namespace bottle
