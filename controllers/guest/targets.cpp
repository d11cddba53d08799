#include "controllers/guest/targets.h"

#include <fmt/format.h>
#include <algorithm>

namespace bottle {
namespace {

using Kind = ProbeTarget::Kind;
using Expect = ProbeTarget::Expect;

constexpr std::size_t kMaxPorts = 32;
constexpr int kGatewayPorts[] = {22, 80, 443};  ///< what a host is likely to serve on its side of the network
constexpr std::size_t kMaxNeighbours = 2;  ///< one shows it; two, in case one vanishes

class Plan {
public:
    explicit Plan(const std::function<std::string()>& random_hex) : random_hex_(random_hex) {}

    void add(Kind kind, Expect expect, const std::string& what, const std::string& address, int port,
             const std::string& listen_on = {}, bool may_be_missing = false) {
        made_.push_back({{kind, expect, what, address, port, {}}, listen_on, may_be_missing});
    }

    /// TCP and UDP to an address behind which a listener of ours stands.
    void add_guarded(const std::string& what, const std::string& address, const std::string& listen_on,
                     bool may_be_missing = false) {
        bool six = address.find(':') != std::string::npos;
        add(six ? Kind::Tcp6 : Kind::Tcp, Expect::Denied, what, address, 0, listen_on, may_be_missing);
        add(six ? Kind::Udp6 : Kind::Udp, Expect::Denied, what, address, 0, listen_on, may_be_missing);
    }

    void add_dns(Kind kind, Expect expect, const std::string& what, const std::string& address) {
        add(kind, expect, what, address, 53);
        made_.back().target.name = random_hex_() + ".bottle-probe.invalid";
    }

    /// smolvm refuses nothing where there is no network: there must be no way to anything.
    void without_network() {
        for (auto& planned : made_) {
            auto& target = planned.target;
            if (target.expect != Expect::Reached && target.kind != Kind::Listener) target.expect = Expect::NoRoute;
        }
    }

    /// smolvm has neither a gateway of its own there nor a log: what no listener of ours can speak for is tried only where a refusal can be told from silence.
    void on_tsi() {
        const auto untold = [](const PlannedTarget& planned) {
            const auto& target = planned.target;
            const bool gateway = target.address == kSmolvmGateway || target.address == kSmolvmGateway6;
            const bool datagram = target.kind == Kind::Udp || target.kind == Kind::Udp6;
            return gateway || (datagram && planned.listen_on.empty());
        };
        made_.erase(std::remove_if(made_.begin(), made_.end(), untold), made_.end());
        for (auto& planned : made_) {
            auto& target = planned.target;
            if (target.expect != Expect::Reached && target.kind != Kind::Listener) target.expect = Expect::Unlogged;
        }
    }

