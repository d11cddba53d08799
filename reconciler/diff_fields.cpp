#include "reconciler/diff.h"
#include "reconciler/resource_documents.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

namespace bottle {
namespace {

std::string text(const std::string& value) {
    return value.empty() ? "none" : value;
}
std::string text(bool value) {
    return value ? "true" : "false";
}
std::string text(std::int64_t value) {
    return std::to_string(value);
}
std::string text(const std::vector<std::string>& values) {
    return values.empty() ? "none" : fmt::format("{}", fmt::join(values, ", "));
}
std::string text(const std::map<std::string, std::string>& values) {
    std::vector<std::string> entries;
    for (const auto& [key, value] : values) entries.push_back(key + "=" + value);
    return text(entries);
}

/// One field of a resource: its name in Docker's words, how to read it, and what a difference can mean.
template <class T>
struct Field {
    const char* name;
    std::string (*read)(const T&);
    Reach reach;
    const char* consequence;
};

#define BOTTLE_FIELD(Type, member) [](const Type& value) { return text(value.member); }

// Environment values are compared, but named only: a literal may be a secret that somebody put there.
const Field<Container> kContainerFields[] = {
    {"Image", BOTTLE_FIELD(Container, image_id), Reach::Wider, "other code than the manifest names"},
    {"Entrypoint", BOTTLE_FIELD(Container, entrypoint), Reach::Wider, "another program runs in the bundle"},
    {"Cmd", BOTTLE_FIELD(Container, command), Reach::Wider, "another program runs in the bundle"},
    {"Env", BOTTLE_FIELD(Container, env), Reach::Wider, "the program in it may act differently"},
    {"User", BOTTLE_FIELD(Container, user), Reach::Wider, "it runs as another user"},
    {"WorkingDir", BOTTLE_FIELD(Container, working_dir), Reach::Same, ""},
    {"Hostname", BOTTLE_FIELD(Container, hostname), Reach::Same, ""},
    {"NetworkMode", BOTTLE_FIELD(Container, network_mode), Reach::Wider, "it is on another network than its bundle"},
    {"Privileged", BOTTLE_FIELD(Container, privileged), Reach::Wider, "it may do everything to the host"},
    {"ReadonlyRootfs", BOTTLE_FIELD(Container, read_only_rootfs), Reach::Wider, "its programs can be replaced from inside"},
    {"PublishAllPorts", BOTTLE_FIELD(Container, publish_all_ports), Reach::Wider, "its ports are open on the host"},
    {"PortBindings", BOTTLE_FIELD(Container, published_ports), Reach::Wider, "a port is open on the host"},
    {"Tty", BOTTLE_FIELD(Container, tty), Reach::Same, ""},
    {"OpenStdin", BOTTLE_FIELD(Container, open_stdin), Reach::Same, ""},
    {"AutoRemove", BOTTLE_FIELD(Container, auto_remove), Reach::Same, ""},
    {"Init", BOTTLE_FIELD(Container, init), Reach::Same, ""},
    {"CapAdd", BOTTLE_FIELD(Container, cap_add), Reach::Wider, "it holds capabilities that the manifest does not give"},
    {"CapDrop", BOTTLE_FIELD(Container, cap_drop), Reach::Wider, "it holds capabilities that the manifest does not give"},
    {"SecurityOpt", BOTTLE_FIELD(Container, security_opt), Reach::Wider, "a protection of the kernel is off"},
    {"Mounts", BOTTLE_FIELD(Container, mounts), Reach::Wider, "files of the host or of a volume are in it"},
    {"Tmpfs", BOTTLE_FIELD(Container, tmpfs), Reach::Same, ""},
    {"Devices", BOTTLE_FIELD(Container, devices), Reach::Wider, "it may use a device of the host"},
    {"ExtraHosts", BOTTLE_FIELD(Container, extra_hosts), Reach::Wider, "a name leads to another address"},
    {"Dns", BOTTLE_FIELD(Container, dns), Reach::Wider, "it asks another name server"},
    {"Links", BOTTLE_FIELD(Container, links), Reach::Wider, "a name leads to another container"},
    {"PidMode", BOTTLE_FIELD(Container, pid_mode), Reach::Wider, "it sees processes outside"},
    {"IpcMode", BOTTLE_FIELD(Container, ipc_mode), Reach::Wider, "it shares memory with others"},
    {"UTSMode", BOTTLE_FIELD(Container, uts_mode), Reach::Wider, "it shares the host's name"},
    {"UsernsMode", BOTTLE_FIELD(Container, userns_mode), Reach::Wider, "its root is another user than expected"},
    {"RestartPolicy", BOTTLE_FIELD(Container, restart_policy), Reach::Same, ""},
    {"Runtime", BOTTLE_FIELD(Container, runtime), Reach::Wider, "another runtime confines it"},
    {"LogConfig", BOTTLE_FIELD(Container, log_driver), Reach::Same, ""},
    {"Memory", BOTTLE_FIELD(Container, memory), Reach::Same, ""},
    {"MemorySwap", BOTTLE_FIELD(Container, memory_swap), Reach::Same, ""},
    {"NanoCpus", BOTTLE_FIELD(Container, nano_cpus), Reach::Same, ""},
    {"PidsLimit", BOTTLE_FIELD(Container, pids_limit), Reach::Same, ""},
    // Last: the hash in them differs with any other field, which says it better.
    {"Labels", BOTTLE_FIELD(Container, labels), Reach::Same, ""},
};

const Field<Network> kNetworkFields[] = {
    {"Driver", BOTTLE_FIELD(Network, driver), Reach::Wider, "packets may go another way"},
    {"Internal", BOTTLE_FIELD(Network, internal), Reach::Wider, "the network has another way out than it shall have"},
    {"EnableIPv6", BOTTLE_FIELD(Network, ipv6), Reach::Wider, "IPv6 is a way of its own"},
    {"Attachable", BOTTLE_FIELD(Network, attachable), Reach::Wider, "others can join it"},
    {"Ingress", BOTTLE_FIELD(Network, ingress), Reach::Wider, "others can join it"},
    {"Scope", BOTTLE_FIELD(Network, scope), Reach::Wider, "it is more than this host's"},
    {"IPAM", BOTTLE_FIELD(Network, ipam), Reach::Wider, "the bundle address may be another's"},
    {"Options", BOTTLE_FIELD(Network, options), Reach::Wider, "the bridge behaves differently"},
    {"Labels", BOTTLE_FIELD(Network, labels), Reach::Same, ""},
};

#undef BOTTLE_FIELD

/// What a setting that is not modelled means, where it is known.
const std::map<std::string, const char*> kExtraConsequences = {
    {"HostConfig.Binds", "files of the host are in it"},
    {"HostConfig.VolumesFrom", "files of another container are in it"},
    {"HostConfig.Sysctls", "it sets the kernel's parameters"},
    {"HostConfig.GroupAdd", "it is in groups that the manifest does not give"},
    {"HostConfig.MaskedPaths", "it sees parts of the kernel that are hidden from containers"},
    {"HostConfig.ReadonlyPaths", "it may write parts of the kernel that are closed to containers"},
    {"HostConfig.Ulimits", "other limits than the manifest gives"},
    {"HostConfig.ShmSize", "other limits than the manifest gives"},
    {"HostConfig.OomScoreAdj", "the kernel kills others before it"},
    {"HostConfig.OomKillDisable", "the kernel kills others before it"},
    {"HostConfig.CgroupParent", "it shares the limits of other programs"},
    {"HostConfig.Cgroup", "it shares the limits of other programs"},
    {"HostConfig.CgroupnsMode", "it sees the host's control groups"},
    {"HostConfig.StorageOpt", "its root file system is another than the engine's"},
    {"HostConfig.Isolation", "another mechanism confines it"},
    {"HostConfig.VolumeDriver", "its files may lie in another place"},
    {"Config.Healthcheck", "another program runs in the bundle"},
    {"Config.Volumes", "files of a volume are in it"},
    {"Config.ExposedPorts", "it offers ports that its image does not name"},
    {"IPAM.Driver", "somebody else hands out its addresses"},
    {"IPAM.Config.AuxiliaryAddresses", "the bundle address may be another's"},
};
constexpr const char* kUnknownExtra = "a setting that the manifest cannot give";

bool shows_values(const std::string& field) {
    return field != "Env" && field != "Config.Healthcheck" && field != "Labels" && field != "Entrypoint" && field != "Cmd";
}

std::string shortened(const std::string& value) {
    constexpr std::size_t kShown = 160;
    return printable(value.size() > kShown ? value.substr(0, kShown) + "…" : value);
}

std::string cause_of(const std::string& field, const std::string& is, const std::string& want, const char* consequence) {
    std::string cause = shows_values(field) ? fmt::format("{} is {}, not {}", field, shortened(is), shortened(want)) : field + " is not as the manifest says";
    if (*consequence != '\0') cause += fmt::format(": {}", consequence);
    return cause;
}

/// Docker writes -1 where the kernel has no swap accounting: there is no second limit then, and none to repair.
bool same(const char* name, const std::string& is, const std::string& want) {
    return is == want || (std::string_view(name) == "MemorySwap" && is == "-1");
}

template <class T>
Change field_change(const char* kind, const T& want, const std::string& id, const std::string& field, std::string cause, Reach reach) {
    Change change;
    change.what = Change::What::Differs;
    change.kind = kind;
    change.name = want.name;
    change.id = id;
    change.field = field;
    change.cause = std::move(cause);
    change.reach = reach;
    return change;
}

/// Settings that are not modelled: each stands for itself, and none is known to be harmless.
template <class T>
void diff_extras(const char* kind, const T& want, const T& is, const std::string& id, std::vector<Change>& changes) {
    const auto value = [](const std::map<std::string, std::string>& of, const std::string& key) {
        const auto found = of.find(key);
        return found == of.end() ? std::string("none") : found->second;
    };
    auto all = want.extras;
    all.insert(is.extras.begin(), is.extras.end());
    for (const auto& [key, unused] : all) {
        if (value(is.extras, key) == value(want.extras, key)) continue;
        const auto known = kExtraConsequences.find(key);
        const auto* consequence = known == kExtraConsequences.end() ? kUnknownExtra : known->second;
        changes.push_back(field_change(kind, want, id, key, cause_of(key, value(is.extras, key), value(want.extras, key), consequence), Reach::Wider));
    }
}

template <class T, std::size_t N>
std::vector<Change> diff_by_table(const Field<T> (&table)[N], const char* kind, const T& want, const T& is, const std::string& id) {
    std::vector<Change> changes;
    for (const auto& field : table) {
        const auto is_text = field.read(is);
        const auto want_text = field.read(want);
        if (same(field.name, is_text, want_text)) continue;
        changes.push_back(field_change(kind, want, id, field.name, cause_of(field.name, is_text, want_text, field.consequence), field.reach));
    }
    diff_extras(kind, want, is, id, changes);
    return changes;
}

constexpr const char* kAsWanted = "as wanted";

/// A pair without its values, where they may be somebody's secret.
FieldPair hidden(const std::string& name, const std::string& seen, const std::string& wanted, bool is_seen, bool is_wanted) {
    return {name, !is_seen ? "" : is_wanted && seen == wanted ? kAsWanted : "another", is_wanted ? kAsWanted : ""};
}

template <class T>
const std::string& extra_of(const T* resource, const std::string& key) {
    static const std::string kNone = "none";
    if (resource == nullptr) return kNone;
    const auto found = resource->extras.find(key);
    return found == resource->extras.end() ? kNone : found->second;
}

template <class T, std::size_t N>
std::vector<FieldPair> pairs_by_table(const Field<T> (&table)[N], const T* wanted, const T* seen) {
    std::vector<FieldPair> pairs;
    const auto add = [&](const std::string& name, std::string is, std::string want) {
        if (wanted != nullptr && seen != nullptr && same(name.c_str(), is, want)) is = want;
        if (shows_values(name)) pairs.push_back({name, seen == nullptr ? "" : is, wanted == nullptr ? "" : want});
        else pairs.push_back(hidden(name, is, want, seen != nullptr, wanted != nullptr));
    };
    for (const auto& field : table) add(field.name, seen == nullptr ? "" : field.read(*seen), wanted == nullptr ? "" : field.read(*wanted));
    std::set<std::string> extras;
    for (const auto* resource : {wanted, seen}) {
        if (resource == nullptr) continue;
        for (const auto& [key, value] : resource->extras) extras.insert(key);
    }
    for (const auto& key : extras) add(key, extra_of(seen, key), extra_of(wanted, key));
    return pairs;
}

std::map<std::string, std::string> variables_of(const Container* container) {
    std::map<std::string, std::string> all;
    if (container == nullptr) return all;
    for (const auto& entry : container->env) all[entry.substr(0, entry.find('='))] = entry;
    return all;
}

/// Each by its name.
void add_variables(const Container* wanted, const Container* seen, std::vector<FieldPair>& fields) {
    const auto want = variables_of(wanted);
    const auto is = variables_of(seen);
    auto all = want;
    all.insert(is.begin(), is.end());
    for (const auto& [name, entry] : all) {
        const auto w = want.find(name);
        const auto s = is.find(name);
        fields.push_back(hidden("Env." + name, s == is.end() ? "" : s->second, w == want.end() ? "" : w->second, s != is.end(), w != want.end()));
    }
}

}  // namespace

std::vector<FieldPair> container_fields(const Container* wanted, const Container* seen) {
    std::vector<FieldPair> fields;
    for (auto& pair : pairs_by_table(kContainerFields, wanted, seen)) {
        if (pair.name == "Env") add_variables(wanted, seen, fields);
        else fields.push_back(std::move(pair));
    }
    return fields;
}

std::vector<FieldPair> network_fields(const Network* wanted, const Network* seen) {
    return pairs_by_table(kNetworkFields, wanted, seen);
}

std::vector<Change> diff_container(const Container& want, const Container& is, const std::string& id) {
    return diff_by_table(kContainerFields, "container", want, is, id);
}

std::vector<Change> diff_network(const Network& want, const Network& is, const std::string& id) {
    return diff_by_table(kNetworkFields, "network", want, is, id);
}

}  // namespace bottle
