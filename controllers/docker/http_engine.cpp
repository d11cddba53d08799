#include "controllers/docker/engine.h"

#include "manifests/error.h"

#include <fmt/format.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>

namespace bottle {
namespace {

using Failure = EngineAnswer::Failure;

using Take = std::function<bool(const char*, std::size_t)>;

constexpr std::size_t kMaxAnswer = 8 << 20;
// Of a download (engine.h): some 20 GiB from a slow disk.
constexpr std::chrono::milliseconds kDownload = std::chrono::hours(1);
constexpr std::chrono::milliseconds kSilence = std::chrono::minutes(10);
/// The newest API that this program was measured with (Docker 20.10); older engines are refused, newer ones serve it.
constexpr const char* kApiVersion = "1.41";
constexpr int kApiMinor = 41;

/// Ends a connection when the whole call takes too long: the library's own timeouts count each receive by itself, so that a server which
/// drips bytes could hold a call for ever.
class Watchdog {
public:
    Watchdog(httplib::Client& client, std::chrono::milliseconds deadline)
        : thread_([this, &client, deadline] {
              std::unique_lock lock(mutex_);
              if (wake_.wait_for(lock, deadline, [this] { return done_; })) return;
              expired_ = true;
              client.stop();
          }) {}
    ~Watchdog() { finish(); }
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

    /// True when the time was up.
    bool finish() {
        {
            const std::lock_guard lock(mutex_);
            done_ = true;
        }
        wake_.notify_all();
        if (thread_.joinable()) thread_.join();
        return expired_;
    }

private:
    std::mutex mutex_;
    std::condition_variable wake_;
    bool done_ = false;
    bool expired_ = false;
    std::thread thread_;
};

/// Why a connection cannot be made: asked of the kernel, for the library does not say.
Failure why_not_connected(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return Failure::NotReachable;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int result = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int error = errno;
    close(fd);
    return result != 0 && (error == EACCES || error == EPERM) ? Failure::NotPermitted : Failure::NotReachable;
}

/// Words of the other side, printable and on one line.
std::string shortened(std::string text) {
    constexpr std::size_t kShown = 400;
    if (text.size() > kShown) text = text.substr(0, kShown) + "…";
    text.erase(text.find_last_not_of(" \r\n") + 1);
    return printable(text);
}

class HttpEngine : public Engine {
public:
    HttpEngine(std::string socket, std::chrono::milliseconds deadline) : socket_(std::move(socket)), deadline_(deadline) {}

    EngineAnswer call(const std::string& method, const std::string& path, const std::string& body, const std::string& content_type) override {
        if (auto refused = negotiate(); !refused.answered()) return refused;
        return send(method, fmt::format("/v{}{}", kApiVersion, path), body, content_type);
    }

    EngineAnswer download(const std::string& path, const Take& take) override {
        if (auto refused = negotiate(); !refused.answered()) return refused;
        return send("GET", fmt::format("/v{}{}", kApiVersion, path), {}, {}, nullptr, &take);
    }

    const std::string& socket() const override { return socket_; }

private:
    EngineAnswer negotiate() {
        const std::lock_guard lock(mutex_);
        if (negotiated_) return {};
        httplib::Response ping;
        auto answer = send("GET", "/_ping", {}, {}, &ping);
        if (!answer.succeeded()) {
            if (answer.answered()) answer.failure = Failure::Garbled;
            return answer;
        }
        // What it does otherwise than Docker was measured with 4.3.1: tests/docker/readings_test.cpp.
        if (const auto podman = ping.get_header_value("Libpod-Api-Version"); !podman.empty()) {
            return {Failure::Refused, 0,
                    fmt::format("it is podman {}, and a bottle needs Docker: with podman (measured: 4.3.1) the host has no route into an internal network, so that no machine could reach its "
                                "bundle, and a container that shares the host's IPC namespace or sees all of /proc is shown like one that does not, so that nothing could be proved",
                                shortened(podman))};
        }
        const auto version = ping.get_header_value("Api-Version");
        int minor = 0;
        const auto digits = version.substr(std::min(version.size(), std::strlen("1.")));
        std::from_chars(digits.data(), digits.data() + digits.size(), minor);
        if (version.rfind("1.", 0) != 0 || minor < kApiMinor) {
            return {Failure::Refused, 0, fmt::format("its API is version {}, and 1.{} is needed (Docker 20.10)", shortened(version), kApiMinor)};
        }
        negotiated_ = true;
        return {};
    }

