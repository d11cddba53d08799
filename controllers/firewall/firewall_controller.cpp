#include "controllers/firewall/firewall_controller.h"

#include "manifests/error.h"
#include "reconciler/firewall.h"

#include <nftables/libnftables.h>

#include <fmt/format.h>

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>
#include <mutex>
#include <sstream>

namespace bottle {
namespace {

struct Answer {
    bool done = false;
    std::string text;
    std::string error;
};

std::string first_line(const char* text) {
    const std::string all = text == nullptr ? "" : text;
    const auto line = all.substr(0, all.find('\n'));
    return line.empty() ? "it says nothing" : printable(line);
}

/// Without the right libnftables complains on our stderr by itself (1.0.6), so it is not even asked.
bool may_see_the_firewall() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3]{};
    return syscall(SYS_capget, &header, data) == 0 && (data[CAP_TO_INDEX(CAP_NET_ADMIN)].effective & CAP_TO_MASK(CAP_NET_ADMIN)) != 0;
}

/// A context of its own for each call: libnftables keeps what it once read of the kernel's rules in it.
Answer run(const std::string& command, unsigned output = NFT_CTX_OUTPUT_JSON) {
    if (!may_see_the_firewall()) return {false, "", "it takes CAP_NET_ADMIN"};
    // Its parser has state of the whole process (1.0.6).
    static std::mutex one_at_a_time;
    const std::lock_guard lock(one_at_a_time);
    const std::unique_ptr<nft_ctx, decltype(&nft_ctx_free)> context(nft_ctx_new(NFT_CTX_DEFAULT), &nft_ctx_free);
    if (!context) return {false, "", "out of memory"};
    nft_ctx_output_set_flags(context.get(), output);
    nft_ctx_buffer_output(context.get());
    nft_ctx_buffer_error(context.get());
    Answer answer;
    answer.done = nft_run_cmd_from_buffer(context.get(), command.c_str()) == 0;
    const char* text = nft_ctx_get_output_buffer(context.get());
    answer.text = text == nullptr ? "" : text;
    if (!answer.done) answer.error = first_line(nft_ctx_get_error_buffer(context.get()));
    return answer;
}

/// Whether a line is exactly this one, space around it aside.
bool has_line(const std::string& text, const std::string& wanted) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        const auto begin = line.find_first_not_of(" \t");
        if (begin != std::string::npos && line.substr(begin) == wanted) return true;
    }
    return false;
}

bool has_flags(const std::string& text) {
    return text.find("\tflags ") != std::string::npos;
}

Outcome outcome_of(const Answer& answer) {
    if (answer.done) return {};
    return {Outcome::Kind::Failed, "the firewall could not be changed: " + answer.error, "modprobe nf_tables nft_reject_inet   where the kernel has them as modules"};
}

}  // namespace

Observation<std::string> FirewallController::observe(std::int64_t uid) {
    // As plain text first: as JSON, libnftables reads memory that it freed where any table has flags, as firewalld's do (1.0.6).
    constexpr unsigned kPlain = 0;
    const auto table = firewall_table(uid);
    const auto tables = run("list tables inet", kPlain);
    if (!tables.done) return Unknown{"the kernel's firewall tables cannot be listed: " + tables.error};
    if (!has_line(tables.text, "table inet " + table)) return Absent{};
    auto plain = run("list table inet " + table, kPlain);
    if (!plain.done) return Unknown{fmt::format("the firewall table {} cannot be listed: {}", table, plain.error)};
    // Ours has none: the plain text is no listing of ours, and reads as a difference.
    if (has_flags(plain.text)) return std::move(plain.text);
    auto listing = run("list table inet " + table);
    if (!listing.done) return Unknown{fmt::format("the firewall table {} cannot be listed: {}", table, listing.error)};
    return std::move(listing.text);
}

Observation<std::set<std::int64_t>> FirewallController::uids() {
    const auto tables = run("list tables inet", 0);
    if (!tables.done) return Unknown{"the kernel's firewall tables cannot be listed: " + tables.error};
    std::set<std::int64_t> uids;
    std::istringstream lines(tables.text);
    constexpr std::size_t kDigits = 10;
    for (std::string table, family, name; lines >> table >> family >> name;) {
        const auto digits = name.rfind("bottle-", 0) == 0 ? name.substr(7) : std::string();
        const bool number = !digits.empty() && digits.size() <= kDigits && digits.find_first_not_of("0123456789") == std::string::npos;
        if (number && firewall_table(std::stoll(digits)) == name) uids.insert(std::stoll(digits));
    }
    return uids;
}

Outcome FirewallController::act(const InstallFirewall& action) {
    return outcome_of(run(firewall_commands(action.rules)));
}

Outcome FirewallController::act(const RemoveFirewall& action) {
    return outcome_of(run(firewall_removal(action.uid)));
}

}  // namespace bottle
