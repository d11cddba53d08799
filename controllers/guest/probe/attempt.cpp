#include "controllers/guest/probe/attempt.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace probe {
namespace {

bool is_stream(const Attempt& attempt) {
    Kind kind = attempt.target->kind;
    return kind == Kind::Bundle || kind == Kind::Tcp || kind == Kind::DnsTcp || kind == Kind::Listen;
}

Outcome meaning(int error) {
    switch (error) {
        case ECONNREFUSED:
            return Outcome::Refused;
        case ENETUNREACH:
        case EHOSTUNREACH:
        case ENETDOWN:
        case EADDRNOTAVAIL:  // IPv6 without any source address
        case EAFNOSUPPORT:   // a kernel without IPv6
            return Outcome::Unreachable;
        case EACCES:
        case EPERM:
            return Outcome::Denied;
        case ETIMEDOUT:
            return Outcome::TimedOut;
        case ECONNRESET:
        case EPIPE:
            return Outcome::Reset;
        default:
            return Outcome::Other;
    }
}

}  // namespace

void finish(Attempt& attempt, Outcome outcome, int error) {
    attempt.outcome = outcome;
    attempt.error = error;
    attempt.state = Attempt::State::Done;
    if (attempt.fd >= 0) close(attempt.fd);
    attempt.fd = -1;
}

void fail(Attempt& attempt, int error) {
    finish(attempt, meaning(error), error);
}

void note(Attempt& attempt, const unsigned char* bytes, size_t length) {
    size_t used = 0;
    for (size_t i = 0; i < length && i < 64 && used + 4 < sizeof attempt.detail; ++i) {
        unsigned char byte = bytes[i];
        bool plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
                     byte == '-' || byte == '.' || byte == '/' || byte == ':' || byte == '_';
        if (plain) {
            attempt.detail[used++] = static_cast<char>(byte);
        } else {
            snprintf(attempt.detail + used, sizeof attempt.detail - used, "%%%02X", byte);
            used += 3;
        }
    }
    if (used == 0) attempt.detail[used++] = '-';
    attempt.detail[used] = '\0';
}

void note(Attempt& attempt, const char* text) {
    snprintf(attempt.detail, sizeof attempt.detail, "%s", text);
}

void start(Attempt& attempt, int64_t now) {
    if (is_stream(attempt))
        start_stream(attempt, now);
    else
        start_datagram(attempt, now);
}

void ready(Attempt& attempt, int64_t now) {
    if (is_stream(attempt))
        stream_ready(attempt, now);
    else
        datagram_ready(attempt);
}

void elapsed(Attempt& attempt, int64_t now) {
    if (is_stream(attempt))
        stream_elapsed(attempt, now);
    else
        finish(attempt, Outcome::TimedOut);
}

void resend(Attempt& attempt, int64_t now) {
    attempt.resend_at = now + kResend;
    send_datagram(attempt);
}

void cut_off(Attempt& attempt) {
    switch (attempt.state) {
        case Attempt::State::Connecting:
            return finish(attempt, Outcome::TimedOut);
        case Attempt::State::Quiet:
            return finish(attempt, Outcome::Connected);
        case Attempt::State::Asking:
            return finish(attempt, Outcome::Held);
        case Attempt::State::Replying:
            return finish(attempt, is_stream(attempt) ? Outcome::Connected : Outcome::TimedOut);
        case Attempt::State::Heard:
            return finish(attempt, Outcome::Data);
        case Attempt::State::Listening:
            return finish(attempt, Outcome::Listening);
        case Attempt::State::Done:
            return;
    }
}

short wanted(const Attempt& attempt) {
    if (attempt.state == Attempt::State::Heard) return 0;
    return attempt.state == Attempt::State::Connecting ? POLLOUT : POLLIN;
}

const char* word_of(Outcome outcome) {
    switch (outcome) {
        case Outcome::Connected:
            return "connected";
        case Outcome::Data:
            return "data";
        case Outcome::Held:
            return "held";
        case Outcome::Reset:
            return "reset";
        case Outcome::Refused:
            return "refused";
        case Outcome::Unreachable:
            return "unreachable";
        case Outcome::Denied:
            return "denied";
        case Outcome::TimedOut:
            return "timed-out";
        case Outcome::Nxdomain:
            return "nxdomain";
        case Outcome::Answered:
            return "answered";
        case Outcome::Listening:
            return "listening";
        case Outcome::Other:
            return "other";
    }
    return "other";
}

}  // namespace probe
