#include "tests/machine/machine_place.h"

#include "controllers/process/proc_table.h"
#include "controllers/state/digest.h"

#include <catch2/catch.hpp>
#include <sqlite3.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

namespace bottle {
namespace {

constexpr const char* kMachine = "bottle-docs";

std::string file_text(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string rootfs_in(const TempFolder& folder) {
    const auto root = folder.file("rootfs");
    for (const auto* name : {"bin", "etc", "dev", "proc", "sys", "tmp"}) std::filesystem::create_directories(root + "/" + name);
    std::filesystem::copy_file("/bin/busybox", root + "/bin/busybox");
    return root;
}

}  // namespace

Smolvm smolvm_of(const std::string& version) {
    const bool tsi = version == kStandInTsi;
    if (version != kStandIn && !tsi) {
        const char* newest = std::getenv("BOTTLE_SMOLVM");
        const char* older = std::getenv("BOTTLE_SMOLVM_OLDER");
        if (newest == nullptr || older == nullptr) FAIL("BOTTLE_SMOLVM and BOTTLE_SMOLVM_OLDER do not name the folders of the measured ones (tools/get-smolvm)");
        std::istringstream folders(std::string(newest) + ":" + older);
        for (std::string folder; std::getline(folders, folder, ':');) {
            const auto found = find_smolvm(folder);
            if (found && found->build.version == version) return *found;
        }
        FAIL("no folder holds smolvm " << version);
    }
    const std::string folder = tsi ? BOTTLE_STAND_IN_TSI : BOTTLE_STAND_IN;
    Smolvm smolvm{folder + "/smolvm", folder};
    if (tsi) smolvm.build = tsi_build("1.1.2", measured_builds().back().digests);
    for (const auto& file : smolvm.trusted_files()) smolvm.build.digests[std::filesystem::path(file).filename()] = sha256_hex(file_text(file));
    return smolvm;
}

MachinePlace::MachinePlace(const std::string& version, MachineDeadlines deadlines)
    : paths(machine_paths(folder.file("state"), "docs")), smolvm(smolvm_of(version)), controller(paths, kMachine, smolvm, runner, deadlines) {
    machine.name = kMachine;
    machine.rootfs = rootfs_in(folder);
    machine.cpus = 1;
    machine.memory_mib = 512;
    machine.storage_gib = 1;
    machine.overlay_gib = 1;
    machine.allowed_cidr = "10.231.0.2/32";
    machine.labels = {{"dev.bottle.name", "docs"}};
    if (version == kStandInTsi) {
        machine.tsi = true;
        machine.allowed_cidr = "127.0.0.16/32";
    }
}

MachinePlace::~MachinePlace() {
    const auto processes = find_vmm_processes(paths.vm_folder);
    if (!processes.present()) return;
    for (const auto& process : *processes) kill_and_confirm(process.pid, process.start_time, std::chrono::seconds(5));
}

void MachinePlace::order(const std::string& text) const {
    std::filesystem::create_directories(paths.root + "/home");
    std::ofstream(paths.root + "/home/stand-in-orders") << text << "\n";
}

ProcessResult MachinePlace::call(const std::vector<std::string>& words) {
    ProcessRequest request;
    request.argv = smolvm.command(words);
    request.environment = smolvm.environment(paths);
    return runner.run(request);
}

void MachinePlace::make() {
    REQUIRE(controller.act(ClaimUid{2'900'123}).text.empty());
    REQUIRE(controller.act(CreateMachine{machine}).text.empty());
    REQUIRE(controller.act(SetAllowlist{row_text(), machine.allowed_cidr}).text.empty());
}

std::string MachinePlace::row_text() {
    const auto view = controller.observe();
    if (view.row.unknown()) FAIL(view.row.why());
    return view.row.present() ? view.row->data : "";
}

void MachinePlace::write_row(const std::string& text, bool blob) {
    sqlite3* database = nullptr;
    REQUIRE(sqlite3_open(paths.database.c_str(), &database) == SQLITE_OK);
    sqlite3_stmt* update = nullptr;
    REQUIRE(sqlite3_prepare_v2(database, "UPDATE vms SET data = ? WHERE name = ?", -1, &update, nullptr) == SQLITE_OK);
    if (blob) sqlite3_bind_blob(update, 1, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
    else sqlite3_bind_text(update, 1, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
    sqlite3_bind_text(update, 2, kMachine, -1, SQLITE_STATIC);
    CHECK(sqlite3_step(update) == SQLITE_DONE);
    sqlite3_finalize(update);
    sqlite3_close(database);
}

}  // namespace bottle
