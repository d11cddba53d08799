// A stand-in for smolvm 1.32.2, and built with STAND_IN_TSI for 1.1.2: `machine create/start/stop/delete/update/exec/cp/status` on a real SQLite database in the XDG folders,
// with processes that look like VMMs. There is no virtual machine: `exec` runs its command on this host, `cp` copies into the VM folder.
//
// A test gives orders in $HOME/stand-in-orders, one line "VERB WORD" each:
//   any verb   fail (exit 1), lie (exit 0, nothing done), hang (for ever, deaf to SIGTERM), chatter (2 MiB of output), garbage (exit 1, no JSON)
//   start      late (exit 0 at once, the VMM appears a moment later from a session of its own), orphan (VMM, then hang),
//              late-orphan (the VMM comes late, and hang), two (two VMMs)
//   guest      (1.1.2 alone, which plays one: guest.h) connect, listen: what its smolvm does not hold it to
// Each call is noted in $HOME/stand-in-calls: its words, separated by tabs.
#include "guest.h"
#include "records.h"
#include "vmm.h"

#include <openssl/sha.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>

namespace stand_in {

using nlohmann::ordered_json;

namespace {

namespace fs = std::filesystem;

struct Call {
    bool json = false;
    std::string verb;
    std::map<std::string, std::string> options;
    ordered_json labels = ordered_json::object();
    std::vector<std::string> rest;

