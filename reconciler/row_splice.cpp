#include "reconciler/row_splice.h"

#include "manifests/error.h"
#include "reconciler/address.h"
#include "reconciler/row.h"

#include <fmt/format.h>

#include <map>
#include <utility>
#include <vector>

namespace bottle {
namespace {

struct Span {
    std::size_t begin = 0;
    std::size_t end = 0;
};

/// Where the top-level keys and their values stand in a text that is known to be one JSON object without escaped keys.
class TopLevel {
public:
    explicit TopLevel(const std::string& text) : text_(text) {
        skip_space();
        ++at_;
        skip_space();
        while (text_[at_] != '}') {
            const auto key_begin = at_;
            const auto key = take_string();
            keys_[key] = key_begin;
            skip_space();
            ++at_;
            skip_space();
            const auto begin = at_;
            skip_value();
            spans_[key] = {begin, at_};
            skip_space();
            if (text_[at_] == ',') ++at_;
            skip_space();
        }
        closing_ = at_;
    }

    const std::map<std::string, Span>& spans() const { return spans_; }
    /// A key with its value and the comma that one of its neighbours needs no more.
    Span member(const std::string& key) const {
        const auto begin = keys_.at(key);
        const auto end = spans_.at(key).end;
        const auto before = text_.find_last_not_of(" \t\r\n", begin - 1);
        if (text_[before] == ',') return {before, end};
        const auto after = text_.find_first_not_of(" \t\r\n", end);
        return {begin, text_[after] == ',' ? after + 1 : end};
    }
    std::size_t closing() const { return closing_; }

private:
    void skip_space() { at_ = text_.find_first_not_of(" \t\r\n", at_); }

    std::string take_string() {
        const auto begin = ++at_;
        while (text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
        return text_.substr(begin, at_++ - begin);
    }

    void skip_value() {
        int depth = 0;
        for (;; ++at_) {
            const char c = text_[at_];
            if (c == '"') {
                take_string();
                --at_;
            } else if (c == '{' || c == '[') {
                ++depth;
            } else if (c == '}' || c == ']') {
                if (depth == 0) break;
                --depth;
            } else if (c == ',' && depth == 0) {
                break;
            }
        }
        // Space between the value and what follows belongs to nobody.
        while (text_.find_last_not_of(" \t\r\n", at_ - 1) != at_ - 1) --at_;
    }

    const std::string& text_;
    std::size_t at_ = 0;
    std::size_t closing_ = 0;
    std::map<std::string, std::size_t> keys_;
    std::map<std::string, Span> spans_;
};

using Values = std::vector<std::pair<std::string, std::string>>;

/// A key that is there is replaced in place, one that is not is put at the end of the object.
std::string with_values(const std::string& row, const Values& wanted) {
    const TopLevel top(row);
    std::map<std::size_t, std::pair<Span, std::string>> replacements;
    std::string appended;
    for (const auto& [key, value] : wanted) {
        const auto found = top.spans().find(key);
        if (found != top.spans().end()) replacements[found->second.begin] = {found->second, value};
        else appended += fmt::format("{}\"{}\":{}", top.spans().empty() && appended.empty() ? "" : ",", key, value);
    }
    std::string result;
    std::size_t copied = 0;
    for (const auto& [begin, replacement] : replacements) {
        result += row.substr(copied, begin - copied) + replacement.second;
        copied = replacement.first.end;
    }
    return result + row.substr(copied, top.closing() - copied) + appended + row.substr(top.closing());
}

std::string without(const std::string& row, const std::string& key) {
    const TopLevel top(row);
    if (top.spans().count(key) == 0) return row;
    const auto member = top.member(key);
    return row.substr(0, member.begin) + row.substr(member.end);
}

void require_trust(const std::string& row) {
    if (const auto why = distrust_of_object(row); !why.empty()) throw Error(Exit::Failed, "the machine's row cannot be trusted: " + why);
}

}  // namespace

std::string splice_allowlist(const std::string& row, const std::string& cidr) {
    require_trust(row);
    if (!is_one_address(cidr)) throw Error(Exit::Failed, fmt::format("{} is not one address in canonical text", printable(cidr)));
    return with_values(row, {{"network", "true"}, {"allowed_cidrs", fmt::format("[\"{}\"]", cidr)}, {"dns_filter_hosts", "[]"}});
}

std::string splice_loopback(const std::string& row, const std::string& cidr) {
    require_trust(row);
    if (!is_one_loopback(cidr)) throw Error(Exit::Failed, fmt::format("{} is not one address of 127.0.0.0/8 in canonical text", printable(cidr)));
    return without(with_values(row, {{"network", "true"}, {"allowed_cidrs", fmt::format("[\"{}\"]", cidr)}}), "dns_filter_hosts");
}

std::string splice_offline(const std::string& row) {
    require_trust(row);
    return without(with_values(row, {{"network", "false"}, {"allowed_cidrs", "null"}}), "dns_filter_hosts");
}

}  // namespace bottle
