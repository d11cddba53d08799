#include "controllers/guest/socket_table.h"

#include "controllers/guest/guest_files.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <unistd.h>

#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <iterator>
#include <optional>
#include <random>
#include <thread>

namespace bottle {
namespace {

constexpr std::int64_t kMaxTable = 8 << 20;
using State = TcpSocket::State;

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

/// The kernel's numbers (include/net/tcp_states.h). A connection that is not made yet is none.
std::optional<State> state_of(std::string_view number) {
    if (number == "0A") return State::Listening;
    if (number == "01") return State::Established;
    if (number == "07") return State::Unconnected;
    for (std::string_view closing : {"04", "05", "06", "08", "09", "0B"}) {
        if (number == closing) return State::Closing;
    }
    return std::nullopt;
}

std::optional<TcpSocket> read_line(std::string_view line) {
    // sl local remote state tx:rx tr:tm retransmits uid …
    std::vector<std::string_view> fields = fields_of(line);
    if (fields.size() < 8) return std::nullopt;
    std::optional<State> state = state_of(fields[3]);
    TcpSocket socket;
    bool good = state && read_endpoint(fields[1], socket.local_address, socket.local_port) &&
                read_endpoint(fields[2], socket.remote_address, socket.remote_port) &&
                read_number(fields[7], 10, socket.uid);
    if (!good) return std::nullopt;
    socket.state = *state;
    return socket;
}

std::vector<TcpSocket> read_table(const std::string& path) {
    Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::string text;
    if (!file.valid() || !read_from(file.get(), 0, kMaxTable, text)) return {};
    return parse_socket_table(text);
}

/// This host's IPv4 sockets.
std::vector<TcpSocket> host_table() {
    return read_table("/proc/net/tcp");
}

/// The listeners among this host's IPv4 sockets, and its IPv6 ones.
std::vector<TcpSocket> listening(const std::vector<TcpSocket>& host) {
    std::vector<TcpSocket> found;
    for (const auto& table : {host, read_table("/proc/net/tcp6")}) {
        std::copy_if(table.begin(), table.end(), std::back_inserter(found), [](const TcpSocket& s) { return s.state == State::Listening; });
    }
    return found;
}

std::string name_of(const TcpSocket& listener) {
    return fmt::format("{}:{}", listener.local_address, listener.local_port);
}

}  // namespace

std::vector<TcpSocket> parse_socket_table(std::string_view text) {
    std::vector<TcpSocket> sockets;
    while (!text.empty()) {
        std::size_t length = std::min(text.find('\n'), text.size());
        std::optional<TcpSocket> socket = read_line(text.substr(0, length));
        if (socket) sockets.push_back(std::move(*socket));
        text.remove_prefix(std::min(length + 1, text.size()));
    }
    return sockets;
}

int free_port() {
    // Below the ports that the kernel gives to clients by itself (32768 and up), above the well-known ones.
    constexpr int kFirst = 20000;
    constexpr int kLast = 32000;
    std::set<int> taken;
    for (const TcpSocket& socket : listening(host_table())) taken.insert(socket.local_port);
    if (taken.empty()) return 0;
    std::random_device random;
    std::uniform_int_distribution<int> any(kFirst, kLast);
    for (int tries = 0; tries < 100; ++tries) {
        int port = any(random);
        if (taken.count(port) == 0) return port;
    }
    return 0;
}

SocketWatcher::SocketWatcher(SocketWatch watch) : watch_(std::move(watch)) {
    const auto host = host_table();
    before_ = connections(host);
    for (const TcpSocket& socket : listening(host)) listeners_before_.insert(name_of(socket));
    thread_ = std::thread([this] {
        while (!stopping_) {
            look();
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
    });
}

SocketWatcher::~SocketWatcher() {
    stop();
}

SocketsSeen SocketWatcher::stop() {
    stopping_ = true;
    if (!thread_.joinable()) return seen_;
    thread_.join();
    look();
    return seen_;
}

void SocketWatcher::look() {
    const auto host = host_table();
    for (const auto& [ends, port] : connections(host)) {
        if (before_.count(ends) == 0) seen_.ports.insert(port);
    }
    bool own_uid = watch_.vmm_uid > 0 && watch_.vmm_uid != static_cast<std::int64_t>(geteuid());
    for (const TcpSocket& socket : listening(host)) {
        if (watch_.control_port != 0 && socket.local_port == watch_.control_port) seen_.control = true;
        bool guests = watch_.guest_port != 0 && socket.local_port == watch_.guest_port && listeners_before_.count(name_of(socket)) == 0;
        if (guests || (own_uid && socket.uid == watch_.vmm_uid)) seen_.listeners.insert(name_of(socket));
    }
}

std::map<SocketWatcher::Ends, int> SocketWatcher::connections(const std::vector<TcpSocket>& host) const {
    std::map<Ends, int> found;
    auto add = [&](const TcpSocket& s, int port) {
        if (watch_.ports.count(port) != 0) found.emplace(Ends{s.local_address, s.local_port, s.remote_address, s.remote_port}, port);
    };
    for (const TcpSocket& s : host) {
        bool vmm = !watch_.only_in_bundle && s.state != State::Listening && watch_.vmm_uid >= 0 && s.uid == watch_.vmm_uid;
        if (vmm && s.remote_address == watch_.bundle_address) add(s, s.remote_port);
    }
    if (watch_.infra_pid <= 0) return found;
    for (const char* table : {"tcp", "tcp6"}) {
        for (const TcpSocket& s : read_table(fmt::format("/proc/{}/net/{}", watch_.infra_pid, table))) {
            bool from_host = s.state != State::Listening && s.local_address == watch_.bundle_address && s.remote_address == watch_.internal_gateway;
            if (from_host) add(s, s.local_port);
        }
    }
    return found;
}

}  // namespace bottle
