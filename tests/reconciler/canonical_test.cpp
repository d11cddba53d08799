#include "reconciler/address.h"
#include "reconciler/row.h"
#include "reconciler/row_splice.h"
#include "reconciler/running_config.h"
#include "tests/support/model_world.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <charconv>
#include <functional>
#include <random>
#include <sstream>

using namespace bottle;
using nlohmann::json;

// One list has one text. Whatever else stands there is drift, however its readers would understand it.

namespace {

constexpr const char* kOurs = "10.231.0.2/32";
const std::string kOurList = R"(["10.231.0.2/32"])";

Machine machine() {
    Machine machine;
    machine.name = "bottle-docs";
    machine.rootfs = "/srv/rootfs";
    machine.cpus = 2;
    machine.memory_mib = 1024;
    machine.storage_gib = 20;
    machine.overlay_gib = 10;
    machine.allowed_cidr = kOurs;
    machine.labels = {{"dev.bottle.name", "docs"}};
    return machine;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

/// The row with `value` as its list, byte for byte.
std::string row_with(const std::string& value) {
    static const auto good = splice_allowlist(model::created_row(machine()), kOurs);
    return replaced(good, kOurList, value);
}

bool accepted(const std::string& value) {
    return compare_row(row_with(value), machine(), RowStage::Confined).empty();
}

// --- what smolvm itself would read, rebuilt for this test alone: its sources to 1.9.3 and its parsers, each more tolerant than ours ---

/// std's `trim`: every White_Space of Unicode, of which these are in use here.
std::string trimmed(std::string text) {
    const std::vector<std::string> spaces = {" ", "\t", "\n", "\r", "\v", "\f", "\u00A0", "\u2003", "\u3000"};
    for (bool again = true; again;) {
        again = false;
        for (const auto& space : spaces) {
            if (text.size() >= space.size() && text.compare(0, space.size(), space) == 0) text.erase(0, space.size()), again = true;
            if (text.size() >= space.size() && text.compare(text.size() - space.size(), space.size(), space) == 0) text.erase(text.size() - space.size()), again = true;
        }
    }
    return text;
}

/// Digits with leading zeros, one plus sign before them where `plus`: as std reads an integer.
std::optional<unsigned> lenient_number(std::string text, unsigned limit, bool plus) {
    if (plus && !text.empty() && text.front() == '+') text.erase(0, 1);
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size() || value > limit) return std::nullopt;
    return value;
}

std::optional<Address> lenient_address(const std::string& text) {
    std::istringstream parts(text + ".");
    Address address = 0;
    int count = 0;
    for (std::string part; std::getline(parts, part, '.'); ++count) {
        const auto number = lenient_number(part, 255, false);
        if (!number || part.size() > 3 || count == 4) return std::nullopt;
        address = address << 8 | *number;
    }
    return count == 4 ? std::optional(address) : std::nullopt;
}

/// Everything that a guest would reach by one reader or another.
struct Reached {
    std::vector<Subnet> subnets;
    bool everything = false;
    bool starts = true;    ///< no reader refuses the list
    bool resolver = false; ///< the host's resolver is added to the list, on all its ports