    std::string machine() const { return options.count("--name") > 0 ? options.at("--name") : ""; }
};

/// Exit code 2.
struct Usage {
    std::string message;
};

/// Of a smolvm after 1.1.2.
const std::set<std::string> kLaterOptions = {"--error-format", "--label", "--mount-socket", "--user", "--mode", "--network"};

Call read_call(const std::vector<std::string>& words) {
    Call call;
    std::size_t i = 0;
    if (kTsi && !words.empty() && kLaterOptions.count(words[0]) > 0) throw Usage{"error: unexpected argument '" + words[0] + "' found"};
    if (i + 1 < words.size() && words[i] == "--error-format") {
        call.json = words[i + 1] == "json";
        i += 2;
    }
    if (i < words.size() && words[i] == "machine") ++i;
    if (i < words.size()) call.verb = words[i++];
    for (; i < words.size(); ++i) {
        const auto& word = words[i];
        // As clap refuses what it does not know.
        if (kTsi && word != "--" && word.rfind("--", 0) == 0 && kLaterOptions.count(word) > 0) throw Usage{"error: unexpected argument '" + word + "' found"};
        const bool flag = word == "--force" || word == "-f" || word == "--net" || word == "-i" || word == "-t" || word == "--stream" || word == "--json";
        if (word == "--") {
            call.rest.assign(words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end());
            break;
        }
        if (flag) call.options[word] = "";
        else if (word.rfind("--", 0) != 0) call.rest.push_back(word);
        else if (i + 1 == words.size()) throw Failure{"USAGE", "a value is required for " + word};
        else if (const auto& value = words[++i]; word == "--label") call.labels[value.substr(0, value.find('='))] = value.substr(value.find('=') + 1);
        else call.options[word] = value;
    }
    return call;
}

void note(const std::vector<std::string>& words) {
    std::string line;
    for (const auto& word : words) line += (line.empty() ? "" : "\t") + word;
    std::ofstream(places().home + "/stand-in-calls", std::ios::app) << line + "\n";
}

std::string order_for(const std::string& verb) {
    std::ifstream orders(places().home + "/stand-in-orders");
    for (std::string said, word; orders >> said >> word;) {
        if (said == verb) return word;
    }
    return "";
}

[[noreturn]] void hang() {
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) signal(number, SIG_IGN);
    constexpr unsigned kLife = 600;
    alarm(kLife);
    for (;;) pause();
}

/// What any verb can be told to do instead of its work. True if it was.
bool obey(const std::string& order) {
    if (order == "fail") throw Failure{"SMOLVM_ERROR", "agent operation failed: as ordered"};
    if (order == "hang") hang();
    if (order == "chatter") {
        const std::string line(1023, 'x');
        for (int i = 0; i < 2048; ++i) std::puts(line.c_str());
    }
    return order == "lie" || order == "chatter";
}

ordered_json record_of(const Records& records, const std::string& machine) {
    auto record = records.find(machine);
    if (!record) throw Failure{"NOT_FOUND", "vm not found: " + machine};
    return *record;
}

/// dns_filter_hosts has its place before `ephemeral`; whoever added it may have put it elsewhere.
ordered_json in_order(const ordered_json& record) {
    ordered_json ordered = ordered_json::object();
    for (const auto& [key, value] : record.items()) {
        if (key == "ephemeral" && record.contains("dns_filter_hosts")) ordered["dns_filter_hosts"] = record.at("dns_filter_hosts");
        if (key != "dns_filter_hosts") ordered[key] = value;
    }
    return ordered;
}

int create(const Call& call) {
    Records records;
    if (records.find(call.machine())) throw Failure{"CONFIG_ERROR", "config operation failed: create machine: machine '" + call.machine() + "' already exists or is being created"};
    if (call.options.count("--image") == 0 || !fs::is_directory(call.options.at("--image"))) throw Failure{"CONFIG_ERROR", "config operation failed: --image: cannot read archive"};
    records.insert(new_record(call.machine(), call.options, call.labels, call.rest));
    std::cout << "Created machine: " << call.machine() << "\n";
    return 0;
}

int update(const Call& call) {
    Records records;
    auto record = records.find(call.machine());
    if (!record) throw Failure{"CONFIG_ERROR", "config operation failed: update: machine '" + call.machine() + "' not found"};
    if (!find_vmms(vm_folder(call.machine())).empty()) throw Failure{"INVALID_STATE", "invalid vm state: expected stopped, got Running"};
    if (call.options.count("--cpus") > 0) (*record)["cpus"] = std::stoi(call.options.at("--cpus"));
    if (call.options.count("--mem") > 0) (*record)["mem"] = std::stoi(call.options.at("--mem"));
    records.update(in_order(*record));
    return 0;
}

int start(const Call& call, const std::string& order) {
    Records records;
    auto record = record_of(records, call.machine());
    const auto living = find_vmms(vm_folder(call.machine()));
    if (!living.empty()) {
        std::cout << "Machine '" << call.machine() << "' already running (PID: " << living.front() << ")\n";
        return 0;
    }
    std::cerr << "Starting machine '" << call.machine() << "'...\n";
    constexpr int kLate = 300;
    const auto pid = start_vmm(record, order == "late" || order == "late-orphan" ? kLate : 0);
    if (order == "two") start_vmm(record, 0);
    if (order == "orphan" || order == "late-orphan") hang();
    if (pid == 0) return 0;
    record["state"] = "running";
    record["pid"] = pid;
    record["pid_start_time"] = start_time(pid);
    record["init_completed"] = true;
    records.update(in_order(record));
    std::cout << "Machine '" << call.machine() << "' running (PID: " << pid << ")\n";
    return 0;
}

int stop(const Call& call) {
    Records records;
    auto record = record_of(records, call.machine());
    const auto folder = vm_folder(call.machine());
    if (find_vmms(folder).empty()) {
        std::cout << "Machine '" << call.machine() << "' is not running (state: " << record["state"].get<std::string>() << ")\n";
        return 0;
    }
    kill_vmms(folder);
    for (const auto* name : {"agent.config.json", "agent.sock", "control.sock", "egress.sock", "ports.sock"}) fs::remove(folder + "/" + name);
    record["state"] = "stopped";
    record["pid"] = record["pid_start_time"] = nullptr;
    records.update(in_order(record));
    return 0;
}

int remove(const Call& call) {
    if (call.options.count("--force") + call.options.count("-f") == 0) {
        std::cout << "Cancelled\n";
        return 0;
    }
    Records records;
    record_of(records, call.machine());
    const auto folder = vm_folder(call.machine());
    kill_vmms(folder);
    std::ifstream claimed(folder + "/.vm-uid");
    std::string uid;
    // 1.32.2 leaves the claim of a machine that was never started.
    if (std::getline(claimed, uid)) fs::remove(places().uids + "/" + uid);
    fs::remove_all(folder);
    records.remove(call.machine());
    std::cout << "Deleted machine: " << call.machine() << "\n";
    return 0;
}

int exec(const Call& call) {
    record_of(Records(), call.machine());
    if (find_vmms(vm_folder(call.machine())).empty()) {
        throw Failure{"SMOLVM_ERROR", "agent operation failed: connect: machine '" + call.machine() + "' is not running. Use 'smolvm machine start --name " + call.machine() + "' first."};
    }
    if (kTsi) {
        const auto record = record_of(Records(), call.machine());
        const auto list = record.at("allowed_cidrs").is_array() ? record.at("allowed_cidrs").get<std::vector<std::string>>() : std::vector<std::string>{};
        return run_in_guest(vm_folder(call.machine()) + "/guest", list, order_for("guest"), call.rest, [&] { return !find_vmms(vm_folder(call.machine())).empty(); });
    }
    std::vector<char*> argv;
    for (const auto& word : call.rest) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    execvp(argv[0], argv.data());
    return 127;
}

int copy(const Call& call) {
    const auto& to = call.rest.at(1);
    const auto machine = to.substr(0, to.find(':'));
    record_of(Records(), machine);
    const auto target = fs::path(vm_folder(machine) + "/guest" + to.substr(to.find(':') + 1));
    if (kTsi && find_vmms(vm_folder(machine)).empty()) throw Failure{"SMOLVM_ERROR", "agent operation failed: connect: machine '" + machine + "' is not running."};
    fs::create_directories(target.parent_path());
    fs::copy_file(call.rest.at(0), target, fs::copy_options::overwrite_existing);
    return 0;
}

int status(const Call& call) {
    const auto record = record_of(Records(), call.machine());
    const auto living = find_vmms(vm_folder(call.machine()));
    std::cout << ordered_json{{"name", call.machine()}, {"state", living.empty() ? "stopped" : "running"}, {"pid", living.empty() ? ordered_json() : ordered_json(living.front())}, {"network", record.at("network")}}.dump() << "\n";
    return 0;
}

int run(const Call& call) {
    const auto order = order_for(call.verb);
    if (obey(order)) return 0;
    if (call.verb == "create") return create(call);
    if (call.verb == "update") return update(call);
    if (call.verb == "start") return start(call, order);
    if (call.verb == "stop") return stop(call);
    if (call.verb == "delete") return remove(call);
    if (call.verb == "exec") return exec(call);
    if (call.verb == "cp") return copy(call);
    if (call.verb == "status") return status(call);
    std::cerr << "error: unrecognized subcommand '" << call.verb << "'\n";
    return 2;
}

}  // namespace

