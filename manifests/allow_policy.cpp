#include "manifests/allow_policy.h"

#include "manifests/quantity.h"
#include "manifests/yaml_document.h"

#include <cmath>

namespace bottle {
namespace {

using nlohmann::json;

class Decoder {
public:
    Decoder(const YamlDocument& document, const SourceText& source, std::vector<Problem>& problems) : document_(document), source_(source), problems_(problems) {}

    AllowPolicy allow() {
        AllowPolicy allow;
        allow.images = texts("/allow/images");
        if (const auto* only = find("/allow/digestsOnly"); only != nullptr && *only == true) allow.digests_only = document_.place_of("/allow/digestsOnly");
        allow.rootfs = texts("/allow/rootfs");
        allow.volumes = texts("/allow/volumes");
        allow.capabilities = texts("/allow/capabilities");
        allow.machine = {number("/allow/machine/cpus"), bytes("/allow/machine/memory"), bytes("/allow/machine/disk/storage"), bytes("/allow/machine/disk/overlay")};
        allow.containers = {nano("/allow/containers/cpus"), bytes("/allow/containers/memory"), number("/allow/containers/pids")};
        return allow;
    }

private:
    const json* find(const std::string& pointer) const {
        const json::json_pointer at(pointer);
        return document_.json.contains(at) ? &document_.json.at(at) : nullptr;
    }

    Limit<std::vector<std::string>> texts(const std::string& pointer) const {
        const auto* list = find(pointer);
        if (list == nullptr) return std::nullopt;
        return Stated<std::vector<std::string>>{list->get<std::vector<std::string>>(), document_.place_of(pointer)};
    }

    Limit<std::int64_t> number(const std::string& pointer) const {
        const auto* value = find(pointer);
        if (value == nullptr) return std::nullopt;
        return Stated<std::int64_t>{value->get<std::int64_t>(), document_.place_of(pointer)};
    }

    Limit<std::int64_t> nano(const std::string& pointer) const {
        const auto* value = find(pointer);
        if (value == nullptr) return std::nullopt;
        return Stated<std::int64_t>{std::llround(value->get<double>() * 1e9), document_.place_of(pointer)};
    }

    Limit<std::int64_t> bytes(const std::string& pointer) {
        const auto* value = find(pointer);
        if (value == nullptr) return std::nullopt;
        const auto read = read_quantity(value->get<std::string>());
        if (!read.problem.empty()) problems_.push_back(source_.problem(document_.place_of(pointer), read.problem, read.hint));
        return Stated<std::int64_t>{read.bytes, document_.place_of(pointer)};
    }

    const YamlDocument& document_;
    const SourceText& source_;
    std::vector<Problem>& problems_;
};

}  // namespace

AllowPolicy decode_allow(const YamlDocument& document, const SourceText& source, std::vector<Problem>& problems) {
    return Decoder(document, source, problems).allow();
}

}  // namespace bottle
