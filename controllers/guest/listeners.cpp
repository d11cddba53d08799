#include "controllers/guest/listeners.h"

#include "manifests/error.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>
#include <cerrno>
#include <cstring>

namespace bottle {
namespace {

constexpr std::size_t kMaxOpen = 64;  ///< answered connections kept for each listener; the oldest goes first
constexpr int kMaxPerTurn = 256;      ///< so that one busy listener does not hold up the others

struct Address {
    sockaddr_storage storage = {};
    socklen_t size = sizeof(sockaddr_storage);
    sockaddr* raw() { return reinterpret_cast<sockaddr*>(&storage); }
};

bool parse(const std::string& text, Address& address) {
    auto* four = reinterpret_cast<sockaddr_in*>(&address.storage);
    auto* six = reinterpret_cast<sockaddr_in6*>(&address.storage);
    if (inet_pton(AF_INET, text.c_str(), &four->sin_addr) == 1) {
        address.storage.ss_family = AF_INET;
        address.size = sizeof *four;
        return true;
    }
    if (inet_pton(AF_INET6, text.c_str(), &six->sin6_addr) != 1) return false;
    address.storage.ss_family = AF_INET6;
    address.size = sizeof *six;
    return true;
}

int port_of(const Address& address) {
    // The port stands in the same place in both families.
    return ntohs(reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_port);
}

std::string text_of(const Address& address) {
    char text[INET6_ADDRSTRLEN] = {};
    const void* bytes =
        address.storage.ss_family == AF_INET6
            ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_addr)
            : &reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_addr;
    return inet_ntop(address.storage.ss_family, bytes, text, sizeof text) == nullptr ? "?" : text;
}

bool wait_for(int fd, short events, int timeout_ms) {
    pollfd polled{fd, events, 0};
    return poll(&polled, 1, timeout_ms) == 1;
}

}  // namespace

HostListener::HostListener(Protocol protocol, const std::string& address, std::string token)
    : protocol_(protocol), address_(address), token_(std::move(token)) {
    Address where;
    if (!parse(address, where)) throw Error(Exit::Failed, fmt::format("'{}' is not an address to listen on", address));
    int type = protocol == Protocol::Tcp ? SOCK_STREAM : SOCK_DGRAM;
    fd_ = Fd(socket(where.storage.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    bool bound = fd_.valid() && bind(fd_.get(), where.raw(), where.size) == 0 &&
                 (protocol == Protocol::Udp || listen(fd_.get(), 128) == 0) &&
                 getsockname(fd_.get(), where.raw(), &where.size) == 0;
    if (!bound) throw Error(Exit::Failed, fmt::format("cannot listen on {}: {}", address, std::strerror(errno)));
    port_ = port_of(where);
}

void HostListener::count(const Peer& peer) {
    std::lock_guard<std::mutex> guard(mutex_);
    if (own_.count(peer) == 0) ++hits_;
}

void HostListener::serve() {
    protocol_ == Protocol::Tcp ? serve_tcp() : serve_udp();
}

void HostListener::serve_tcp() {
    for (int turn = 0; turn < kMaxPerTurn; ++turn) {
        Address from;
        Fd connection(accept4(fd_.get(), from.raw(), &from.size, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!connection.valid()) return;
        count({text_of(from), port_of(from)});
        // An empty buffer takes the token whole. If the other side is gone already, it was still here.
        (void)send(connection.get(), token_.data(), token_.size(), MSG_NOSIGNAL);
        if (open_.size() == kMaxOpen) open_.pop_front();
        open_.push_back(std::move(connection));
    }
}

void HostListener::serve_udp() {
    for (int turn = 0; turn < kMaxPerTurn; ++turn) {
        Address from;
        char bytes[2048];
        ssize_t got = recvfrom(fd_.get(), bytes, sizeof bytes, 0, from.raw(), &from.size);
        if (got < 0) return;
        count({text_of(from), port_of(from)});
        (void)sendto(fd_.get(), token_.data(), token_.size(), MSG_NOSIGNAL, from.raw(), from.size);
    }
}

void HostListener::drop_finished() {
    for (auto connection = open_.begin(); connection != open_.end();) {
        char bytes[4096];
        ssize_t got = recv(connection->get(), bytes, sizeof bytes, 0);
        bool finished = got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
        connection = finished ? open_.erase(connection) : connection + 1;
    }
}

bool HostListener::check_from_host(int timeout_ms) {
    Address from;
    Address to;
    if (!parse(address_, from)) return false;
    to = from;
    reinterpret_cast<sockaddr_in*>(&to.storage)->sin_port = htons(static_cast<std::uint16_t>(port_));
    int type = protocol_ == Protocol::Tcp ? SOCK_STREAM : SOCK_DGRAM;
    Fd fd(socket(to.storage.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    // From loopback, which every own address of the host answers: from an address of a Docker network the kernel would
    // masquerade us (its rule for that subnet also takes packets to the host itself), and the listener would meet a
    // stranger.
    if (from.storage.ss_family == AF_INET)
        reinterpret_cast<sockaddr_in*>(&from.storage)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // Bound first, so that the listener knows us before it sees us.
    if (!fd.valid() || bind(fd.get(), from.raw(), from.size) != 0) return false;
    if (getsockname(fd.get(), from.raw(), &from.size) != 0) return false;
    {
        std::lock_guard<std::mutex> guard(mutex_);
        own_.insert({text_of(from), port_of(from)});
    }
    if (connect(fd.get(), to.raw(), to.size) != 0 && errno != EINPROGRESS) return false;
    return converse(fd.get(), timeout_ms);
}

bool HostListener::converse(int fd, int timeout_ms) const {
    if (!wait_for(fd, POLLOUT, timeout_ms)) return false;
    if (protocol_ == Protocol::Udp && send(fd, "check\n", 6, MSG_NOSIGNAL) != 6) return false;
    std::string got;
    while (got.size() < token_.size()) {
        char bytes[512];
        if (!wait_for(fd, POLLIN, timeout_ms)) return false;
        ssize_t length = recv(fd, bytes, sizeof bytes, 0);
        if (length <= 0) return false;
        got.append(bytes, static_cast<std::size_t>(length));
    }
    return got == token_;
}

ListenerLoop::ListenerLoop(std::vector<HostListener*> listeners) : listeners_(std::move(listeners)) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        throw Error(Exit::Failed, fmt::format("cannot make a pipe: {}", std::strerror(errno)));
    stop_read_ = Fd(ends[0]);
    stop_write_ = Fd(ends[1]);
    thread_ = std::thread([this] { run(); });
}

ListenerLoop::~ListenerLoop() {
    stop_write_.reset();
    thread_.join();
}

void ListenerLoop::run() {
    for (;;) {
        std::vector<pollfd> polled{{stop_read_.get(), POLLIN, 0}};
        for (HostListener* listener : listeners_) polled.push_back({listener->fd_.get(), POLLIN, 0});
        // Open connections only wait to be closed: a look twice a second is enough for them.
        if (poll(polled.data(), polled.size(), 500) < 0 && errno != EINTR) return;
        if (polled.front().revents != 0) return;
        for (HostListener* listener : listeners_) {
            listener->serve();
            listener->drop_finished();
        }
    }
}

}  // namespace bottle
