#include "reconciler/host_limits.h"

#include "manifests/pattern.h"
#include "manifests/quantity.h"
#include "reconciler/address.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace bottle {
namespace {

constexpr std::int64_t kMebi = 1LL << 20;
constexpr std::int64_t kGibi = 1024 * kMebi;
constexpr const char* kDigest = "sha256:";

bool is_hex(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_digest(std::string_view text) {
    constexpr std::size_t kDigits = 64;
    const std::string_view prefix = kDigest;
    return text.substr(0, prefix.size()) == prefix && text.size() == prefix.size() + kDigits && is_hex(text.substr(prefix.size()));
}

/// The name without tag and digest; empty for an image that is named by its id. Docker takes a word of hexadecimal digits for the beginning of an id
/// where no repository is called so.
std::string repository_of(const std::string& image) {
    if (image.rfind(kDigest, 0) == 0 || is_hex(image)) return {};
    auto name = image.substr(0, image.find('@'));
    const auto slash = name.rfind('/');
    const auto colon = name.rfind(':');
    if (colon != std::string::npos && (slash == std::string::npos || colon > slash)) name.erase(colon);
    return name;
}

bool any_matches(const std::vector<std::string>& patterns, const std::string& text) {
    return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) { return matches(pattern, text); });
}

std::string cpus_text(std::int64_t nano) {
    return fmt::format("{:g}", static_cast<double>(nano) / 1e9);
}

std::string number_text(std::int64_t number) {
    return std::to_string(number);
}

class Check {
public:
    Check(const Manifest& manifest, const AllowPolicy& allow) : manifest_(manifest), allow_(allow) {}

    std::vector<Problem> run() {
        machine();
        for (std::size_t i = 0; i < manifest_.bundle.containers.size(); ++i) container(manifest_.bundle.containers[i], fmt::format("/spec/bundle/containers/{}", i));
        return std::move(problems_);
    }

private:
    void add(const Place& place, std::string text, std::string hint) { problems_.push_back({place, std::move(text), std::move(hint), ""}); }

    void machine() {
        const auto& spec = manifest_.machine;
        const auto& path = !spec.archive.empty() ? spec.archive : !spec.pack.empty() ? spec.pack : spec.rootfs;
        if (!spec.docker.empty()) {
            image(spec.docker, spec.image_place);
        } else if (allow_.rootfs && !is_beneath(path, allow_.rootfs->value)) {
            add(spec.image_place, fmt::format("the root file system {} lies in no folder that this host allows ({})", printable(path), to_string(allow_.rootfs->place)),
                allowed("allow.rootfs", *allow_.rootfs));
        }
        const std::string at = "/spec/machine";
        most(at + "/cpus", "cpus", spec.cpus, allow_.machine.cpus, number_text);
        most(at + "/memory", "memory", spec.memory_mib * kMebi, allow_.machine.memory, quantity_text);
        most(at + "/disk/storage", "storage", spec.storage_gib * kGibi, allow_.machine.storage, quantity_text);
        most(at + "/disk/overlay", "overlay", spec.overlay_gib * kGibi, allow_.machine.overlay, quantity_text);
    }

    void container(const ContainerSpec& spec, const std::string& at) {
        image(spec.image, spec.image_place);
        most(at + "/limits/memory", "memory", spec.limits.memory_bytes, allow_.containers.memory, quantity_text);
        most(at + "/limits/cpus", "cpus", spec.limits.nano_cpus, allow_.containers.nano_cpus, cpus_text);
        most(at + "/limits/pids", "pids", spec.limits.pids, allow_.containers.pids, number_text);
        for (std::size_t i = 0; i < spec.volumes.size(); ++i) named(fmt::format("{}/volumes/{}/name", at, i), "volume", spec.volumes[i].name, "allow.volumes", allow_.volumes);
        for (std::size_t i = 0; i < spec.capabilities.size(); ++i) named(fmt::format("{}/capabilities/{}", at, i), "capability", spec.capabilities[i], "allow.capabilities", allow_.capabilities);
    }

