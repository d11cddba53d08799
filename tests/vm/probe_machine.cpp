// probe_machine SMOLVM STATE-FOLDER BOTTLE BUNDLE-ADDRESS INTERNAL-GATEWAY VMM-UID INFRA-PID PORT...
// Runs the guest probe alone on a running machine and prints its evidence, one line each: the suite shows with it that the probe sees an open
// machine whatever its row says.
#include "controllers/guest/guest_controller.h"
#include "controllers/guest/host_addresses.h"
#include "controllers/machine/smolvm.h"
#include "reconciler/desired.h"
#include "reconciler/guest_evidence.h"
#include "reconciler/proof.h"

#include <cstdio>
#include <filesystem>

int main(int argc, char** argv) {
    using namespace bottle;
    if (argc < 9) return 2;
    const Smolvm smolvm{argv[1], std::filesystem::path(argv[1]).parent_path()};
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
    SystemProcessRunner runner;
    for (const auto& evidence : judge_guest(GuestController(runner).probe(scope))) std::printf("%s %s\n", name_of(evidence.verdict), evidence.reading.c_str());
    return 0;
}