    /// More than our one address; by the resolver only in comparison with a list that is loopback's alone.
    bool is_wider() const {
        if (everything) return true;
        const auto ours = *parse_subnet(kOurs);
        return starts && std::any_of(subnets.begin(), subnets.end(), [&](const Subnet& s) { return !(s == ours); });
    }
};

void read_entry(const json& entry, Reached& reached) {
    if (!entry.is_string()) {
        reached.starts = false;
        return;
    }
    auto text = trimmed(entry.get<std::string>());
    constexpr std::string_view kMapped = "::ffff:";
    const bool mapped = text.rfind(kMapped, 0) == 0;
    if (mapped) text.erase(0, kMapped.size());
    const auto slash = text.find('/');
    const auto address = lenient_address(text.substr(0, slash));
    const auto prefix = slash == std::string::npos ? std::optional<unsigned>(mapped ? 128 : 32) : lenient_number(text.substr(slash + 1), mapped ? 128 : 32, true);
    if (!address || !prefix || (mapped && *prefix < 96)) {
        reached.starts = false;
        return;
    }
    const int four = static_cast<int>(mapped ? *prefix - 96 : *prefix);
    const auto mask = four == 0 ? 0 : ~std::uint32_t{0} << (32 - four);
    reached.subnets.push_back({*address & mask, four});
    const Subnet loopback{0x7F000000, 8};
    const bool plain = !mapped && loopback.contains(*address) && four >= 8;
    if (!plain) reached.resolver = true;
}

Reached smolvm_reads(const json& list) {
    Reached reached;
    if (list.is_null()) {
        reached.everything = true;
        return reached;
    }
    if (!list.is_array()) {
        reached.starts = false;
        return reached;
    }
    // The launcher of an embedded machine takes an empty list for none (1.9.3).
    if (list.empty()) reached.everything = true;
    for (const auto& entry : list) read_entry(entry, reached);
    return reached;
}

/// Texts that mean our address, or more, to somebody.
const std::vector<std::string> kEntries = {
    "10.231.0.2/32", "10.231.0.2", "10.231.0.2/032", "10.231.0.2/+32", "10.231.0.2/0032", "10.231.0.2/ 32", "10.231.0.2/32 ", " 10.231.0.2/32", "10.231.0.2/32\t",
    "\t10.231.0.2/32", "10.231.0.2/32\n", "10.231.0.2/32\r\n", "\u00A010.231.0.2/32", "10.231.0.2/32\u00A0", "\u200B10.231.0.2/32", "10.231.0.2\u200B/32",
    "10.231.0.2/32\u3000", "\uFEFF10.231.0.2/32", "::ffff:10.231.0.2/128", "::FFFF:10.231.0.2/128", "::ffff:10.231.0.2", "::ffff:0ae7:2/128", "[::ffff:10.231.0.2]/128",
    "[10.231.0.2]/32", "10.231.0.2%eth0/32", "fe80::1%eth0/128", "10.231.0.02/32", "010.231.0.2/32", "10.0231.0.2/32", "012.0347.0.2/32", "0x0a.0xe7.0.2/32",
    "0xAE70002/32", "182910978/32", "182910978", "10.231.2/32", "10.15138818/32", "10.231.0.2./32", ".10.231.0.2/32", "10.231..2/32", "10.231.0.2/32/32", "10.231.0.2//32",
    "10.231.0.2/", "/32", "10.231.0.2/-1", "10.231.0.2/33", "10.231.0.2/3２", "１０.２３１.０.２/３２", "١٠.٢٣١.٠.٢/٣٢", "1О.231.О.2/32", "10.231.0.2/32;0.0.0.0/0",
    "10.231.0.2/32,0.0.0.0/0", "10.231.0.2/32 0.0.0.0/0", "10.231.0.2-10.231.0.9", "10.231.0.2/255.255.255.255", "10.231.0.2:9099", "bottle-egress", "", " ", "*", "0",
    "10.231.0.2/31", "10.231.0.3/31", "10.231.0.0/29", "10.231.0.2/8", "10.231.0.2/0", "0.0.0.0/0", "::/0", "::ffff:0:0/96", "127.0.0.16/32", "127.0.0.16/8", "10.231.0.3/32",
    "10.231.0.10/32", "10.99.0.1/32"};

/// A list of up to four entries, each one of those or one more damaged.
json random_list(std::mt19937& random) {
    const auto any_text = [&] {
        auto text = kEntries[random() % 3 == 0 ? 0 : random() % kEntries.size()];
        const bool ascii = std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; });
        if (random() % 3 == 0 && !text.empty() && ascii) text.insert(random() % text.size(), 1, " 0+./\t1"[random() % 7]);
        return text;
    };
    json list = json::array();
    for (auto n = random() % 5; n > 0; --n) {
        switch (random() % 12) {
            case 0: list.push_back(json::array({any_text()})); break;
            case 1: list.push_back(random() % 256); break;
            case 2: list.push_back(nullptr); break;
            case 3: list.push_back({{any_text(), any_text()}}); break;
            default: list.push_back(any_text());
        }
    }
    return list;
}

}  // namespace

