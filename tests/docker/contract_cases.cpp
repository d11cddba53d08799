#include "tests/docker/contract_cases.h"

namespace bottle {

using model::ModelWorld;

const std::vector<ContractCase>& contract_cases() {
    static const std::vector<ContractCase> cases = {
        {"nothing happened", [](ModelWorld&) {}, [](DockerHand&) {}, true},
        {"a bundle container removed", [](ModelWorld& w) { w.remove_container(kEgress); }, [](DockerHand& d) { d.remove_container(kEgress); }, true},
        {"a bundle container killed", [](ModelWorld& w) { w.stop_container(kEgress); }, [](DockerHand& d) { d.kill(kEgress); }, true},
        {"a bundle container restarted", [](ModelWorld& w) { w.restart_container(kEgress); }, [](DockerHand& d) { d.restart(kEgress); }, true},
        {"infra restarted", [](ModelWorld& w) { w.restart_container(kInfraName); }, [](DockerHand& d) { d.restart(kInfraName); }},
        {"infra killed", [](ModelWorld& w) { w.stop_container(kInfraName); }, [](DockerHand& d) { d.kill(kInfraName); }},
        {"infra removed", [](ModelWorld& w) { w.remove_container(kInfraName); }, [](DockerHand& d) { d.remove_container(kInfraName); }},
        {"infra off the internal network", [](ModelWorld& w) { w.disconnect(kInternal, kInfraName); }, [](DockerHand& d) { d.disconnect(kInternal, kInfraName); }},
        {"infra off the external network", [](ModelWorld& w) { w.disconnect(kExternal, kInfraName); }, [](DockerHand& d) { d.disconnect(kExternal, kInfraName); }, true},
        {"the internal network removed", [](ModelWorld& w) { w.remove_network(kInternal); }, [](DockerHand& d) { d.remove_network(kInternal); }},
        {"the external network removed", [](ModelWorld& w) { w.remove_network(kExternal); }, [](DockerHand& d) { d.remove_network(kExternal); }},
        {"a foreign container on the internal network", [](ModelWorld& w) { w.add_foreign_container("curious", kInternal); },
         [](DockerHand& d) { d.add_container("curious", kInternal); }},
        {"infra on a foreign network",
         [](ModelWorld& w) {
             w.add_foreign_network("compose_default", "172.29.0.0/24");
             w.connect("compose_default", kInfraName);
         },
         [](DockerHand& d) {
             d.add_network("compose_default", "172.29.0.0/24");
             d.connect("compose_default", kInfraName);
         }},
        {"everything of Docker's removed",
         [](ModelWorld& w) {
             w.remove_container(kEgress);
             w.remove_container(kInfraName);
             w.remove_network(kInternal);
             w.remove_network(kExternal);
         },
         [](DockerHand& d) {
             d.remove_container(kEgress);
             d.remove_container(kInfraName);
             d.remove_network(kInternal);
             d.remove_network(kExternal);
         }},
    };
    return cases;
}

}  // namespace bottle
