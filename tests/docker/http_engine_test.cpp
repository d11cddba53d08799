#include "controllers/docker/docker_controller.h"
#include "controllers/docker/engine.h"
#include "manifests/error.h"
#include "tests/docker/stub_engine.h"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <unistd.h>

using namespace bottle;
using Failure = EngineAnswer::Failure;

namespace {

constexpr std::chrono::milliseconds kDeadline{400};
constexpr const char* kPing = "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\n\r\nOK";

EngineAnswer ask(const StubEngine& stub, const std::string& method = "GET", const std::string& path = "/networks") {
    return make_http_engine(stub.socket(), kDeadline)->call(method, path);
}

std::string response(int status, const std::string& body) {
    return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

TEST_CASE("an answer is taken as it is, under the version that /_ping names") {
    const StubEngine stub([](const std::string& request, StubEngine::Connection& client) {
        if (request.find("GET /_ping") == 0) client.send(kPing);
        else client.send(response(200, "[]"));
    });
    const auto answer = ask(stub);
    CHECK(answer.succeeded());
    CHECK(answer.body == "[]");
    const auto requests = stub.requests();
    REQUIRE(requests.size() == 2);
    CHECK(requests[1].find("GET /v1.41/networks HTTP/1.1\r\n") == 0);
    CHECK(requests[1].find("Connection: close\r\n") != std::string::npos);
    CHECK(requests[1].find("Host: /") == std::string::npos);
}

TEST_CASE("a Docker that fails is told in its own words, made printable") {
    const StubEngine stub([](const std::string& request, StubEngine::Connection& client) {
        if (request.find("GET /_ping") == 0) client.send(kPing);
        else client.send(response(409, "{\"message\":\"name \\u001b[31m is in use\"}"));
    });
    const auto answer = ask(stub, "POST", "/containers/create");
    CHECK(answer.status == 409);
    const auto text = describe(answer, stub.socket());
    CHECK(text.find("is in use") != std::string::npos);
    CHECK(text.find('\x1b') == std::string::npos);
    // No call is tried again by itself.
    CHECK(stub.requests().size() == 2);
}

TEST_CASE("podman is no Docker, whatever its API says") {
    // Headers of podman 4.3.1.
    const StubEngine stub([](const std::string&, StubEngine::Connection& client) {
        client.send("HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nLibpod-Api-Version: 4.3.1\r\nServer: Libpod/4.3.1 (linux)\r\nContent-Length: 2\r\n\r\nOK");
    });
    const auto answer = ask(stub);
    CHECK(answer.failure == Failure::Refused);
    CHECK(describe(answer, stub.socket()) ==
          "what listens at " + stub.socket() +
              " cannot be used: it is podman 4.3.1, and a bottle needs Docker: with podman (measured: 4.3.1) the host has no route into an internal network, so that no machine could reach its "
              "bundle, and a container that shares the host's IPC namespace or sees all of /proc is shown like one that does not, so that nothing could be proved");
    CHECK(stub.requests().size() == 1);

    const auto engine = make_http_engine(stub.socket(), kDeadline);
    DockerController controller(*engine);
    const auto facts = controller.facts();
    CHECK(facts.refused);
    CHECK(facts.problem == describe(answer, stub.socket()));
    CHECK_FALSE(facts.not_permitted);
    CHECK(controller.observe({}).unknown());
    // No step is tried again: it will be podman then, too.
    CHECK(controller.act(RemoveVolume{"cache"}, {}).kind == Outcome::Kind::Failed);
    for (const auto& request : stub.requests()) CHECK(request.find("GET /_ping") == 0);
}

TEST_CASE("a Docker whose API is too old is refused, not called silent") {
    for (const auto* version : {"1.40", "1.9", "2.50", "", "x"}) {
        INFO(version);
        const StubEngine stub([&](const std::string&, StubEngine::Connection& client) {
            client.send(std::string("HTTP/1.1 200 OK\r\nApi-Version: ") + version + "\r\nContent-Length: 2\r\n\r\nOK");
        });
        const auto answer = ask(stub);
        CHECK(answer.failure == Failure::Refused);
        CHECK(describe(answer, stub.socket()).find(std::string("its API is version ") + version + ", and 1.41 is needed (Docker 20.10)") != std::string::npos);
        CHECK(stub.requests().size() == 1);
    }
}

TEST_CASE("what podman calls its version is printed in part, and printable") {
    const StubEngine stub([](const std::string&, StubEngine::Connection& client) {
        client.send("HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nLibpod-Api-Version: \x1b[31m" + std::string(3000, '4') + "\r\nContent-Length: 2\r\n\r\nOK");
    });
    const auto answer = ask(stub);
    CHECK(answer.failure == Failure::Refused);
    CHECK(answer.body.size() < 1000);
    CHECK(answer.body.find('\x1b') == std::string::npos);
}

TEST_CASE("no answer, a stalled one and one that drips end at the deadline as a whole") {
    SECTION("nobody listens") {
        CHECK(make_http_engine("/nonexistent/docker.sock", kDeadline)->call("GET", "/networks").failure == Failure::NotReachable);
    }
    SECTION("no answer") {
        const StubEngine stub([](const std::string&, StubEngine::Connection& client) { client.hold(); });
        CHECK(ask(stub).failure == Failure::TimedOut);
        CHECK(stub.requests().size() == 1);
    }
    SECTION("a header that never ends") {
        const StubEngine stub([](const std::string&, StubEngine::Connection& client) {
            client.send("HTTP/1.1 200 OK\r\n");
            while (client.send("X: y\r\n")) client.pause();
        });
        CHECK_FALSE(ask(stub).answered());
    }
    SECTION("a body that drips") {
        const StubEngine stub([](const std::string& request, StubEngine::Connection& client) {
            if (request.find("GET /_ping") == 0) {
                client.send(kPing);
                return;
            }
            client.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
            while (client.send(" ")) client.pause();
        });
        CHECK(ask(stub).failure == Failure::TimedOut);
    }
}

TEST_CASE("garbage, too much, and an end in the middle are no answers") {
    const auto with = [](const std::string& text) {
        return [text](const std::string& request, StubEngine::Connection& client) {
            if (request.find("GET /_ping") == 0) client.send(kPing);
            else client.send(text);
        };
    };
    SECTION("no HTTP") { CHECK_FALSE(ask(StubEngine(with("hello\r\n\r\n"))).answered()); }
    SECTION("closed at once") { CHECK_FALSE(ask(StubEngine(with(""))).answered()); }
    SECTION("shorter than it says") { CHECK_FALSE(ask(StubEngine(with("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[]"))).answered()); }
    SECTION("too large") {
        const auto answer = ask(StubEngine(with(response(200, std::string(9 << 20, ' ')))));
        CHECK(answer.failure == Failure::TooLarge);
    }
}

TEST_CASE("whatever Docker answers, a look ends with a view or says why not") {
    const char* bodies[] = {"", "null", "{}", "[", "[1]", "[{\"Id\":5}]", "[{\"Id\":\"a\",\"Labels\":[]}]", "[[[[[[[[[[]]]]]]]]]]", "\"text\"", "[{\"Name\":\"bottle-docs\",\"Id\":\"x\",\"IPAM\":7}]"};
    for (const std::string body : bodies) {
        INFO(body);
        const StubEngine stub([&](const std::string& request, StubEngine::Connection& client) {
            if (request.find("GET /_ping") == 0) client.send(kPing);
            else client.send(response(200, body));
        });
        const auto engine = make_http_engine(stub.socket(), kDeadline);
        DockerController controller(*engine);
        Scope scope;
        scope.bottle = "docs";
        const auto view = controller.observe(scope);
        CHECK(view.unknown());
    }
}

TEST_CASE("DOCKER_HOST means a local socket or nothing") {
    CHECK(docker_socket("") == "/var/run/docker.sock");
    CHECK(docker_socket("unix:///run/user/docker.sock") == "/run/user/docker.sock");
    for (const auto* host : {"tcp://10.0.0.1:2375", "ssh://host", "unix://relative", "unix://", "/var/run/docker.sock", "http://x"}) {
        INFO(host);
        CHECK_THROWS_AS(docker_socket(host), Error);
    }
}

TEST_CASE("names in paths are encoded") {
    CHECK(url_encoded("a-b_c.d~9") == "a-b_c.d~9");
    CHECK(url_encoded("../x?y#z/\xC3\xA9 ") == "..%2Fx%3Fy%23z%2F%C3%A9%20");
}

TEST_CASE("a download is given on piece by piece, whatever its size, and of anything else Docker's message is kept") {
    std::string got;
    const auto download = [&got](const std::string& head, const std::string& body, std::size_t enough = SIZE_MAX) {
        const StubEngine stub([&](const std::string& request, StubEngine::Connection& client) {
            if (request.find("GET /_ping") == 0) client.send(kPing);
            else client.send(head + body);
        });
        got.clear();
        return make_http_engine(stub.socket(), kDeadline)->download("/images/x/get", [&](const char* data, std::size_t size) {
            got.append(data, size);
            return got.size() < enough;
        });
    };
    const std::string large(9 << 20, 'i');
    auto answer = download("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(large.size()) + "\r\n\r\n", large);
    CHECK(answer.succeeded());
    CHECK(answer.body.empty());
    CHECK(got == large);

    answer = download(response(404, "{\"message\":\"no such image\"}"), "");
    CHECK(answer.status == 404);
    CHECK(got.empty());
    CHECK(describe(answer, "") == "Docker says 404: no such image");

    // Docker sends it in chunks: what ends before the last one has broken off.
    answer = download("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "");
    CHECK(answer.succeeded());
    CHECK(got == "hello");
    CHECK(download("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "").failure == Failure::Garbled);
    CHECK(download("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", "hello").failure == Failure::Garbled);
    CHECK(download(response(200, large), "", 5).failure == Failure::Garbled);
}

TEST_CASE("an image of more bytes than it may have, or that cannot be written, is told so") {
    const StubEngine stub([](const std::string& request, StubEngine::Connection& client) {
        if (request.find("GET /_ping") == 0) client.send(kPing);
        else client.send(response(200, "hello"));
    });
    const auto engine = make_http_engine(stub.socket(), kDeadline);
    DockerController controller(*engine);
    const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    CHECK(controller.save_image("sha256:x", null, 5).kind == Outcome::Kind::Done);
    CHECK(controller.save_image("sha256:x", null, 4).text == "Docker's image could not be written down: it has more bytes than any image of a machine's");
    CHECK(controller.save_image("sha256:x", full, 5).text == "Docker's image could not be written down: No space left on device");
    close(null);
    close(full);
    CHECK(stub.requests()[1].find("GET /v1.41/images/sha256%3Ax/get HTTP/1.1\r\n") == 0);
}
