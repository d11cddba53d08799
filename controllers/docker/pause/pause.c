/* The infra container's only process: it holds the bundle's network namespace and address, as a Kubernetes pod's pause does. It waits to be
 * told to end, and collects whatever children it is given. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void end(int number) {
    (void)number;
    _exit(0);
}

static void collect(int number) {
    (void)number;
    while (waitpid(-1, 0, WNOHANG) > 0) {
    }
}

int main(void) {
    struct sigaction action = {0};
    action.sa_handler = end;
    sigaction(SIGTERM, &action, 0);
    sigaction(SIGINT, &action, 0);
    action.sa_handler = collect;
    sigaction(SIGCHLD, &action, 0);
    for (;;) pause();
}
