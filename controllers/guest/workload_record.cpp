#include "controllers/guest/workload_record.h"

#include <nlohmann/json.hpp>

namespace bottle {
namespace {

using nlohmann::json;

json to_json(const WorkloadRecord& record) {
    json text{{"vmm_pid", record.vmm_pid},
              {"vmm_start_time", record.vmm_start_time},
              {"spec_digest", record.spec_digest},
              {"keeper_pid", record.keeper_pid}};
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
                {"exec_has_user", request.exec_has_user},
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
        read.at("exec_has_user").get_to(request.exec_has_user);
        request.record = record_of(read.at("record"));
        return request;
    } catch (const json::exception&) {
        return std::nullopt;
    }
}

SmolvmCommand workload_command(const KeeperRequest& request) {
    ExecOptions options;
    options.stream = true;
    options.env = request.workload.env;
    const std::string& user = request.workload.user;
    if (request.exec_has_user) options.user = user;
    if (request.exec_has_user || user.empty() || user == "root") {
        return exec_command(request.smolvm, options, request.workload.command);
    }
    // Words after the user are the shell's arguments; "--" keeps su from reading them as its own options.
    std::vector<std::string> command{"su", "-s", "/bin/sh", "-c", "exec \"$@\"", "--", user, "sh"};
    command.insert(command.end(), request.workload.command.begin(), request.workload.command.end());
    return exec_command(request.smolvm, options, command);
}

}  // namespace bottle
