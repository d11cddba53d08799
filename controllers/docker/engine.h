#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace bottle {

/// One answer of the Docker Engine, or why there is none.
struct EngineAnswer {
    /// Refused: by us, for what listens there is no Docker that we can work with; `body` says what it is, and why.
    enum class Failure { None, NotReachable, NotPermitted, TimedOut, TooLarge, Garbled, Refused };
    Failure failure = Failure::None;
    int status = 0;
    std::string body;

    bool answered() const { return failure == Failure::None; }
    bool succeeded() const { return answered() && status >= 200 && status < 300; }
};

/// What went wrong, in plain words: Docker's own message where it gave one, made printable and short.
std::string describe(const EngineAnswer& answer, const std::string& socket);

/// The Docker Engine API, as paths and JSON texts. No call is ever tried again by itself: the far side may have acted.
class Engine {
public:
    virtual ~Engine() = default;
    /// `path` begins with "/" and holds no version; `body` is JSON (or, for images, a tar) and may be empty.
    virtual EngineAnswer call(const std::string& method, const std::string& path, const std::string& body = {},
                              const std::string& content_type = "application/json") = 0;
    /// A GET whose answer is too large for one text: `take` gets the bytes of a success one after another, and ends it by false (Failure::Garbled). The
    /// answer's body is empty then; of anything else it is Docker's message. It may take an hour, and be silent for ten minutes of it: Docker writes an
    /// image to its own disk before it sends the first byte (20.10).
    virtual EngineAnswer download(const std::string& path, const std::function<bool(const char*, std::size_t)>& take) = 0;
    virtual const std::string& socket() const = 0;
};

/// Over the unix socket. The API version is negotiated by `/_ping` at the first call; each call has a connection of its own, which is
/// closed after it (keep-alive hangs on 304: 20.10 with cpp-httplib 0.11), the given time as a whole, and at most 8 MiB of answer.
std::unique_ptr<Engine> make_http_engine(const std::string& socket, std::chrono::milliseconds deadline = std::chrono::seconds(30));

/// The socket's path that DOCKER_HOST means; the default one for an empty text. Throws Error{Exit::Precondition} for anything but unix://.
std::string docker_socket(const std::string& docker_host);

/// A text as one path segment or query value: everything but letters, digits and -._~ as %XX.
std::string url_encoded(const std::string& text);

}  // namespace bottle
