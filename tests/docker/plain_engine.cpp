#include "tests/docker/plain_engine.h"

#include <httplib.h>

namespace bottle {

EngineAnswer PlainEngine::call(const std::string& method, const std::string& path, const std::string& body, const std::string& content_type) {
    httplib::Client client(socket_);
    client.set_address_family(AF_UNIX);
    client.set_read_timeout(std::chrono::seconds(30));
    httplib::Request request;
    request.method = method;
    request.path = "/v1.41" + path;
    request.body = body;
    request.headers = {{"Host", "engine"}, {"Connection", "close"}};
    if (!body.empty()) request.headers.emplace("Content-Type", content_type);
    const auto result = client.send(request);
    EngineAnswer answer;
    if (result) {
        answer.status = result->status;
        answer.body = result->body;
    } else {
        answer.failure = EngineAnswer::Failure::Garbled;
    }
    return answer;
}

EngineAnswer PlainEngine::download(const std::string& path, const std::function<bool(const char*, std::size_t)>& take) {
    auto answer = call("GET", path, {}, {});
    if (!answer.succeeded()) return answer;
    if (!take(answer.body.data(), answer.body.size())) answer.failure = EngineAnswer::Failure::Garbled;
    answer.body.clear();
    return answer;
}

}  // namespace bottle
