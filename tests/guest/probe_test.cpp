#include "tests/guest/loopback.h"
#include "tests/guest/probe_run.h"
#include "tests/guest/temp_folder.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

// The real static program against listeners of the test's own on this machine's loopback.
namespace {

constexpr const char* kNonce = "0123456789abcdef";

sockaddr_in loopback(int port) {
    return at("127.0.0.1", port);
}

/// A bound socket on 127.0.0.1 (or ::1), its port, and a thread for what it does.
class Server {
public:
    using Serve = std::function<void(int fd)>;

    Server(int type, const Serve& serve, int backlog = 16, bool six = false)
        : fd_(socket(six ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0)) {
        sockaddr_in four = loopback(0);
        sockaddr_in6 own = {};
        own.sin6_family = AF_INET6;
        own.sin6_addr = in6addr_loopback;
        socklen_t size = six ? sizeof own : sizeof four;
        auto* address = six ? reinterpret_cast<sockaddr*>(&own) : reinterpret_cast<sockaddr*>(&four);
        REQUIRE(bind(fd_, address, size) == 0);
        if (type == SOCK_STREAM && backlog >= 0) REQUIRE(listen(fd_, backlog) == 0);
        REQUIRE(getsockname(fd_, address, &size) == 0);
        port_ = ntohs(six ? own.sin6_port : four.sin_port);
        if (serve) thread_ = std::thread([this, serve, type] { run(serve, type); });
    }
    ~Server() {
        stopping_ = true;
        if (thread_.joinable()) thread_.join();
        for (int fd : accepted_) close(fd);
        close(fd_);
    }
    int port() const { return port_; }
    int fd() const { return fd_; }

private:
    void run(const Serve& serve, int type) {
        while (!stopping_) {
            pollfd polled{fd_, POLLIN, 0};
            if (poll(&polled, 1, 20) != 1) continue;
            if (type == SOCK_DGRAM) {
                serve(fd_);
                continue;
            }
            int connection = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
            serve(connection);
            accepted_.push_back(connection);
        }
    }

    int fd_;
    int port_ = 0;
    std::atomic<bool> stopping_{false};
    std::vector<int> accepted_;
    std::thread thread_;
};

void hang_up(int fd, bool reset) {
    linger hard{1, 0};
    if (reset) setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    // The descriptor stays with the server, which closes it: here the connection's other copy goes.
    int copy = dup(fd);
    int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, fd);
    close(nothing);
    close(copy);
}

/// Answers a DNS query: its own id and question, this response code, this many answers counted.
std::string dns_answer(std::string query, int code, int answers) {
    query[2] = static_cast<char>(0x81);
    query[3] = static_cast<char>(0x80 | code);
    query[7] = static_cast<char>(answers);
    return query;
}

