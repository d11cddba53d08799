#include "controllers/guest/workload_record.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace bottle {
namespace {

using nlohmann::json;

json to_json(const WorkloadRecord& record) {
    json text{{"vmm_pid", record.vmm_pid},
              {"vmm_start_time", record.vmm_start_time},
              {"spec_digest", record.spec_digest},
              {"keeper_pid", record.keeper_pid}};
    if (!record.secrets.empty()) text["secrets"] = record.secrets;
    if (record.exit_code) text["exit_code"] = *record.exit_code;
    return text;
}

/// Throws nlohmann's errors for a missing key or a wrong type; its callers turn them into "nothing".
WorkloadRecord record_of(const json& text) {
    WorkloadRecord record;
    text.at("vmm_pid").get_to(record.vmm_pid);
    text.at("vmm_start_time").get_to(record.vmm_start_time);
    text.at("spec_digest").get_to(record.spec_digest);
    text.at("keeper_pid").get_to(record.keeper_pid);
    record.secrets = text.value("secrets", record.secrets);
    if (text.contains("exit_code")) record.exit_code = text.at("exit_code").get<int>();
    return record;
}

}  // namespace

std::string to_text(const WorkloadRecord& record) {
    return to_json(record).dump() + "\n";
}

std::optional<WorkloadRecord> parse_record(std::string_view text) {
    try {
        return record_of(json::parse(text));
    } catch (const json::exception&) {
        return std::nullopt;
    }
}

std::string to_text(const KeeperRequest& request) {
    return json{{"program", request.smolvm.program},
                {"environment", request.smolvm.environment},
                {"machine", request.smolvm.machine},
                {"command", request.workload.command},
                {"env", request.workload.env},
                {"user", request.workload.user},
                {"exec_user", request.smolvm.exec_user},
                {"exec_input_ends", request.smolvm.exec_input_ends},
                {"secret_env", request.smolvm.secret_env},
                {"secrets", request.workload.secrets},
                {"secrets_file", request.secrets_file},
                {"record", to_json(request.record)}}
        .dump();
}

std::optional<KeeperRequest> parse_request(std::string_view text) {
    try {
        json read = json::parse(text);
        KeeperRequest request;
        read.at("program").get_to(request.smolvm.program);
        read.at("environment").get_to(request.smolvm.environment);
        read.at("machine").get_to(request.smolvm.machine);
        read.at("command").get_to(request.workload.command);
        read.at("env").get_to(request.workload.env);
        read.at("user").get_to(request.workload.user);
        read.at("exec_user").get_to(request.smolvm.exec_user);
        read.at("exec_input_ends").get_to(request.smolvm.exec_input_ends);
        read.at("secret_env").get_to(request.smolvm.secret_env);
        read.at("secrets").get_to(request.workload.secrets);
        read.at("secrets_file").get_to(request.secrets_file);
        request.record = record_of(read.at("record"));
        return request;
    } catch (const json::exception&) {
        return std::nullopt;
    }
}

std::vector<std::string> workload_words(const KeeperRequest& request) {
    if (request.secrets_file.empty()) return request.workload.command;
    // A file that cannot be read ends the shell, or leaves a status; one that cannot be removed would stay.
    std::string names;
    for (const auto& [variable, name] : request.workload.secrets) names += " " + variable;
    // Exported only when no other program is run any more.
    const auto script = fmt::format("f=$1; shift; . \"$f\"; s=$?; rm -f -- \"$f\" && [ \"$s\" = 0 ] && export{} && exec \"$@\"; exit 126", names);
    std::vector<std::string> words{"/bin/sh", "-c", script, "sh", request.secrets_file};
    words.insert(words.end(), request.workload.command.begin(), request.workload.command.end());
    return words;
}

SmolvmCommand workload_command(const KeeperRequest& request) {
    ExecOptions options;
    options.ends_input = true;
    options.stream = true;
    options.env = request.workload.env;
    options.user = request.workload.user;
    return exec_command(request.smolvm, options, workload_words(request));
}

}  // namespace bottle
