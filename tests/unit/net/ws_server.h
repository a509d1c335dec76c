/* A WebSocket server that echoes, in a process of its own: the other side of net/client.h. (Two
 * TLS contexts of libwebsockets in one process are not freed wholly.)
 */
#ifndef TESTS_UNIT_NET_WS_SERVER_H
#define TESTS_UNIT_NET_WS_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct ws_server {
    pid_t pid;
    uint16_t port; /* of 127.0.0.1 */
};

struct ws_server_config {
    const char *certificate, *key; /* PEM files for TLS, or NULL */
    bool weak;                     /* AES-128 is all it speaks */
    bool hang;                     /* it does not read what clients send */
};

/* Subprotocol "echo". */
struct ws_server ws_server_start(const struct ws_server_config *config);
void ws_server_stop(const struct ws_server *s);

/* Another one, that sends as much as it can before it begins to read, as a busy one would.
 * ws_server_heard(): whether this text came in and the client then closed as RFC 6455 says; the
 * server has then ended. */
struct ws_server ws_server_start_talking(const char *text);
bool ws_server_heard(const struct ws_server *s);

/* A certificate for "localhost" that signs itself, and its key, as PEM files. */
void ws_server_make_certificate(const char *certificate, const char *key);

#endif
