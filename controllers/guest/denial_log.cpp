#include "controllers/guest/denial_log.h"

#include "controllers/guest/guest_files.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>

namespace bottle {
namespace {

constexpr std::int64_t kMaxNew = 8 << 20;  ///< smolvm rotates the log at this size

std::string log_path(const std::string& vm_folder) {
    return vm_folder + "/egress-denials.log";
}

/// The address in one canonical spelling, IPv4-mapped as IPv4; empty if it is none.
std::string canonical(const std::string& text) {
    char written[INET6_ADDRSTRLEN] = {};
    in_addr four = {};
    if (inet_pton(AF_INET, text.c_str(), &four) == 1) return inet_ntop(AF_INET, &four, written, sizeof written);
    in6_addr six = {};
    if (inet_pton(AF_INET6, text.c_str(), &six) != 1) return {};
    if (IN6_IS_ADDR_V4MAPPED(&six)) return inet_ntop(AF_INET, &six.s6_addr[12], written, sizeof written);
    return inet_ntop(AF_INET6, &six, written, sizeof written);
}

std::string canonical_name(std::string_view name) {
    std::string lower(name);
    for (char& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    }
    if (!lower.empty() && lower.back() == '.') lower.pop_back();
    return lower;
}

bool is_name(std::string_view text) {
    auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.';
    };
    return !text.empty() && text.size() <= 255 && std::all_of(text.begin(), text.end(), plain);
}

bool skip(std::string_view& text, std::string_view prefix) {
    if (text.substr(0, prefix.size()) != prefix) return false;
    text.remove_prefix(prefix.size());
    return true;
}

bool parse_endpoint(std::string_view text, Denial& denial) {
    std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || text.size() > 80) return false;
    std::string_view port = text.substr(colon + 1);
    std::string address(text.substr(0, colon));
    if (address.size() > 2 && address.front() == '[' && address.back() == ']')
        address = address.substr(1, address.size() - 2);
    auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), denial.port);
    if (error != std::errc() || end != port.data() + port.size() || denial.port < 0 || denial.port > 65535)
        return false;
    denial.address = canonical(address);
    return !denial.address.empty();
}

std::optional<Denial> parse_line(std::string_view line) {
    std::size_t stamp = line.find("]: ");
    if (line.empty() || line.front() != '[' || stamp == std::string_view::npos || stamp > 40) return std::nullopt;
    line.remove_prefix(stamp + 3);
    if (!skip(line, "egress policy denied ")) return std::nullopt;
    Denial denial;
    if (skip(line, "resolve ")) {
        denial.operation = Denial::Operation::Resolve;
        skip(line, "to ");
        if (!is_name(line)) return std::nullopt;
        denial.name = canonical_name(line);
        return denial;
    }
    if (skip(line, "icmp ")) {
        denial.operation = Denial::Operation::Echo;
        denial.address = line.size() > 80 ? "" : canonical(std::string(line));
        if (denial.address.empty()) return std::nullopt;
        return denial;
    }
    if (skip(line, "connect "))
        denial.operation = Denial::Operation::Connect;
    else if (skip(line, "sendto "))
        denial.operation = Denial::Operation::Send;
    else
        return std::nullopt;
    skip(line, "to ");
    if (!parse_endpoint(line, denial)) return std::nullopt;
    return denial;
}

Denial::Operation operation_of(ProbeTarget::Kind kind) {
    switch (kind) {
        case ProbeTarget::Kind::BundlePort:
        case ProbeTarget::Kind::Tcp:
        case ProbeTarget::Kind::Tcp6:
        case ProbeTarget::Kind::Listener:
            return Denial::Operation::Connect;
        case ProbeTarget::Kind::Udp:
        case ProbeTarget::Kind::Udp6:
            return Denial::Operation::Send;
        case ProbeTarget::Kind::DnsUdp:
        case ProbeTarget::Kind::DnsTcp:
            return Denial::Operation::Resolve;
        case ProbeTarget::Kind::Icmp:
            return Denial::Operation::Echo;
    }
    return Denial::Operation::Connect;
}

}  // namespace

std::vector<Denial> parse_denials(std::string_view text) {
    std::vector<Denial> denials;
    for (std::size_t newline = text.find('\n'); newline != std::string_view::npos; newline = text.find('\n')) {
        std::optional<Denial> denial = parse_line(text.substr(0, newline));
        if (denial) denials.push_back(std::move(*denial));
        text.remove_prefix(newline + 1);
    }
    return denials;
}

bool is_denied(const std::vector<Denial>& denials, const ProbeTarget& target) {
    Denial wanted{operation_of(target.kind), canonical(target.address), target.port, {}};
    if (wanted.operation == Denial::Operation::Resolve) wanted = {wanted.operation, {}, 0, canonical_name(target.name)};
    if (wanted.operation == Denial::Operation::Echo) wanted.port = 0;
    return std::find(denials.begin(), denials.end(), wanted) != denials.end();
}

Observation<DenialMark> mark_denials(const std::string& vm_folder) {
    OpenedFile file = open_regular(log_path(vm_folder), O_RDONLY);
    if (file.error == ENOENT) return DenialMark{};
    if (!file.problem.empty()) return Unknown{file.problem};
    return DenialMark{true, file.status.st_dev, file.status.st_ino, file.status.st_size};
}

Observation<std::vector<Denial>> denials_since(const std::string& vm_folder, const DenialMark& mark) {
    OpenedFile file = open_regular(log_path(vm_folder), O_RDONLY);
    if (file.error == ENOENT && !mark.exists) return std::vector<Denial>{};
    if (!file.problem.empty()) return Unknown{file.problem};
    bool same = file.status.st_dev == mark.device && file.status.st_ino == mark.inode;
    if (mark.exists && (!same || file.status.st_size < mark.offset)) {
        return Unknown{"egress-denials.log was rotated or replaced while the probe ran"};
    }
    std::string text;
    if (file.status.st_size - mark.offset > kMaxNew || !read_from(file.fd.get(), mark.offset, kMaxNew, text)) {
        return Unknown{"egress-denials.log grew by more than 8 MiB, or cannot be read"};
    }
    return parse_denials(text);
}

}  // namespace bottle
