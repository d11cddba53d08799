#include "controllers/guest/probe_text.h"

#include "manifests/error.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace bottle {
namespace {

using Kind = ProbeTarget::Kind;
using Guest = ProbeResult::Guest;

constexpr std::size_t kMaxDetail = 256;

const char* word_of(Kind kind) {
    switch (kind) {
        case Kind::BundlePort:
            return "bundle";
        case Kind::Tcp:
        case Kind::Tcp6:
            return "tcp";
        case Kind::Udp:
        case Kind::Udp6:
            return "udp";
        case Kind::DnsUdp:
            return "dns-udp";
        case Kind::DnsTcp:
            return "dns-tcp";
        case Kind::Icmp:
            return "icmp";
        case Kind::Listener:
            return "listen";
    }
    return "tcp";
}

std::optional<Guest> outcome_of(std::string_view word) {
    static constexpr std::array<std::pair<std::string_view, Guest>, 12> kWords{{{"connected", Guest::Connected},
                                                                                {"data", Guest::Data},
                                                                                {"held", Guest::Held},
                                                                                {"reset", Guest::Reset},
                                                                                {"refused", Guest::Refused},
                                                                                {"unreachable", Guest::Unreachable},
                                                                                {"denied", Guest::Denied},
                                                                                {"timed-out", Guest::TimedOut},
                                                                                {"nxdomain", Guest::Nxdomain},
                                                                                {"answered", Guest::Answered},
                                                                                {"listening", Guest::Listening},
                                                                                {"other", Guest::Other}}};
    auto found = std::find_if(kWords.begin(), kWords.end(), [&](const auto& entry) { return entry.first == word; });
    if (found == kWords.end()) return std::nullopt;
    return found->second;
}

std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> words;
    while (words.size() < 6) {
        std::size_t space = line.find(' ');
        words.push_back(line.substr(0, space));
        if (space == std::string_view::npos) break;
        line.remove_prefix(space + 1);
    }
    return words;
}

std::optional<std::size_t> index_of(std::string_view id, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        if (id == fmt::format("t{}", i)) return i;
    }
    return std::nullopt;
}

bool is_plain(std::string_view word) {
    auto plain = [](char c) { return c > ' ' && c < 0x7f; };
    return !word.empty() && word.size() <= kMaxDetail && std::all_of(word.begin(), word.end(), plain);
}

std::string read_line(std::string_view line, const std::string& nonce, std::vector<ProbeResult>& results, bool& ended) {
    std::vector<std::string_view> words = words_of(line);
    if (words.front() != nonce) return "a line without this run's nonce";
    if (words.size() == 3 && words[1] == "end") {
        ended = true;
        return words[2] == std::to_string(results.size()) ? "" : "the wrong number of targets";
    }
    if (words.size() != 5) return "a line that is not of five words";
    std::optional<std::size_t> index = index_of(words[1], results.size());
    std::optional<Guest> outcome = outcome_of(words[2]);
    if (!index || !outcome || !is_plain(words[3]) || !is_plain(words[4])) return "a line with unknown words";
    ProbeResult& result = results[*index];
    if (result.guest != Guest::NotRun) return fmt::format("target t{} twice", *index);
    result.guest = *outcome;
    if (words[3] != "-") result.guest_detail = words[3];
    if (words[4] != "-") result.guest_detail += (result.guest_detail.empty() ? "" : " ") + std::string(words[4]);
    return {};
}

}  // namespace

std::string probe_request(const std::string& nonce, const std::vector<ProbeTarget>& targets) {
    std::string text = fmt::format("nonce {}\n", nonce);
    for (std::size_t i = 0; i < targets.size(); ++i) {
        const ProbeTarget& target = targets[i];
        text += fmt::format("target t{} {} {} {} {}\n", i, word_of(target.kind), target.address, target.port,
                            target.name.empty() ? "-" : target.name);
    }
    return text + "end\n";
}

std::string read_probe_answer(const std::string& nonce, const std::string& text, std::vector<ProbeResult>& results) {
    std::string_view rest = text;
    bool ended = false;
    while (!rest.empty()) {
        std::size_t newline = rest.find('\n');
        if (newline == std::string_view::npos) return "the probe's answer ends within a line";
        if (ended) return "the probe's answer goes on after its end";
        std::string wrong = read_line(rest.substr(0, newline), nonce, results, ended);
        if (!wrong.empty()) {
            return fmt::format("the probe's answer has {}: \"{}\"", wrong,
                               printable(std::string(rest.substr(0, std::min<std::size_t>(newline, 120)))));
        }
        rest.remove_prefix(newline + 1);
    }
    if (!ended) return "the probe's answer is incomplete";
    for (const ProbeResult& result : results) {
        if (result.guest == Guest::NotRun) return "the probe left out " + result.target.what;
    }
    return {};
}

}  // namespace bottle
