#include "controllers/guest/probe/attempt.h"
#include "controllers/guest/probe/forward.h"
#include "controllers/guest/probe/place.h"
#include "controllers/guest/probe/request.h"

#include <poll.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

// bottle-probe ready NONCE   prints "NONCE ready": the guest runs programs
// bottle-probe remove NONCE  the same, and removes this file from the guest
// bottle-probe run           removes this file, reads a request (request.h), tries all targets at once, and prints
//                            for each one "<nonce> <id> <outcome> <errno name or -> <detail or ->",
//                            then "<nonce> end <number of targets>"
// bottle-probe place NONCE USER FILE
//                            removes this file and FILE, puts what is in that where the user's agent looks for it, and prints what is there then (place.h)
// bottle-probe forward NONCE PORT SOCKET
//                            listens on 127.0.0.1:PORT and goes on in the background, passing each connection on to the Unix socket. Prints
//                            "NONCE listening" once it listens; "NONCE taken" where somebody does already
namespace probe {
namespace {

Request request;
Attempt attempts[kMaxTargets];

int64_t now_ms() {
    timespec now = {};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

void remove_own_file() {
    char path[512];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0) return;
    path[length] = '\0';
    unlink(path);
}

bool is_datagram(const Attempt& attempt) {
    Kind kind = attempt.target->kind;
    return kind == Kind::Udp || kind == Kind::DnsUdp || kind == Kind::Icmp;
}

/// When the next thing is due, or -1 when every target is done.
int64_t next_due() {
    int64_t next = -1;
    for (int i = 0; i < request.count; ++i) {
        const Attempt& attempt = attempts[i];
        if (attempt.state == Attempt::State::Done) continue;
        int64_t due = attempt.until;
        if (is_datagram(attempt) && attempt.resend_at < due) due = attempt.resend_at;
        if (next < 0 || due < next) next = due;
    }
    return next;
}

void poll_all(int64_t wait) {
    pollfd polled[kMaxTargets];
    int which[kMaxTargets];
    nfds_t count = 0;
    for (int i = 0; i < request.count; ++i) {
        if (attempts[i].state == Attempt::State::Done) continue;
        which[count] = i;
        polled[count++] = {attempts[i].fd, wanted(attempts[i]), 0};
    }
    if (poll(polled, count, static_cast<int>(wait > 0 ? wait : 0)) <= 0) return;
    for (nfds_t i = 0; i < count; ++i) {
        if (polled[i].revents != 0) ready(attempts[which[i]], now_ms());
    }
}

void advance(int64_t now) {
    for (int i = 0; i < request.count; ++i) {
        Attempt& attempt = attempts[i];
        if (attempt.state == Attempt::State::Done) continue;
        if (now >= attempt.until)
            elapsed(attempt, now);
        else if (is_datagram(attempt) && now >= attempt.resend_at)
            resend(attempt, now);
    }
}

void try_all() {
    for (int i = 0; i < request.count; ++i) {
        attempts[i].target = &request.targets[i];
        attempts[i].nonce = request.nonce;
        start(attempts[i], now_ms());
    }
    int64_t end = now_ms() + kWhole;
    for (;;) {
        // The clock is read before the sockets: in a guest that gets little processor time, a connection that was
        // closed within its second of silence must not be called open because we looked late.
        int64_t now = now_ms();
        int64_t next = next_due();
        if (next < 0) return;
        poll_all((next < end ? next : end) - now);
        advance(now);
        if (now >= end) break;
    }
    for (int i = 0; i < request.count; ++i) cut_off(attempts[i]);
}

void print_results() {
    for (int i = 0; i < request.count; ++i) {
        const Attempt& attempt = attempts[i];
        const char* error = attempt.error == 0 ? "-" : strerrorname_np(attempt.error);
        printf("%s %s %s %s %s\n", request.nonce, attempt.target->id, word_of(attempt.outcome),
               error == nullptr ? "E?" : error, attempt.detail);
    }
    printf("%s end %d\n", request.nonce, request.count);
}

int run() {
    remove_own_file();
    const char* wrong = read_request(STDIN_FILENO, request);
    if (wrong != nullptr) {
        fprintf(stderr, "bottle-probe: %s\n", wrong);
        return 2;
    }
    try_all();
    // A VMM that is killed soon after a first boot must not take along what the guest wrote then: smolvm 1.32.2 would not start the machine again.
    sync();
    print_results();
    return fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace
}  // namespace probe

int main(int argc, char** argv) {
    signal(SIGPIPE, SIG_IGN);
    if (argc == 2 && strcmp(argv[1], "run") == 0) return probe::run();
    if (argc == 5 && strcmp(argv[1], "forward") == 0) return probe::forward(argv[2], argv[3], argv[4]);
    if (argc == 5 && strcmp(argv[1], "place") == 0) {
        probe::remove_own_file();
        return probe::place(argv[2], argv[3], argv[4]);
    }
    bool remove = argc == 3 && strcmp(argv[1], "remove") == 0;
    if (!remove && (argc != 3 || strcmp(argv[1], "ready") != 0)) {
        fputs("usage: bottle-probe run | ready NONCE | remove NONCE | forward NONCE PORT SOCKET | place NONCE USER FILE\n", stderr);
        return 2;
    }
    if (remove) probe::remove_own_file();
    printf("%s ready\n", argv[2]);
    return fflush(stdout) == 0 ? 0 : 1;
}
