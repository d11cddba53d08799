#include "controllers/state/record_json.h"

#include "manifests/error.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <utility>

namespace bottle {
namespace {

template <class Enum, std::size_t N>
using Words = std::array<std::pair<Enum, const char*>, N>;

constexpr Words<EvidenceKind, 6> kKinds = {{{EvidenceKind::Row, "row"},
                                            {EvidenceKind::Process, "process"},
                                            {EvidenceKind::Config, "config"},
                                            {EvidenceKind::Bundle, "bundle"},
                                            {EvidenceKind::Guest, "guest"},
                                            {EvidenceKind::Firewall, "firewall"}}};
constexpr Words<Verdict, 3> kVerdicts = {{{Verdict::Holds, "holds"}, {Verdict::Fails, "fails"}, {Verdict::Unknown, "unknown"}}};

template <class Enum, std::size_t N>
const char* word_of(const Words<Enum, N>& words, Enum value) {
    for (const auto& [each, word] : words) {
        if (each == value) return word;
    }
    return "?";
}

/// A word that is none of ours must not become one of our values: the nearest would be "holds".
template <class Enum, std::size_t N>
Enum value_of(const Words<Enum, N>& words, const nlohmann::json& json) {
    const auto text = json.get<std::string>();
    for (const auto& [each, word] : words) {
        if (text == word) return each;
    }
    throw Error(Exit::Failed, fmt::format("\"{}\" is no word of a record", printable(text)));
}

}  // namespace

// nlohmann finds these by argument-dependent lookup, so they stand in our own namespace.
static void to_json(nlohmann::json& json, EvidenceKind kind) {
    json = word_of(kKinds, kind);
}
static void from_json(const nlohmann::json& json, EvidenceKind& kind) {
    kind = value_of(kKinds, json);
}
static void to_json(nlohmann::json& json, Verdict verdict) {
    json = word_of(kVerdicts, verdict);
}
static void from_json(const nlohmann::json& json, Verdict& verdict) {
    verdict = value_of(kVerdicts, json);
}

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(FileIdentity, path, device, inode, size, mtime_ns, ctime_ns)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(StartRecord, boot_id, pid, start_time, row_digest, binaries, firewalled)

/// Every key but `socket`, which stands only where there is one: a record without it is as it was before there were mounted sockets.
static void to_json(nlohmann::json& json, const ProofKey& key) {
    json = {{"boot_id", key.boot_id},     {"pid", key.pid},
            {"start_time", key.start_time}, {"row_digest", key.row_digest},
            {"infra_id", key.infra_id},   {"infra_started_at", key.infra_started_at},
            {"network_ids", key.network_ids}, {"ports", key.ports},
            {"binaries_digest", key.binaries_digest}};
    if (!key.socket.empty()) json["socket"] = key.socket;
}
static void from_json(const nlohmann::json& json, ProofKey& key) {
    json.at("boot_id").get_to(key.boot_id);
    json.at("pid").get_to(key.pid);
    json.at("start_time").get_to(key.start_time);
    json.at("row_digest").get_to(key.row_digest);
    json.at("infra_id").get_to(key.infra_id);
    json.at("infra_started_at").get_to(key.infra_started_at);
    json.at("network_ids").get_to(key.network_ids);
    json.at("ports").get_to(key.ports);
    json.at("binaries_digest").get_to(key.binaries_digest);
    key.socket = json.value("socket", "");
}

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Evidence, kind, verdict, reading, digest)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(GuestProof, key, evidence, taken_at, raw)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SecretGrant, name, host, variable)

namespace {

/// Guest and log text may hold broken UTF-8, which JSON cannot: it is replaced.
std::string dump(const nlohmann::json& document) {
    return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// We write whole numbers only; nlohmann would quietly bend another.
bool no_fractions(int, nlohmann::json::parse_event_t event, nlohmann::json& value) {
    if (event == nlohmann::json::parse_event_t::value && value.is_number_float()) throw Error(Exit::Failed, "a record holds a number that bottle never writes");
    return true;
}

/// A number of another sign, a key twice, a key too many: none comes out the same when it is written again.
template <class Record>
Record parse(const std::string& text) {
    try {
        auto record = nlohmann::json::parse(text, no_fractions).get<Record>();
        if (dump(record) != text) throw Error(Exit::Failed, "a record says more, or something else, than bottle wrote");
        return record;
    } catch (const nlohmann::json::exception& error) {
        throw Error(Exit::Failed, fmt::format("a record cannot be read: {}", printable(error.what())));
    }
}

}  // namespace

std::string to_record(const StartRecord& start) {
    return dump(start);
}
StartRecord start_from_record(const std::string& text) {
    return parse<StartRecord>(text);
}
std::string to_record(const GuestProof& proof) {
    return dump(proof);
}
GuestProof proof_from_record(const std::string& text) {
    return parse<GuestProof>(text);
}
std::string to_record(const std::vector<SecretGrant>& grants) {
    return dump(grants);
}
std::vector<SecretGrant> grants_from_record(const std::string& text) {
    return parse<std::vector<SecretGrant>>(text);
}
std::string to_record(const std::map<std::string, std::string>& copied) {
    return dump(copied);
}
std::map<std::string, std::string> copied_from_record(const std::string& text) {
    return parse<std::map<std::string, std::string>>(text);
}
std::string to_record(Unproved unproved) {
    return unproved == Unproved::Created ? "created" : "started";
}
Unproved unproved_from_record(const std::string& text) {
    for (const auto unproved : {Unproved::Created, Unproved::Started}) {
        if (to_record(unproved) == text) return unproved;
    }
    throw Error(Exit::Failed, "a record says how far a machine has come in words that bottle never writes");
}

}  // namespace bottle
