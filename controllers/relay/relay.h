#ifndef BOTTLE_RELAY_H
#define BOTTLE_RELAY_H

/* What carries a connection across the wall of a machine without a network, on both sides of it: in infra (from the mounted socket to the bundle's
 * proxy) and in the guest (from its own loopback to the mounted socket). Both programs are static and alone in a strange root file system: one
 * thread, no allocation, and memory that is bounded. */

#ifdef __cplusplus
extern "C" {
#endif

/* Takes every connection that comes to `listener` (a listening, non-blocking socket), calls `dial` for the other side of it, and carries bytes
 * both ways until both sides have ended. `dial` returns a non-blocking socket that is connected or about to be, or -1: then the one that came is
 * closed. With kMaxPairs of them open, more wait in the listener's queue. Returns only when poll fails. */
void relay(int listener, int (*dial)(void));

/* A non-blocking stream socket of the family, closed on exec; -1 where there is none. */
int stream_socket(int family);

/* The port in a decimal text, 1 to 65535; 0 for anything else. */
int port_of(const char *text);

#ifdef __cplusplus
}
#endif

#endif