    EngineAnswer send(const std::string& method, const std::string& path, const std::string& body, const std::string& content_type,
                      httplib::Response* response = nullptr, const Take* take = nullptr) {
        const auto deadline = take == nullptr ? deadline_ : std::max(deadline_, kDownload);
        httplib::Client client(socket_);
        client.set_address_family(AF_UNIX);
        client.set_connection_timeout(std::chrono::seconds(2));
        client.set_read_timeout(take == nullptr ? deadline + std::chrono::seconds(1) : kSilence);
        client.set_write_timeout(deadline_ + std::chrono::seconds(1));

        EngineAnswer answer;
        httplib::Request request;
        request.method = method;
        request.path = path;
        request.body = body;
        // dockerd refuses the library's default Host, the socket's path (400, 20.10).
        request.headers = {{"Host", "docker"}, {"Connection", "close"}};
        if (!content_type.empty() && !body.empty()) request.headers.emplace("Content-Type", content_type);
        bool taken = false;
        request.response_handler = [&taken, take](const httplib::Response& head) {
            taken = take != nullptr && head.status >= 200 && head.status < 300;
            return true;
        };
        request.content_receiver = [&](const char* data, std::size_t length, std::uint64_t, std::uint64_t) {
            if (taken) return (*take)(data, length);
            answer.body.append(data, length);
            return answer.body.size() <= kMaxAnswer;
        };
        Watchdog watchdog(client, deadline);
        const auto result = client.send(request);
        const bool expired = watchdog.finish();
        if (result) {
            answer.status = result->status;
            if (response != nullptr) *response = *result;
            return answer;
        }
        if (expired) answer.failure = Failure::TimedOut;
        else if (answer.body.size() > kMaxAnswer) answer.failure = Failure::TooLarge;
        else if (result.error() == httplib::Error::Connection) answer.failure = why_not_connected(socket_);
        else answer.failure = Failure::Garbled;
        answer.body.clear();
        return answer;
    }

    std::string socket_;
    std::chrono::milliseconds deadline_;
    std::mutex mutex_;
    bool negotiated_ = false;
};

std::string docker_message(const std::string& body) {
    const auto parsed = nlohmann::json::parse(body, nullptr, false);
    const bool told = parsed.is_object() && parsed.contains("message") && parsed["message"].is_string();
    return shortened(told ? parsed["message"].get<std::string>() : body);
}

}  // namespace

std::string describe(const EngineAnswer& answer, const std::string& socket) {
    switch (answer.failure) {
        case Failure::None: break;
        case Failure::NotReachable: return fmt::format("Docker does not listen at {}", socket);
        case Failure::NotPermitted: return fmt::format("we may not use Docker's socket {}", socket);
        case Failure::TimedOut: return fmt::format("Docker at {} did not answer in time", socket);
        case Failure::TooLarge: return fmt::format("Docker's answer has more than {} MiB", kMaxAnswer >> 20);
        case Failure::Garbled:
            return answer.body.empty() ? "Docker's answer broke off or is none of HTTP" : "Docker cannot be used: " + docker_message(answer.body);
        case Failure::Refused: return fmt::format("what listens at {} cannot be used: {}", socket, answer.body);
    }
    return fmt::format("Docker says {}: {}", answer.status, docker_message(answer.body));
}

std::unique_ptr<Engine> make_http_engine(const std::string& socket, std::chrono::milliseconds deadline) {
    return std::make_unique<HttpEngine>(socket, deadline);
}

std::string docker_socket(const std::string& docker_host) {
    if (docker_host.empty()) return "/var/run/docker.sock";
    constexpr std::string_view kUnix = "unix://";
    if (docker_host.starts_with("unix:///") && docker_host.size() > kUnix.size() + 1) return docker_host.substr(kUnix.size());
    throw Error(Exit::Precondition, fmt::format("DOCKER_HOST is {}: only a local Docker can be used, for its bridges must be this host's", printable(docker_host)),
                "DOCKER_HOST=unix:///var/run/docker.sock");
}

std::string url_encoded(const std::string& text) {
    std::string encoded;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::strchr("-._~", c) != nullptr;
        if (plain && c != '\0') encoded += c;
        else encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return encoded;
}

}  // namespace bottle
