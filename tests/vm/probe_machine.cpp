// probe_machine SMOLVM STATE-FOLDER BOTTLE BUNDLE-ADDRESS INTERNAL-GATEWAY VMM-UID INFRA-PID PORT...
// Runs the guest probe alone on a running machine and prints its evidence, one line each: the suite shows with it that the probe sees an open
// machine whatever its row says. Of a smolvm that logs no refusals: with the firewall that stands, or does not.
#include "controllers/firewall/firewall_controller.h"
#include "controllers/guest/guest_controller.h"
#include "controllers/guest/host_addresses.h"
#include "controllers/machine/smolvm.h"
#include "reconciler/desired.h"
#include "reconciler/guest_evidence.h"
#include "reconciler/proof.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

int main(int argc, char** argv) {
    using namespace bottle;
    if (argc < 9) return 2;
    const std::filesystem::path program = argv[1];
    const Smolvm smolvm{program, program.parent_path(), build_of_size(static_cast<std::int64_t>(std::filesystem::file_size(program)))};
    const auto paths = machine_paths(argv[2], argv[3]);
    GuestScope scope;
    scope.smolvm = smolvm.invocation(paths, machine_name(argv[3]));
    scope.vm_folder = paths.vm_folder;
    scope.scratch_folder = std::filesystem::path(paths.root).parent_path();
    scope.around.bundle_address = argv[4];
    scope.around.internal_gateway = argv[5];
    scope.around.host_addresses = host_addresses();
    scope.vmm_uid = std::stoll(argv[6]);
    scope.infra_pid = std::stoll(argv[7]);
    scope.deadline = std::chrono::minutes(3);
    for (int i = 8; i < argc; ++i) scope.around.ports.push_back({"bundle", argv[i], std::stoi(argv[i])});
    scope.denial_log = smolvm.build.denial_log;
    FirewallController firewall;
    std::optional<WallReading> wall;
    if (!scope.denial_log) {
        FirewallRules rules{scope.vmm_uid, scope.around.bundle_address, {}};
        for (const auto& port : scope.around.ports) rules.ports.push_back(port.port);
        std::sort(rules.ports.begin(), rules.ports.end());
        wall = WallReading{smolvm.build.version, rules, scope.vmm_uid, firewall.observe(scope.vmm_uid), {}};
    }
    SystemProcessRunner runner;
    auto reading = GuestController(runner).probe(scope);
    if (wall) wall->after = firewall.observe(scope.vmm_uid);
    reading.wall = std::move(wall);
    for (const auto& evidence : judge_guest(reading)) std::printf("%s %s\n", name_of(evidence.verdict), evidence.reading.c_str());
    return 0;
}
