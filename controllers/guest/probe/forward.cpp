#include "controllers/guest/probe/forward.h"

#include "controllers/relay/relay.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

namespace probe {
namespace {

sockaddr_un target = {};

int dial_socket() {
    int fd = stream_socket(AF_UNIX);
    if (fd < 0 || connect(fd, reinterpret_cast<const sockaddr*>(&target), sizeof target) == 0) return fd;
    close(fd);
    return -1;
}

int listen_on(int port) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<in_port_t>(port));
    int fd = stream_socket(AF_INET);
    int on = 1;
    // Connections of a forwarder that was here before may still linger.
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) return -1;
    bool good = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 && listen(fd, SOMAXCONN) == 0;
    return good ? fd : -1;
}

/// Away from whoever called: none of its streams, its session, its folder.
bool detach() {
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing < 0 || chdir("/") != 0) return false;
    setsid();
    for (int fd = 0; fd <= STDERR_FILENO; ++fd) {
        if (dup2(nothing, fd) < 0) return false;
    }
    return true;
}

}  // namespace

int forward(const char* nonce, const char* port, const char* path) {
    int number = port_of(port);
    if (number == 0 || strlen(path) >= sizeof target.sun_path) {
        fputs("bottle-probe: no such port or socket\n", stderr);
        return 2;
    }
    signal(SIGHUP, SIG_IGN);
    target.sun_family = AF_UNIX;
    memcpy(target.sun_path, path, strlen(path) + 1);
    int listener = listen_on(number);
    if (listener < 0 && errno != EADDRINUSE) {
        fprintf(stderr, "bottle-probe: port %d: %s\n", number, strerror(errno));
        return 1;
    }
    if (listener >= 0) {
        pid_t background = fork();
        if (background < 0) return 1;
        if (background == 0) {
            if (detach()) relay(listener, dial_socket);
            _exit(1);
        }
    }
    printf("%s %s\n", nonce, listener >= 0 ? "listening" : "taken");
    return fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace probe