void answer_dns_udp(int fd, int code, int answers) {
    char bytes[600];
    sockaddr_in from = {};
    socklen_t size = sizeof from;
    ssize_t got = recvfrom(fd, bytes, sizeof bytes, 0, reinterpret_cast<sockaddr*>(&from), &size);
    std::string answer = dns_answer(std::string(bytes, static_cast<std::size_t>(got)), code, answers);
    // First an answer to another question, which must not count.
    std::string strange = answer;
    strange[0] = static_cast<char>(strange[0] + 1);
    strange[3] = static_cast<char>(code == 3 ? 0x80 : 0x83);
    sendto(fd, strange.data(), strange.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    sendto(fd, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
}

void answer_dns_tcp(int fd, int code, int answers) {
    char bytes[600];
    ssize_t got = recv(fd, bytes, sizeof bytes, 0);
    std::string answer =
        std::string(bytes, 2) + dns_answer(std::string(bytes + 2, static_cast<std::size_t>(got - 2)), code, answers);
    // In two pieces, as a stream may bring it.
    send(fd, answer.data(), 1, MSG_NOSIGNAL);
    send(fd, answer.data() + 1, answer.size() - 1, MSG_NOSIGNAL);
}

class Request {
public:
    void add(const std::string& kind, int port, const std::string& address = "127.0.0.1",
             const std::string& name = "-") {
        text_ += "target t" + std::to_string(count_++) + " " + kind + " " + address + " " + std::to_string(port) + " " +
                 name + "\n";
    }
    std::string text() const { return "nonce " + std::string(kNonce) + "\n" + text_ + "end\n"; }

private:
    std::string text_;
    int count_ = 0;
};

/// A port of loopback where nothing listens: bound, never listened on.
struct Unused {
    Server server{SOCK_STREAM, nullptr, -1};
};

}  // namespace

TEST_CASE("tcp: data, held, reset, closed, refused and a silent network are told apart") {
    Server talks(SOCK_STREAM, [](int fd) { send(fd, "hello \x1b[1m\n", 11, MSG_NOSIGNAL); });
    Server silent(SOCK_STREAM, [](int) {});
    Server resets(SOCK_STREAM, [](int fd) { hang_up(fd, true); });
    Server closes(SOCK_STREAM, [](int fd) { hang_up(fd, false); });
    Server waits(SOCK_STREAM, [](int fd) {
        char bytes[100];
        ssize_t got = recv(fd, bytes, sizeof bytes, 0);
        if (std::string(bytes, static_cast<std::size_t>(got)).find("OPTIONS * HTTP/1.0\r\n") == 0)
            send(fd, "HTTP/1.0 400 no\r\n", 17, MSG_NOSIGNAL);
    });
    Unused unused;
    // A full queue: Linux takes one more than the backlog says, and drops every further SYN.
    Server full(SOCK_STREAM, nullptr, 0);
    int filler = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = loopback(full.port());
    REQUIRE(connect(filler, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);

    Request request;
    request.add("tcp", talks.port());
    request.add("tcp", silent.port());
    request.add("bundle", resets.port());
    request.add("bundle", closes.port());
    request.add("bundle", waits.port());
    request.add("tcp", unused.server.port());
    request.add("tcp", full.port());
    request.add("bundle", silent.port());
    request.add("tcp", silent.port(), "::ffff:127.0.0.1");
    ProbeRun run = run_probe("run", request.text());
    CHECK(run.exit_code == 0);
    CHECK(run.file_gone);
    auto got = outcomes(run, kNonce);
    CHECK(got["t0"] == "data - hello%20%1B%5B1m%0A");
    CHECK(got["t1"] == "held - -");
    CHECK(got["t2"] == "reset ECONNRESET -");
    CHECK(got["t3"] == "reset - closed");
    CHECK(got["t4"] == "data - HTTP/1.0%20400%20no%0D%0A");
    CHECK(got["t5"] == "refused ECONNREFUSED -");
    CHECK(got["t6"] == "timed-out - -");
    CHECK(got["t7"] == "held - -");
    CHECK(got["t8"] == "held - -");
    CHECK(got["end"] == "9");
    CHECK(got.size() == 10);
    close(filler);
}

TEST_CASE("a listener of the guest: nobody comes, somebody comes, the port is taken") {
    Server taken(SOCK_STREAM, [](int) {});
    int alone = 0;
    int visited = 0;
    {
        Unused one;
        Unused two;
        alone = one.server.port();
        visited = two.server.port();
    }
    Request request;
    request.add("listen", alone, "0.0.0.0");
    request.add("listen", visited, "0.0.0.0");
    request.add("listen", taken.port());
    std::atomic<bool> done{false};
    std::thread visitor([&] {
        sockaddr_in address = loopback(visited);
        for (bool came = false; !came && !done;) {
            int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            came = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
            close(fd);
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    });
    auto got = outcomes(run_probe("run", request.text()), kNonce);
    done = true;
    visitor.join();
    CHECK(got["t0"] == "listening - -");
    CHECK(got["t1"] == "connected - -");
    CHECK(got["t2"] == "other EADDRINUSE -");
}

TEST_CASE("a bundle port that hangs up only when it is asked was open for a second") {
    Server impatient(SOCK_STREAM, [](int fd) {
        char bytes[100];
        (void)recv(fd, bytes, sizeof bytes, 0);
        hang_up(fd, false);
    });
    Request request;
    request.add("bundle", impatient.port());
    CHECK(outcomes(run_probe("run", request.text()), kNonce)["t0"] == "held - closed");
}

TEST_CASE("udp: answered, refused, silent") {
    Server answers(SOCK_DGRAM, [](int fd) {
        char bytes[200];
        sockaddr_in from = {};
        socklen_t size = sizeof from;
        ssize_t length = recvfrom(fd, bytes, sizeof bytes, 0, reinterpret_cast<sockaddr*>(&from), &size);
        sendto(fd, bytes, static_cast<std::size_t>(length), 0, reinterpret_cast<sockaddr*>(&from), size);
    });
    Server silent(SOCK_DGRAM, nullptr);
    int unused = 0;
    {
        Server gone(SOCK_DGRAM, nullptr);
        unused = gone.port();
    }
    Request request;
    request.add("udp", answers.port());
    request.add("udp", silent.port());
    request.add("udp", unused);
    auto got = outcomes(run_probe("run", request.text()), kNonce);
    CHECK(got["t0"] == "answered - bottle-probe%20" + std::string(kNonce) + "%20t0%0A");
    CHECK(got["t1"] == "timed-out - -");
    CHECK(got["t2"] == "refused ECONNREFUSED -");
    char bytes[200];
    ssize_t length = recv(silent.fd(), bytes, sizeof bytes, MSG_DONTWAIT);
    CHECK(std::string(bytes, static_cast<std::size_t>(length > 0 ? length : 0)) ==
          "bottle-probe " + std::string(kNonce) + " t1\n");
}

TEST_CASE("dns: only NXDOMAIN for our own question is NXDOMAIN") {
    Server nxdomain(SOCK_DGRAM, [](int fd) { answer_dns_udp(fd, 3, 0); });
    Server found(SOCK_DGRAM, [](int fd) { answer_dns_udp(fd, 0, 1); });
    Server broken(SOCK_DGRAM, [](int fd) { answer_dns_udp(fd, 2, 0); });
    Server silent(SOCK_DGRAM, nullptr);
    Server nxdomain_tcp(SOCK_STREAM, [](int fd) { answer_dns_tcp(fd, 3, 0); });
    Server found_tcp(SOCK_STREAM, [](int fd) { answer_dns_tcp(fd, 0, 2); });
    Server silent_tcp(SOCK_STREAM, [](int) {});
    Server other_tcp(SOCK_STREAM, [](int fd) {
        send(fd,
             "\0\x0e"
             "SSH-2.0-nodns\n",
             16, MSG_NOSIGNAL);
    });
    Server closes_tcp(SOCK_STREAM, [](int fd) { hang_up(fd, true); });
    Unused unused;
    Request request;
    const std::string name = "0a1b.bottle-probe.invalid";
    for (const Server* server : {&nxdomain, &found, &broken, &silent})
        request.add("dns-udp", server->port(), "127.0.0.1", name);
    for (const Server* server : {&nxdomain_tcp, &found_tcp, &silent_tcp, &other_tcp, &closes_tcp, &unused.server}) {
        request.add("dns-tcp", server->port(), "127.0.0.1", name);
    }
    auto got = outcomes(run_probe("run", request.text()), kNonce);
    CHECK(got["t0"] == "nxdomain - rcode=3,answers=0");
    CHECK(got["t1"] == "answered - rcode=0,answers=1");
    CHECK(got["t2"] == "answered - rcode=2,answers=0");
    CHECK(got["t3"] == "timed-out - -");
    CHECK(got["t4"] == "nxdomain - rcode=3,answers=0");
    CHECK(got["t5"] == "answered - rcode=0,answers=2");
    CHECK(got["t6"] == "connected - -");
    CHECK(got["t7"] == "answered - not-dns");
    CHECK(got["t8"] == "reset ECONNRESET -");
    CHECK(got["t9"] == "refused ECONNREFUSED -");
}

TEST_CASE("IPv6: data and answers over ::1") {
    Server talks(
        SOCK_STREAM, [](int fd) { send(fd, "six\n", 4, MSG_NOSIGNAL); }, 16, true);
    Server silent(SOCK_DGRAM, nullptr, 0, true);
    Request request;
    request.add("tcp", talks.port(), "::1");
    request.add("udp", silent.port(), "::1");
    auto got = outcomes(run_probe("run", request.text()), kNonce);
    CHECK(got["t0"] == "data - six%0A");
    CHECK(got["t1"] == "timed-out - -");
}

TEST_CASE("a network without routes is unreachable, by every protocol") {
    Request request;
    for (const char* kind : {"tcp", "bundle", "udp", "dns-udp", "dns-tcp", "icmp"})
        request.add(kind, 9, "192.0.2.1", "a.invalid");
    request.add("tcp", 9, "2001:db8::1");
    request.add("udp", 9, "2001:db8::1");
    ProbeRun run = run_probe("run", request.text(), [] { return own_network(false); });
    REQUIRE(run.exit_code == 0);
    auto got = outcomes(run, kNonce);
    for (int i = 0; i < 8; ++i) CHECK(got["t" + std::to_string(i)].rfind("unreachable E", 0) == 0);
}

TEST_CASE("icmp: answered by loopback, silent where the kernel ignores echo") {
    Request request;
    request.add("icmp", 0);
    ProbeRun answered = run_probe("run", request.text(), [] { return own_network(true); });
    REQUIRE(answered.exit_code == 0);
    CHECK(outcomes(answered, kNonce)["t0"] == "answered - -");
    ProbeRun silent = run_probe("run", request.text(), [] {
        if (!own_network(true)) return false;
        int fd = open("/proc/sys/net/ipv4/icmp_echo_ignore_all", O_WRONLY);
        return write(fd, "1", 1) == 1 && close(fd) == 0;
    });
    REQUIRE(silent.exit_code == 0);
    CHECK(outcomes(silent, kNonce)["t0"] == "timed-out - -");
}

TEST_CASE("a refused permission is not a refused connection") {
    // An unprivileged process may not send to a broadcast address without asking for it: EACCES from connect.
    Request request;
    request.add("udp", 9, "127.255.255.255");
    CHECK(outcomes(run_probe("run", request.text(), [] { return own_network(true); }), kNonce)["t0"] ==
          "denied EACCES -");
}

TEST_CASE("ready and remove echo the nonce") {
    ProbeRun ready = run_probe("ready abc", "");
    CHECK(ready.exit_code == 0);
    CHECK(ready.out == "abc ready\n");
    CHECK_FALSE(ready.file_gone);
    ProbeRun removed = run_probe("remove abc", "");
    CHECK(removed.out == "abc ready\n");
    CHECK(removed.file_gone);
}

TEST_CASE("a request that makes no sense is refused, and nothing is tried") {
    auto refused = [](const std::string& input) {
        ProbeRun run = run_probe("run", input);
        return run.exit_code == 2 && run.out.empty() && !run.err.empty();
    };
    CHECK(refused("end\n"));
    CHECK(refused("nonce a\ntarget t0 tcp localhost 80 -\nend\n"));
    CHECK(refused("nonce a\ntarget t0 tcp 127.0.0.1 65536 -\nend\n"));
    CHECK(refused("nonce a\ntarget t0 tcp 127.0.0.1 80x -\nend\n"));
    CHECK(refused("nonce a\ntarget t0 sctp 127.0.0.1 80 -\nend\n"));
    CHECK(refused("nonce a\ntarget t0 tcp 127.0.0.1 80\nend\n"));
    CHECK(refused("nonce a\ntarget t0 tcp 127.0.0.1 80 - -\nend\n"));
    CHECK(refused("nonce a\nhello\n"));
    CHECK(refused("nonce " + std::string(65, 'a') + "\nend\n"));
    std::string many = "nonce a\n";
    for (int i = 0; i < 97; ++i) many += "target t tcp 127.0.0.1 1 -\n";
    CHECK(refused(many + "end\n"));
    CHECK(run_probe("", "").exit_code == 2);
}

namespace {

/// A child of a child of ours: when that one has ended, it is ours, and ends with this object.
class AdoptedChild {
public:
    AdoptedChild() { prctl(PR_SET_CHILD_SUBREAPER, 1); }
    ~AdoptedChild() {
        end();
        prctl(PR_SET_CHILD_SUBREAPER, 0);
    }
    AdoptedChild(const AdoptedChild&) = delete;
    AdoptedChild& operator=(const AdoptedChild&) = delete;

    /// True if one lived.
    bool end() {
        for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
            std::ifstream stat(entry.path() / "stat");
            std::string pid, name, state, parent;
            if (!(stat >> pid >> name >> state >> parent) || parent != std::to_string(getpid()) || name != "(probe)" || state == "Z") continue;
            kill(std::stoi(pid), SIGKILL);
            return waitpid(std::stoi(pid), nullptr, 0) == std::stoi(pid);
        }
        return false;
    }
};

}  // namespace

TEST_CASE("forward: a connection to the port comes out at the Unix socket, and the caller is not held") {
    TempFolder folder;
    const std::string path = folder.file("s.sock");
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(listener, 4) == 0);
    // Of a port that nobody has now.
    const int port = Server(SOCK_STREAM, {}).port();

    AdoptedChild forwarder;
    ProbeRun run = run_probe("forward " + std::string(kNonce) + " " + std::to_string(port) + " " + path, "");
    CHECK(run.exit_code == 0);
    CHECK(run.out == std::string(kNonce) + " listening\n");
    CHECK(run_probe("forward n " + std::to_string(port) + " " + path, "").out == "n taken\n");

    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to = loopback(port);
    REQUIRE(connect(client, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
    int came = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    REQUIRE(came >= 0);
    char bytes[8] = {};
    CHECK(write(client, "ping", 4) == 4);
    CHECK(read(came, bytes, 4) == 4);
    CHECK(std::string(bytes) == "ping");
    // An end of one side is passed on, and the other may go on.
    shutdown(client, SHUT_WR);
    CHECK(read(came, bytes, 4) == 0);
    CHECK(write(came, "pong", 4) == 4);
    CHECK(read(client, bytes, 4) == 4);
    CHECK(std::string(bytes) == "pong");
    close(came);
    CHECK(read(client, bytes, 4) == 0);
    close(client);
    close(listener);
    CHECK(forwarder.end());
}

TEST_CASE("forward: what makes no sense is refused") {
    for (const char* arguments : {"forward n 0 /s", "forward n 65536 /s", "forward n x /s", "forward n 80"}) CHECK(run_probe(arguments, "").exit_code == 2);
    CHECK(run_probe("forward n 80 /" + std::string(108, 'x'), "").exit_code == 2);
}