std::string vm_folder(const std::string& machine) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256(reinterpret_cast<const unsigned char*>(machine.data()), machine.size(), digest);
    std::string key;
    constexpr int kBytes = 8;
    for (int i = 0; i < kBytes; ++i) {
        char two[3];
        std::snprintf(two, sizeof two, "%02x", digest[i]);
        key += two;
    }
    return places().vms + "/" + key;
}

}  // namespace stand_in

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() == 1 && words[0] == "--version") {
        std::printf("smolvm %s\n", stand_in::kVersion);
        return 0;
    }
    if (words.size() == 2 && words[0] == "_boot-vm") return stand_in::boot_vm(words[1]);
    bool json = false;
    try {
        const auto call = stand_in::read_call(words);
        json = call.json;
        stand_in::note(words);
        if (stand_in::order_for(call.verb) == "garbage") {
            std::fputs("{\"error\":{\"message\":[5]}}\n{\"error\":7}\n\xff\xfe{{{\n", stderr);
            return 1;
        }
        return stand_in::run(call);
    } catch (const stand_in::Usage& usage) {
        std::cerr << usage.message << "\n";
        return 2;
    } catch (const stand_in::Failure& failure) {
        if (json) std::cerr << nlohmann::ordered_json{{"error", {{"code", failure.code}, {"message", failure.message}}}}.dump() << "\n";
        else std::cerr << "Error: " << failure.message << "\n";
        return 1;
    }
}
