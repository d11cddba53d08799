#include "controllers/guest/socket_table.h"

#include "controllers/guest/guest_files.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <unistd.h>

#include <fmt/format.h>
#include <charconv>
#include <chrono>
#include <cstring>
#include <optional>
#include <thread>

namespace bottle {
namespace {

constexpr std::int64_t kMaxTable = 8 << 20;
constexpr std::string_view kEstablished = "01";

std::vector<std::string_view> fields_of(std::string_view line) {
    std::vector<std::string_view> fields;
    while (fields.size() < 8) {
        std::size_t start = line.find_first_not_of(' ');
        if (start == std::string_view::npos) break;
        line.remove_prefix(start);
        std::size_t length = std::min(line.find(' '), line.size());
        fields.push_back(line.substr(0, length));
        line.remove_prefix(length);
    }
    return fields;
}

template <class Number>
bool read_number(std::string_view text, int base, Number& number) {
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    return error == std::errc() && end == text.data() + text.size();
}

/// "0100007F:1F90" or the same with four words.
bool read_endpoint(std::string_view text, std::string& address, int& port) {
    std::size_t colon = text.find(':');
    if ((colon != 8 && colon != 32) || !read_number(text.substr(colon + 1), 16, port)) return false;
    std::uint32_t words[4] = {};
    for (std::size_t i = 0; i < colon / 8; ++i) {
        if (!read_number(text.substr(i * 8, 8), 16, words[i])) return false;
    }
    in6_addr six = {};
    std::memcpy(&six, words, sizeof six);
    bool mapped = colon == 32 && IN6_IS_ADDR_V4MAPPED(&six);
    const void* four = mapped ? static_cast<const void*>(&words[3]) : words;
    char written[INET6_ADDRSTRLEN] = {};
    bool as_six = colon == 32 && !mapped;
    address =
        inet_ntop(as_six ? AF_INET6 : AF_INET, as_six ? static_cast<const void*>(&six) : four, written, sizeof written);
    return true;
}

std::optional<Connection> read_line(std::string_view line) {
    // sl local remote state tx:rx tr:tm retransmits uid …
    std::vector<std::string_view> fields = fields_of(line);
    if (fields.size() < 8 || fields[3] != kEstablished) return std::nullopt;
    Connection connection;
    bool good = read_endpoint(fields[1], connection.local_address, connection.local_port) &&
                read_endpoint(fields[2], connection.remote_address, connection.remote_port) &&
                read_number(fields[7], 10, connection.uid);
    if (!good) return std::nullopt;
    return connection;
}

std::vector<Connection> read_table(const std::string& path) {
    Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::string text;
    if (!file.valid() || !read_from(file.get(), 0, kMaxTable, text)) return {};
    return parse_socket_table(text);
}

}  // namespace

std::vector<Connection> parse_socket_table(std::string_view text) {
    std::vector<Connection> connections;
    while (!text.empty()) {
        std::size_t length = std::min(text.find('\n'), text.size());
        std::optional<Connection> connection = read_line(text.substr(0, length));
        if (connection) connections.push_back(std::move(*connection));
        text.remove_prefix(std::min(length + 1, text.size()));
    }
    return connections;
}

ConnectionWatcher::ConnectionWatcher(ConnectionWatch watch) : watch_(std::move(watch)), before_(look()) {
    thread_ = std::thread([this] {
        while (!stopping_) {
            for (const Connection& connection : look()) {
                if (before_.count(connection) != 0) continue;
                seen_.insert(watch_.ports.count(connection.remote_port) != 0 &&
                                     connection.remote_address == watch_.bundle_address
                                 ? connection.remote_port
                                 : connection.local_port);
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
    });
}

ConnectionWatcher::~ConnectionWatcher() {
    stop();
}

std::set<int> ConnectionWatcher::stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    return seen_;
}

std::set<Connection> ConnectionWatcher::look() const {
    std::set<Connection> found;
    for (const Connection& c : read_table("/proc/net/tcp")) {
        bool vmm = watch_.vmm_uid >= 0 && c.uid == watch_.vmm_uid;
        if (vmm && c.remote_address == watch_.bundle_address && watch_.ports.count(c.remote_port) != 0) found.insert(c);
    }
    if (watch_.infra_pid <= 0) return found;
    for (const char* table : {"tcp", "tcp6"}) {
        for (const Connection& c : read_table(fmt::format("/proc/{}/net/{}", watch_.infra_pid, table))) {
            bool from_host = c.local_address == watch_.bundle_address && c.remote_address == watch_.internal_gateway;
            if (from_host && watch_.ports.count(c.local_port) != 0) found.insert(c);
        }
    }
    return found;
}

}  // namespace bottle