TEST_CASE("canonical: exactly one text of the list is accepted") {
    CHECK(accepted(kOurList));
    // The same list to every JSON reader, and written by nobody whom we know.
    for (const auto* value : {R"([ "10.231.0.2/32"])", R"(["10.231.0.2/32" ])", "[\n\"10.231.0.2/32\"]", R"(["10.231.0.2\/32"])", R"(["\u00310.231.0.2/32"])",
                              R"(["10\u002e231.0.2/32"])"}) {
        INFO(value);
        const auto problems = compare_row(row_with(value), machine(), RowStage::Confined);
        REQUIRE(problems.size() == 1);
        CHECK(problems.front().fix == RowFix::SetAllowlist);
        // And the writer makes the one text of it.
        CHECK(compare_row(splice_allowlist(row_with(value), kOurs), machine(), RowStage::Confined).empty());
    }
}

TEST_CASE("canonical: no entry but ours is accepted, alone, beside ours, twice, or nested") {
    for (const auto& entry : kEntries) {
        INFO(entry);
        CHECK(accepted(json::array({entry}).dump()) == (entry == kOurs));
        CHECK_FALSE(accepted(json::array({kOurs, entry}).dump()));
        CHECK_FALSE(accepted(json::array({entry, kOurs}).dump()));
        CHECK_FALSE(accepted(json::array({json::array({entry})}).dump()));
        CHECK_FALSE(accepted(json(entry).dump()));
        CHECK_FALSE(accepted(json({{entry, entry}}).dump()));
    }
    for (const auto* value : {"null", "[]", "[[]]", "{}", "0", "1", "true", "false", "\"\"", "[null]", "[0]", "[182910978]", "[10.231]", "[true]", "[{}]"}) {
        INFO(value);
        CHECK_FALSE(accepted(value));
    }
}

