#pragma once

#include "controllers/guest/probe/request.h"

#include <cstddef>
#include <cstdint>

namespace probe {

/// How one target answered. The words are those of `word_of`; what they mean to the proof is decided on the host.
enum class Outcome { Connected, Data, Held, Reset, Refused, Unreachable, Denied, TimedOut, Nxdomain, Answered, Listening, Other };

/// One target being tried, driven by poll. Times are milliseconds of CLOCK_MONOTONIC.
struct Attempt {
    enum class State { Connecting, Quiet, Asking, Replying, Heard, Listening, Done };

    const Target* target = nullptr;
    const char* nonce = nullptr;
    int64_t until = 0;      ///< when `elapsed` shall be called
    int64_t resend_at = 0;  ///< datagrams: when to send again
    size_t sent_length = 0;
    size_t got_length = 0;
    int fd = -1;
    State state = State::Done;
    Outcome outcome = Outcome::Other;
    int error = 0;                 ///< errno that decided it, or 0
    bool raw = false;              ///< an ICMP socket that delivers IP headers and everybody's packets
    char detail[220] = "-";        ///< what came back, escaped
    unsigned char sent[600] = {};  ///< the DNS query or datagram, as it went out
    unsigned char got[600] = {};   ///< a DNS answer by TCP arrives in pieces
};

// The guest may itself be emulated and ten times slower than real hardware: these are generous, and nothing waits
// longer than it must. connect + quiet + ask + quiet stays below `kWhole`.
inline constexpr int64_t kConnect = 5000;
inline constexpr int64_t kQuiet = 1000;  ///< smolvm accepts before it dials: a port without a listener is reset at once
inline constexpr int64_t kAsk = 2000;
inline constexpr int64_t kReply = 4000;
inline constexpr int64_t kListen = 3000;  ///< the host looks at its own table every 50 ms meanwhile
inline constexpr int64_t kResend = 1300;
inline constexpr int64_t kWhole = 10000;

/// Opens the socket and sends or connects; may already be done afterwards.
void start(Attempt& attempt, int64_t now);
/// The socket has something to say.
void ready(Attempt& attempt, int64_t now);
/// `until` has passed.
void elapsed(Attempt& attempt, int64_t now);
/// `resend_at` has passed.
void resend(Attempt& attempt, int64_t now);
/// The whole run is over: calls what is still going on by how far it came.
void cut_off(Attempt& attempt);
/// What to poll for.
short wanted(const Attempt& attempt);

const char* word_of(Outcome outcome);

// For stream.cpp and datagram.cpp.
void finish(Attempt& attempt, Outcome outcome, int error = 0);
/// Ends the attempt by what errno means for the network.
void fail(Attempt& attempt, int error);
/// Notes bytes from the other side, made safe for a line of words.
void note(Attempt& attempt, const unsigned char* bytes, size_t length);
/// Notes a fixed text of ours.
void note(Attempt& attempt, const char* text);

void start_stream(Attempt& attempt, int64_t now);
void stream_ready(Attempt& attempt, int64_t now);
void stream_elapsed(Attempt& attempt, int64_t now);
void start_datagram(Attempt& attempt, int64_t now);
void datagram_ready(Attempt& attempt);
void send_datagram(Attempt& attempt);

}  // namespace probe