    void image(const std::string& reference, const Place& place) {
        if (allow_.images && !any_matches(allow_.images->value, repository_of(reference))) {
            const auto what = repository_of(reference).empty() ? "is named by its id, which says no repository, and this host allows only some" : "is of no repository that this host allows";
            add(place, fmt::format("image {} {} ({})", printable(reference), what, to_string(allow_.images->place)), allowed("allow.images", *allow_.images));
        }
        const auto at = reference.find('@');
        const bool pinned = is_digest(at == std::string::npos ? reference : reference.substr(at + 1));
        if (allow_.digests_only && !pinned) {
            add(place, fmt::format("image {} may become another one under that name, and this host allows only digests ({})", printable(reference), to_string(*allow_.digests_only)),
                fmt::format("docker image inspect -f '{{{{.Id}}}} {{{{.RepoDigests}}}}' {}   shows what to write", printable(reference)));
        }
    }

    void named(const std::string& pointer, const char* what, const std::string& name, const char* key, const Limit<std::vector<std::string>>& limit) {
        if (!limit || any_matches(limit->value, name)) return;
        add(place_in(manifest_, pointer), fmt::format("{} {} is none that this host allows ({})", what, printable(name), to_string(limit->place)), allowed(key, *limit));
    }

    template <class Text>
    void most(const std::string& pointer, const char* what, std::int64_t asked, const Limit<std::int64_t>& limit, Text text) {
        if (!limit || asked <= limit->value) return;
        const auto* left_out = manifest_.places.count(pointer) == 0 ? "the default of " : "";
        add(place_in(manifest_, pointer), fmt::format("{}{} {} is more than this host allows: {} ({})", left_out, what, text(asked), text(limit->value), to_string(limit->place)),
            fmt::format("write {}: {}", what, text(limit->value)));
    }

    static bool is_beneath(const std::string& path, const std::vector<std::string>& folders) {
        return std::any_of(folders.begin(), folders.end(), [&](const std::string& folder) { return path == folder || path.rfind(folder + "/", 0) == 0; });
    }

    static std::string allowed(const char* key, const Stated<std::vector<std::string>>& list) {
        const auto what = list.value.empty() ? std::string("none") : fmt::format("{}", fmt::join(list.value, ", "));
        return fmt::format("allowed: {}; the host's owner can add to {} in {}", what, key, list.place.file);
    }

    const Manifest& manifest_;
    const AllowPolicy& allow_;
    std::vector<Problem> problems_;
};

/// RFC 1918, and RFC 6598's range for what stands behind a carrier.
bool is_private(const Subnet& subnet) {
    const auto inside = [&](const char* text) {
        const auto range = *parse_subnet(text);
        return subnet.prefix >= range.prefix && range.contains(subnet.base);
    };
    return inside("10.0.0.0/8") || inside("172.16.0.0/12") || inside("192.168.0.0/16") || inside("100.64.0.0/10");
}

std::optional<Subnet> checked_pool(const std::string& text, const Place& place, std::vector<Problem>& problems) {
    const auto pool = parse_subnet(text);
    std::string problem;
    if (!pool) problem = fmt::format("{} is no subnet in plain form", printable(text));
    else if (pool->prefix > kSubnetPrefix) problem = fmt::format("{} has no room for a network, which is a /{}", text, kSubnetPrefix);
    else if (!is_private(*pool)) problem = fmt::format("{} is no private subnet: its addresses are somebody else's", text);
    if (problem.empty()) return pool;
    problems.push_back({place, std::move(problem), "for example 10.231.0.0/16", ""});
    return std::nullopt;
}

}  // namespace

std::vector<Problem> beyond_limits(const Manifest& manifest, const HostPolicy& policy) {
    return Check(manifest, policy.allow).run();
}

std::vector<Problem> pool_problems(const PoolsPolicy& pools) {
    std::vector<Problem> problems;
    const auto internal = checked_pool(pools.internal, pools.internal_place, problems);
    const auto external = checked_pool(pools.external, pools.external_place, problems);
    if (internal && external && overlap(*internal, *external)) {
        problems.push_back({pools.external_place, fmt::format("{} overlaps the other pool, {}", pools.external, pools.internal), "for example 10.231.0.0/16 and 10.232.0.0/16", ""});
    }
    return problems;
}

Pools pools_of(const HostPolicy& policy) {
    Pools pools;
    pools.internal = policy.pools.internal;
    pools.external = policy.pools.external;
    return pools;
}

}  // namespace bottle