TEST_CASE("canonical: a list of ten thousand is refused, and shown in few words") {
    json list = json::array();
    for (int i = 0; i < 10'000; ++i) list.push_back(kOurs);
    CHECK_FALSE(accepted(list.dump()));
    for (const auto& problem : compare_row(row_with(list.dump()), machine(), RowStage::Confined)) CHECK(problem.text.size() < 300);
    CHECK(read_allowlist_text(row_with(list.dump())) == "another list");
}

TEST_CASE("canonical: of random lists the one good text is accepted and every other refused, above all those that smolvm reads as wider") {
    std::mt19937 random(11);
    int good = 0;
    int wider = 0;
    int like_ours = 0;
    for (int i = 0; i < 20'000; ++i) {
        const auto list = random_list(random);
        const auto value = list.dump();
        const bool is_good = value == kOurList;
        const auto reached = smolvm_reads(list);
        INFO(value);
        REQUIRE(accepted(value) == is_good);
        if (reached.is_wider()) REQUIRE_FALSE(is_good);
        good += is_good ? 1 : 0;
        wider += reached.is_wider() ? 1 : 0;
        like_ours += !is_good && reached.starts && !reached.is_wider() ? 1 : 0;
    }
    // The oracle has to have something to say.
    CHECK(good > 100);
    CHECK(wider > 1000);
    CHECK(like_ours > 100);
}

TEST_CASE("canonical: what smolvm reads as wider is known for what it is, and refused") {
    struct Known {
        const char* list;
        bool wider;
        bool resolver;
    };
    // Read as more than one address, or as one with the host's resolver beside it, by at least one of its readers.
    const Known known[] = {{"null", true, false}, {"[]", true, false}, {R"(["0.0.0.0/0"])", true, true}, {R"(["10.231.0.2/8"])", true, true},
                           {R"(["10.231.0.2/32","10.99.0.1/32"])", true, true}, {R"([" 0.0.0.0/0 "])", true, true}, {R"(["127.0.0.16/8"])", true, false},
                           {R"(["10.231.0.2/032"])", false, true}, {R"(["10.231.0.2/+32"])", false, true}, {R"(["::ffff:10.231.0.2/128"])", false, true},
                           {R"(["::ffff:0.0.0.0/96"])", true, true}};
    for (const auto& one : known) {
        INFO(one.list);
        const auto reached = smolvm_reads(json::parse(one.list));
        CHECK(reached.is_wider() == one.wider);
        CHECK(reached.resolver == one.resolver);
        CHECK_FALSE(accepted(one.list));
    }
}

TEST_CASE("canonical: what is shown of a list hides nothing") {
    CHECK(read_allowlist_text(row_with(kOurList)) == "10.231.0.2/32");
    CHECK(read_allowlist_text(row_with(R"(["10.231.0.2/32 "])")) == R"("10.231.0.2/32 ")");
    CHECK(read_allowlist_text(row_with(R"(["10.231.0.2/032","0.0.0.0/0"])")) == R"("10.231.0.2/032", 0.0.0.0/0)");
    CHECK(read_allowlist_text(row_with("[\"10.231.0.2/32\u00A0\"]")) != "10.231.0.2/32");
    CHECK(read_allowlist_text(row_with("[[\"10.231.0.2/32\"]]")) == R"(["10.231.0.2/32"])");
}

TEST_CASE("canonical: the running configuration has the one list, too") {
    const std::string good = R"({"version":1,"mounts":[],"ports":[],"resources":{"cpus":2,"memory_mib":1024,"network":true,"gpu":false,"gpu_vram_mib":null,"cuda":false,)"
                             R"("nested_virt":false,"rosetta":false,"storage_gib":20,"overlay_gib":10,"block_io":"sync","disk_durability":"full","allowed_cidrs":["10.231.0.2/32"],)"
                             R"("dns":null,"dns_options":[],"shm_size":null},"forkable":false})";
    REQUIRE(compare_running_config(good, machine(), measured_builds().back()).empty());
    for (const auto& entry : kEntries) {
        INFO(entry);
        CHECK(compare_running_config(replaced(good, kOurList, json::array({entry}).dump()), machine(), measured_builds().back()).empty() == (entry == kOurs));
        CHECK_FALSE(compare_running_config(replaced(good, kOurList, json::array({kOurs, entry}).dump()), machine(), measured_builds().back()).empty());
    }
}

TEST_CASE("canonical: a text is an address only if it is the one that the address is written as") {
    // Another way to the same answer: cut at the dots, count, write each number again.
    const auto is_address = [](const std::string& text) {
        std::vector<std::string> parts(1);
        for (const char c : text) {
            if (c == '.') parts.emplace_back();
            else parts.back() += c;
        }
        return parts.size() == 4 && std::all_of(parts.begin(), parts.end(), [](const std::string& part) {
                   const bool digits = !part.empty() && part.size() <= 3 && part.find_first_not_of("0123456789") == std::string::npos;
                   return digits && std::stoi(part) <= 255 && std::to_string(std::stoi(part)) == part;
               });
    };
    std::mt19937 random(5);
    int addresses = 0;
    for (int i = 0; i < 50'000; ++i) {
        auto text = format_address(static_cast<Address>(random()));
        for (auto n = random() % 3; n > 0 && !text.empty(); --n) {
            const auto at = random() % text.size();
            if (random() % 2 == 0) text.erase(at, 1);
            else text.insert(at, 1, "0123456789.+- /x\t"[random() % 17]);
        }
        INFO(text);
        const auto parsed = parse_address(text);
        REQUIRE(parsed.has_value() == is_address(text));
        if (parsed) REQUIRE(format_address(*parsed) == text);
        addresses += parsed ? 1 : 0;
        for (const auto& prefix : {"/32", "/24", "/032", "/+32", "/33", "/", "/32 "}) {
            const auto subnet = parse_subnet(text + prefix);
            if (subnet) REQUIRE(format_subnet(*subnet) == text + prefix);
            REQUIRE(is_one_address(text + prefix) == (is_address(text) && std::string(prefix) == "/32"));
        }
    }
    CHECK(addresses > 10'000);
}
