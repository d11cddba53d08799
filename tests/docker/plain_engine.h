#pragma once

#include "controllers/docker/engine.h"

#include <string>

namespace bottle {

/// Docker's API 1.41 at a unix socket, whoever listens there: bottle's own engine refuses podman, and a test must see why.
class PlainEngine : public Engine {
public:
    explicit PlainEngine(std::string socket) : socket_(std::move(socket)) {}

    EngineAnswer call(const std::string& method, const std::string& path, const std::string& body, const std::string& content_type) override;
    EngineAnswer download(const std::string& path, const std::function<bool(const char*, std::size_t)>& take) override;
    const std::string& socket() const override { return socket_; }

private:
    std::string socket_;
};

}  // namespace bottle
