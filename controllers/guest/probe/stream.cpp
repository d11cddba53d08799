#include "controllers/guest/probe/attempt.h"
#include "controllers/guest/probe/dns.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

// TCP: a port of the bundle, a port that must be out of reach, DNS by TCP, and a listener that nobody shall reach.
namespace probe {
namespace {

/// Sends a few bytes into a fresh connection's empty buffer. What goes wrong shows in the next read.
void say(Attempt& attempt, const void* bytes, size_t length) {
    ssize_t sent = send(attempt.fd, bytes, length, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) fail(attempt, errno);
}

void ask(Attempt& attempt, int64_t now) {
    attempt.state = Attempt::State::Asking;
    attempt.until = now + kAsk;
    // A service of the bundle that waits for its client to speak first answers this, or closes; either is fine by then.
    static const char http[] = "OPTIONS * HTTP/1.0\r\n\r\n";
    char own[128];
    int length = snprintf(own, sizeof own, "bottle-probe %s\n", attempt.nonce);
    if (attempt.target->kind == Kind::Bundle)
        say(attempt, http, sizeof http - 1);
    else
        say(attempt, own, static_cast<size_t>(length));
    // It was open, in silence, for a second: a failing send changes nothing in that.
    if (attempt.state == Attempt::State::Done) attempt.outcome = Outcome::Held;
}

void connected(Attempt& attempt, int64_t now) {
    if (attempt.target->kind != Kind::DnsTcp) {
        attempt.state = Attempt::State::Quiet;
        attempt.until = now + kQuiet;
        return;
    }
    attempt.sent_length = dns_query(attempt.target->name, attempt.sent, sizeof attempt.sent);
    unsigned char framed[sizeof attempt.sent + 2];
    framed[0] = static_cast<unsigned char>(attempt.sent_length >> 8);
    framed[1] = static_cast<unsigned char>(attempt.sent_length & 0xff);
    memcpy(framed + 2, attempt.sent, attempt.sent_length);
    attempt.state = Attempt::State::Replying;
    attempt.until = now + kReply;
    say(attempt, framed, attempt.sent_length + 2);
}

void closed(Attempt& attempt, int error) {
    note(attempt, error == 0 ? "closed" : "-");
    finish(attempt, attempt.state == Attempt::State::Asking ? Outcome::Held : Outcome::Reset, error);
}

void dns_bytes(Attempt& attempt) {
    if (attempt.got_length < 2) return;
    size_t length = static_cast<size_t>(attempt.got[0] << 8 | attempt.got[1]);
    if (attempt.got_length < 2 + length && attempt.got_length < sizeof attempt.got) return;
    judge_dns(attempt, attempt.got + 2, attempt.got_length - 2);
}

void start_listening(Attempt& attempt, const sockaddr* address, int64_t now) {
    if (bind(attempt.fd, address, attempt.target->address_length) != 0 || listen(attempt.fd, 1) != 0) return fail(attempt, errno);
    attempt.state = Attempt::State::Listening;
    attempt.until = now + kListen;
}

}  // namespace

void start_stream(Attempt& attempt, int64_t now) {
    attempt.fd = socket(attempt.target->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (attempt.fd < 0) return fail(attempt, errno);
    const sockaddr* address = reinterpret_cast<const sockaddr*>(&attempt.target->address);
    if (attempt.target->kind == Kind::Listen) return start_listening(attempt, address, now);
    attempt.state = Attempt::State::Connecting;
    attempt.until = now + kConnect;
    // An unreachable network shows here and only here: SO_ERROR of such a socket is 0 afterwards.
    if (connect(attempt.fd, address, attempt.target->address_length) == 0)
        connected(attempt, now);
    else if (errno != EINPROGRESS)
        fail(attempt, errno);
}

void stream_ready(Attempt& attempt, int64_t now) {
    if (attempt.state == Attempt::State::Listening) return finish(attempt, Outcome::Connected);
    if (attempt.state == Attempt::State::Heard) return finish(attempt, Outcome::Data);
    if (attempt.state == Attempt::State::Connecting) {
        int error = 0;
        socklen_t size = sizeof error;
        if (getsockopt(attempt.fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
        if (error != 0)
            fail(attempt, error);
        else
            connected(attempt, now);
        return;
    }
    unsigned char* to = attempt.got + attempt.got_length;
    ssize_t got = recv(attempt.fd, to, sizeof attempt.got - attempt.got_length, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return closed(attempt, got == 0 ? 0 : errno);
    attempt.got_length += static_cast<size_t>(got);
    if (attempt.target->kind == Kind::DnsTcp) return dns_bytes(attempt);
    note(attempt, attempt.got, attempt.got_length);
    if (attempt.target->kind != Kind::Bundle) return finish(attempt, Outcome::Data);
    // Held on to, so that the host sees it too, also where the service speaks first.
    attempt.state = Attempt::State::Heard;
    attempt.until = now + kQuiet;
}

void stream_elapsed(Attempt& attempt, int64_t now) {
    switch (attempt.state) {
        case Attempt::State::Connecting:
            return finish(attempt, Outcome::TimedOut);
        case Attempt::State::Quiet:
            return ask(attempt, now);
        case Attempt::State::Asking:
            return finish(attempt, Outcome::Held);
        case Attempt::State::Replying:
            return finish(attempt, Outcome::Connected);
        case Attempt::State::Heard:
            return finish(attempt, Outcome::Data);
        case Attempt::State::Listening:
            return finish(attempt, Outcome::Listening);
        case Attempt::State::Done:
            return;
    }
}

}  // namespace probe
