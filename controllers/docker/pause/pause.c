/* The infra container's only process: it holds the bundle's network namespace and address, as a Kubernetes pod's pause does. It waits to be
 * told to end, and collects whatever children it is given.
 *
 * pause               does nothing else
 * pause SOCKET PORT   listens on the Unix socket, which is made anew, and passes each connection on to 127.0.0.1:PORT in its own network
 *                     namespace, from 127.0.0.2: so whoever looks at that namespace's sockets tells them from the containers' own */
#include "controllers/relay/relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int port;

static void end(int number) {
    (void)number;
    _exit(0);
}

static void collect(int number) {
    (void)number;
    const int error = errno;
    while (waitpid(-1, 0, WNOHANG) > 0) {
    }
    errno = error;
}

static struct sockaddr_in loopback(in_addr_t address, int number) {
    struct sockaddr_in made = {0};
    made.sin_family = AF_INET;
    made.sin_addr.s_addr = htonl(address);
    made.sin_port = htons((in_port_t)number);
    return made;
}

static int dial_proxy(void) {
    const struct sockaddr_in from = loopback(INADDR_LOOPBACK + 1, 0);
    const struct sockaddr_in to = loopback(INADDR_LOOPBACK, port);
    const int fd = stream_socket(AF_INET);
    if (fd < 0) return -1;
    if (bind(fd, (const struct sockaddr *)&from, sizeof from) == 0 && (connect(fd, (const struct sockaddr *)&to, sizeof to) == 0 || errno == EINPROGRESS)) return fd;
    close(fd);
    return -1;
}

/* Open to its owner and group alone. */
static int listen_on(const char *path) {
    struct sockaddr_un address = {0};
    address.sun_family = AF_UNIX;
    if (strlen(path) >= sizeof address.sun_path) return -1;
    memcpy(address.sun_path, path, strlen(path) + 1);
    const int fd = stream_socket(AF_UNIX);
    umask(0117);
    if (unlink(path) != 0 && errno != ENOENT) return -1;
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 || listen(fd, SOMAXCONN) != 0) return -1;
    return fd;
}

int main(int argc, char **argv) {
    struct sigaction action = {0};
    action.sa_handler = end;
    sigaction(SIGTERM, &action, 0);
    sigaction(SIGINT, &action, 0);
    action.sa_handler = collect;
    sigaction(SIGCHLD, &action, 0);
    if (argc == 1) {
        for (;;) pause();
    }
    port = argc == 3 ? port_of(argv[2]) : 0;
    if (port == 0) {
        fputs("usage: pause [SOCKET PORT]\n", stderr);
        return 2;
    }
    const int listener = listen_on(argv[1]);
    if (listener >= 0) relay(listener, dial_proxy);
    fprintf(stderr, "pause: %s: %s\n", argv[1], strerror(errno));
    return 1;
}
