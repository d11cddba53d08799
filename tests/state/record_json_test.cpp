#include "controllers/state/record_json.h"

#include "tests/state/raised.h"

#include <catch2/catch.hpp>

#include <cstdint>

using namespace bottle;

namespace {

StartRecord some_start() {
    return {"boot", 4711, UINT64_MAX, "digest", {{"/lib/libkrun.so", 1, UINT64_MAX, 3, INT64_MIN, 5}}};
}

GuestProof some_proof() {
    GuestProof proof;
    proof.key = {"boot", 4711, 99, "row", "infra", "2026-01-01T00:00:00Z", {"net1", "net2"}, {"egress proxy 9099"}, "binaries", ""};
    for (const auto kind : {EvidenceKind::Row, EvidenceKind::Process, EvidenceKind::Config, EvidenceKind::Bundle, EvidenceKind::Guest, EvidenceKind::Firewall}) {
        for (const auto verdict : {Verdict::Holds, Verdict::Fails, Verdict::Unknown}) proof.evidence.push_back({kind, verdict, "\"seen\" ü\n", "d"});
    }
    proof.taken_at = "2026-01-01T00:00:01Z";
    proof.raw = "{\"probes\":[]}";
    return proof;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("a record comes back as it was") {
    CHECK(start_from_record(to_record(some_start())) == some_start());
    CHECK(proof_from_record(to_record(some_proof())) == some_proof());
    CHECK(start_from_record(to_record(StartRecord{})) == StartRecord{});
    const std::vector<SecretGrant> grants = {{"api-token", "api.example.com", "API_TOKEN"}, {"b", "", "B"}};
    CHECK(grants_from_record(to_record(grants)) == grants);
    CHECK(grants_from_record(to_record(std::vector<SecretGrant>{})).empty());
    CHECK(proof_from_record(to_record(GuestProof{})) == GuestProof{});
}

TEST_CASE("a proof's record has the mounted socket where there is one, and is else what bottle wrote before it knew any") {
    auto proof = some_proof();
    proof.evidence.clear();
    const std::string before = R"({"evidence":[],"key":{"binaries_digest":"binaries","boot_id":"boot","infra_id":"infra","infra_started_at":"2026-01-01T00:00:00Z",)"
                               R"("network_ids":["net1","net2"],"pid":4711,"ports":["egress proxy 9099"],"row_digest":"row","start_time":99},)"
                               R"("raw":"{\"probes\":[]}","taken_at":"2026-01-01T00:00:01Z"})";
    CHECK(to_record(proof) == before);
    CHECK(proof_from_record(before) == proof);
    proof.key.socket = "22:7:5";
    const auto record = to_record(proof);
    CHECK(record.find(R"("socket":"22:7:5")") != std::string::npos);
    CHECK(proof_from_record(record) == proof);
    CHECK(raised([&] { proof_from_record(replaced(record, "\"22:7:5\"", "\"\"")); }).rfind("1: ", 0) == 0);
    CHECK(raised([&] { proof_from_record(replaced(record, "\"22:7:5\"", "7")); }).rfind("1: ", 0) == 0);
}

TEST_CASE("broken UTF-8 from a guest does not keep a record from being written") {
    auto proof = some_proof();
    proof.evidence.front().reading = "\xff\xfe";
    CHECK(proof_from_record(to_record(proof)).evidence.front().reading == "\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST_CASE("a record that bottle did not write is an error, never a guess") {
    const auto proof = to_record(some_proof());
    for (const std::string& text : {
             std::string(), std::string("null"), std::string("[]"), std::string("{}"), std::string("\xff"), std::string(100'000, '['), proof.substr(0, proof.size() / 2),
             replaced(proof, "\"holds\"", "\"Holds\""), replaced(proof, "\"holds\"", "0"), replaced(proof, "\"fails\"", "\"\""), replaced(proof, "\"guest\"", "\"host\""),
             replaced(proof, "4711", "4711.5"), replaced(proof, "4711", "\"4711\""), replaced(proof, ":99", ":-1"), replaced(proof, ":99", ":1e30"), replaced(proof, ":99", ":099"),
             replaced(proof, ":99", ":99,\"start_time\":98"),
             replaced(proof, "\"raw\"", "\"more\""), replaced(proof, "{", "{\"more\":1,"), replaced(proof, "[\"net1\",\"net2\"]", "null"),
         }) {
        INFO(text.substr(0, 300));
        CHECK(raised([&] { proof_from_record(text); }).rfind("1: ", 0) == 0);
    }
    const auto start = to_record(some_start());
    for (std::size_t length = 0; length < start.size(); ++length) CHECK(raised([&] { start_from_record(start.substr(0, length)); }).rfind("1: ", 0) == 0);
}
