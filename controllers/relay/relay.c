#define _GNU_SOURCE
#include "controllers/relay/relay.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

enum { kMaxPairs = 128, kBuffer = 16384, kMaxPort = 65535 };

/* Bytes on their way from one side to the other. */
struct Flow {
    size_t begin, end;
    int ended; /* nothing more comes */
    int shut;  /* and the other side was told so */
    char bytes[kBuffer];
};

/* sides[0] came, sides[1] was dialled; flows[i] is filled from sides[i]. */
struct Pair {
    int sides[2];
    int used, connecting;
    struct Flow flows[2];
};

static struct Pair pairs[kMaxPairs];

static void close_pair(struct Pair *pair) {
    close(pair->sides[0]);
    close(pair->sides[1]);
    pair->used = 0;
}

static struct Pair *unused_pair(void) {
    for (int i = 0; i < kMaxPairs; ++i) {
        if (!pairs[i].used) return &pairs[i];
    }
    return NULL;
}

static void accept_one(int listener, int (*dial)(void)) {
    struct Pair *pair = unused_pair();
    const int came = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (came < 0) return;
    const int dialled = dial();
    if (dialled < 0) {
        close(came);
        return;
    }
    pair->sides[0] = came;
    pair->sides[1] = dialled;
    pair->used = pair->connecting = 1;
    for (int i = 0; i < 2; ++i) {
        struct Flow *flow = &pair->flows[i];
        flow->begin = flow->end = 0;
        flow->ended = flow->shut = 0;
    }
}

static int would_wait(void) {
    return errno == EAGAIN || errno == EINTR;
}

/* 0 where the connection broke. */
static int fill(struct Flow *flow, int from) {
    const ssize_t got = recv(from, flow->bytes, kBuffer, 0);
    if (got < 0) return would_wait();
    if (got == 0) flow->ended = 1;
    flow->begin = 0;
    flow->end = (size_t)got;
    return 1;
}

static int drain(struct Flow *flow, int to) {
    const ssize_t sent = send(to, flow->bytes + flow->begin, flow->end - flow->begin, MSG_NOSIGNAL);
    if (sent < 0) return would_wait();
    flow->begin += (size_t)sent;
    return 1;
}

static int is_empty(const struct Flow *flow) {
    return flow->begin == flow->end;
}

/* An end is passed on once everything before it was. */
static void pass_end(struct Flow *flow, int to) {
    if (!flow->ended || flow->shut || !is_empty(flow)) return;
    shutdown(to, SHUT_WR);
    flow->shut = 1;
}

/* What to wait for at one side; nothing: it is not looked at, as a side that is gone would be reported without end. */
static short wanted(const struct Pair *pair, int side) {
    short events = 0;
    if (pair->connecting) return side == 1 ? POLLOUT : 0;
    if (!pair->flows[side].ended && is_empty(&pair->flows[side])) events |= POLLIN;
    if (!is_empty(&pair->flows[1 - side])) events |= POLLOUT;
    return events;
}

static int is_connected(int fd) {
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

/* 0 where the pair is done with. */
static int serve(struct Pair *pair, int side, short events) {
    if (pair->connecting) {
        if (!is_connected(pair->sides[1])) return 0;
        pair->connecting = 0;
        return 1;
    }
    struct Flow *out = &pair->flows[side];
    struct Flow *in = &pair->flows[1 - side];
    /* A side that is gone says so to whoever sends or receives. */
    const short gone = POLLHUP | POLLERR;
    if ((events & (POLLOUT | gone)) != 0 && !is_empty(in) && !drain(in, pair->sides[side])) return 0;
    if ((events & (POLLIN | gone)) != 0 && !out->ended && is_empty(out) && !fill(out, pair->sides[side])) return 0;
    pass_end(in, pair->sides[side]);
    pass_end(out, pair->sides[1 - side]);
    return !(in->shut && out->shut);
}

void relay(int listener, int (*dial)(void)) {
    static struct pollfd polled[1 + 2 * kMaxPairs];
    for (;;) {
        polled[0].fd = unused_pair() != NULL ? listener : -1;
        polled[0].events = POLLIN;
        for (int i = 0; i < 2 * kMaxPairs; ++i) {
            const struct Pair *pair = &pairs[i / 2];
            const short events = pair->used ? wanted(pair, i % 2) : 0;
            polled[1 + i].fd = events != 0 ? pair->sides[i % 2] : -1;
            polled[1 + i].events = events;
        }
        if (poll(polled, 1 + 2 * kMaxPairs, -1) < 0) {
            if (errno == EINTR) continue;
            return;
        }
        for (int i = 0; i < 2 * kMaxPairs; ++i) {
            struct Pair *pair = &pairs[i / 2];
            if (polled[1 + i].fd < 0 || polled[1 + i].revents == 0 || !pair->used) continue;
            if (!serve(pair, i % 2, polled[1 + i].revents)) close_pair(pair);
        }
        /* Last: a pair that is used anew must not be served by what its predecessor was polled for. */
        if (polled[0].fd >= 0 && polled[0].revents != 0) accept_one(listener, dial);
    }
}

int stream_socket(int family) {
    return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

int port_of(const char *text) {
    int port = 0;
    for (; *text >= '0' && *text <= '9' && port <= kMaxPort; ++text) port = port * 10 + (*text - '0');
    return *text == '\0' && port <= kMaxPort ? port : 0;
}
