#include "tests/docker/stub_engine.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace {

constexpr int kTurn_ms = 20;

bool readable(int fd) {
    pollfd wait{fd, POLLIN, 0};
    return poll(&wait, 1, kTurn_ms) > 0;
}

}  // namespace

bool StubEngine::Connection::send(const std::string& text) const {
    std::size_t done = 0;
    while (done < text.size() && !ended_) {
        const auto count = ::send(fd_, text.data() + done, text.size() - done, MSG_NOSIGNAL);
        if (count <= 0) return false;
        done += static_cast<std::size_t>(count);
    }
    return !ended_;
}

void StubEngine::Connection::hold() const {
    char byte = 0;
    while (!ended_) {
        if (readable(fd_) && recv(fd_, &byte, 1, 0) <= 0) return;
    }
}

void StubEngine::Connection::pause() const {
    std::this_thread::sleep_for(std::chrono::milliseconds(kTurn_ms));
}

StubEngine::StubEngine(Handler handler) {
    fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
    if (bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(fd_, 8) != 0) std::abort();
    thread_ = std::thread([this, handler = std::move(handler)] { serve(handler); });
}

StubEngine::~StubEngine() {
    ended_ = true;
    thread_.join();
    close(fd_);
}

std::vector<std::string> StubEngine::requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
}

void StubEngine::serve(const Handler& handler) {
    while (!ended_) {
        if (!readable(fd_)) continue;
        const int client = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0) continue;
        std::string request;
        std::array<char, 4096> buffer{};
        while (request.find("\r\n\r\n") == std::string::npos) {
            const auto count = recv(client, buffer.data(), buffer.size(), 0);
            if (count <= 0) break;
            request.append(buffer.data(), static_cast<std::size_t>(count));
        }
        {
            const std::lock_guard lock(mutex_);
            requests_.push_back(request);
        }
        Connection connection(client, ended_);
        handler(request, connection);
        close(client);
    }
}
