#include "controllers/firewall/firewall_controller.h"

#include "manifests/error.h"
#include "reconciler/firewall.h"

#include <nftables/libnftables.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>
#include <mutex>

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
Answer run(const std::string& command) {
    if (!may_see_the_firewall()) return {false, "", "it takes CAP_NET_ADMIN"};
    // Its parser has state of the whole process (1.0.6).
    static std::mutex one_at_a_time;
    const std::lock_guard lock(one_at_a_time);
    const std::unique_ptr<nft_ctx, decltype(&nft_ctx_free)> context(nft_ctx_new(NFT_CTX_DEFAULT), &nft_ctx_free);
    if (!context) return {false, "", "out of memory"};
    nft_ctx_output_set_flags(context.get(), NFT_CTX_OUTPUT_JSON);
    nft_ctx_buffer_output(context.get());
    nft_ctx_buffer_error(context.get());
    Answer answer;
    answer.done = nft_run_cmd_from_buffer(context.get(), command.c_str()) == 0;
    const char* text = nft_ctx_get_output_buffer(context.get());
    answer.text = text == nullptr ? "" : text;
    if (!answer.done) answer.error = first_line(nft_ctx_get_error_buffer(context.get()));
    return answer;
}

/// Nothing for an answer that is not libnftables' list of tables.
std::optional<bool> lists(const std::string& text, const std::string& table) {
    const auto parsed = nlohmann::json::parse(text, nullptr, false);
    if (!parsed.is_object() || !parsed.contains("nftables") || !parsed["nftables"].is_array()) return std::nullopt;
    for (const auto& object : parsed["nftables"]) {
        if (!object.is_object() || !object.contains("table") || !object["table"].is_object()) continue;
        if (object["table"].value("family", "") == "inet" && object["table"].value("name", "") == table) return true;
    }
    return false;
}

Outcome outcome_of(const Answer& answer) {
    if (answer.done) return {};
    return {Outcome::Kind::Failed, "the firewall could not be changed: " + answer.error, "modprobe nf_tables nft_reject_inet   where the kernel has them as modules"};
}

}  // namespace

Observation<std::string> FirewallController::observe(std::int64_t uid) {
    const auto table = firewall_table(uid);
    const auto tables = run("list tables inet");
    if (!tables.done) return Unknown{"the kernel's firewall tables cannot be listed: " + tables.error};
    try {
        const auto there = lists(tables.text, table);
        if (!there) return Unknown{"libnftables answers in a form that is not known"};
        if (!*there) return Absent{};
    } catch (const nlohmann::json::exception&) {
        return Unknown{"libnftables answers in a form that is not known"};
    }
    auto listing = run("list table inet " + table);
    if (!listing.done) return Unknown{fmt::format("the firewall table {} cannot be listed: {}", table, listing.error)};
    return std::move(listing.text);
}

Outcome FirewallController::act(const InstallFirewall& action) {
    return outcome_of(run(firewall_commands(action.rules)));
}

Outcome FirewallController::act(const RemoveFirewall& action) {
    return outcome_of(run(firewall_removal(action.uid)));
}

}  // namespace bottle