    std::vector<PlannedTarget> take() { return std::move(made_); }

private:
    const std::function<std::string()>& random_hex_;
    std::vector<PlannedTarget> made_;
};

bool is_six(const HostAddress& host) {
    return host.address.find(':') != std::string::npos;
}

void plan_ports(const Surroundings& around, Plan& plan) {
    const auto& address = !around.alias.empty() ? around.alias : around.bundle_address;
    for (std::size_t i = 0; i < around.ports.size() && i < kMaxPorts; ++i) {
        const BundlePort& port = around.ports[i];
        plan.add(Kind::BundlePort, Expect::Reached, fmt::format("bundle port {}", port.name),
                 around.socket.empty() ? address : kLoopback, port.port);
    }
}

void plan_host(const Surroundings& around, Plan& plan) {
    plan.add_guarded("internal gateway", around.internal_gateway, around.internal_gateway);
    if (!around.external_gateway.empty())
        plan.add_guarded("external gateway", around.external_gateway, around.external_gateway);
    for (int port : kGatewayPorts) {
        plan.add(Kind::Tcp, Expect::Denied, "internal gateway", around.internal_gateway, port);
        plan.add(Kind::Tcp, Expect::Denied, "smolvm's gateway", kSmolvmGateway, port);
    }
    // 127.0.0.1 in the guest is the guest's own; the host's is behind smolvm's gateway.
    plan.add_guarded("host loopback by smolvm's gateway", kSmolvmGateway, "127.0.0.1");
    plan.add(Kind::Tcp6, Expect::Denied, "internal gateway as IPv4-mapped IPv6", "::ffff:" + around.internal_gateway, 0,
             around.internal_gateway);
    const auto& hosts = around.host_addresses;
    auto four = std::find_if_not(hosts.begin(), hosts.end(), is_six);
    if (four != hosts.end()) plan.add_guarded("host address " + four->interface, four->address, four->address);
    for (std::size_t i = 0; i < around.neighbours.size() && i < kMaxNeighbours; ++i) {
        const auto& other = around.neighbours[i];
        plan.add_guarded("internal gateway of bottle " + other.bottle, other.internal_gateway, other.internal_gateway,
                         true);
        if (!around.alias.empty() && !other.alias.empty()) plan.add_guarded("address of bottle " + other.bottle, other.alias, other.alias);
    }
}

void plan_six(const Surroundings& around, Plan& plan) {
    const auto& hosts = around.host_addresses;
    auto global =
        std::find_if(hosts.begin(), hosts.end(), [](const HostAddress& h) { return is_six(h) && h.address != "::1"; });
    bool loopback = std::any_of(hosts.begin(), hosts.end(), [](const HostAddress& h) { return h.address == "::1"; });
    if (global != hosts.end()) plan.add_guarded("host address " + global->interface, global->address, global->address);
    if (loopback) plan.add_guarded("host IPv6 loopback by smolvm's gateway", kSmolvmGateway6, "::1");
    // On a machine whose sockets are the host's own (TSI), ::1 is the host's.
    if (loopback) plan.add_guarded("host IPv6 loopback", "::1", "::1");
    if (global != hosts.end() || loopback) return;
    // A host without any IPv6 address: an address of the documentation prefix, which is routed nowhere (RFC 3849).
    plan.add(Kind::Tcp6, Expect::Denied, "IPv6", "2001:db8::1", 443);
    plan.add(Kind::Udp6, Expect::Denied, "IPv6", "2001:db8::1", 443);
}

/// Addresses where nothing of ours can listen: only smolvm's own event shows that its policy refused them.
void plan_outside(Plan& plan) {
    plan.add(Kind::Tcp, Expect::Denied, "cloud metadata service", "169.254.169.254", 80);
    plan.add(Kind::Udp, Expect::Denied, "cloud metadata service", "169.254.169.254", 80);
    plan.add(Kind::Tcp, Expect::Denied, "public address", "1.1.1.1", 443);
    plan.add(Kind::Udp, Expect::Denied, "public address", "1.1.1.1", 443);
}

void plan_names(const Surroundings& around, Plan& plan) {
    for (Kind kind : {Kind::DnsUdp, Kind::DnsTcp}) {
        plan.add_dns(kind, Expect::Denied, "name by the bundle address", around.bundle_address);
        plan.add_dns(kind, Expect::Denied, "name by the internal gateway", around.internal_gateway);
        plan.add_dns(kind, Expect::OwnGateway, "name by smolvm's gateway", kSmolvmGateway);
        plan.add_dns(kind, Expect::Denied, "name by a public resolver", "1.1.1.1");
    }
}

void plan_echo(const Surroundings& around, Plan& plan) {
    plan.add(Kind::Icmp, Expect::Denied, "internal gateway", around.internal_gateway, 0);
    plan.add(Kind::Icmp, Expect::Denied, "public address", "1.1.1.1", 0);
    plan.add(Kind::Icmp, Expect::OwnGateway, "smolvm's gateway", kSmolvmGateway, 0);
}

}  // namespace

std::vector<PlannedTarget> plan_targets(const Surroundings& around, const std::function<std::string()>& random_hex) {
    Plan plan(random_hex);
    plan_ports(around, plan);
    plan_host(around, plan);
    plan_six(around, plan);
    plan_outside(plan);
    plan_names(around, plan);
    plan_echo(around, plan);
    plan.add(Kind::Listener, Expect::Denied, "listener of the guest", "0.0.0.0", 0);
    // On a machine whose sockets are the host's own (TSI), 127.0.0.1 is the host's.
    if (!around.socket.empty() || !around.alias.empty()) plan.add_guarded("host loopback", kLoopback, kLoopback);
    if (!around.socket.empty()) plan.without_network();
    if (!around.alias.empty()) plan.on_tsi();
    return plan.take();
}

}  // namespace bottle
