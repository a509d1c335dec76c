/* What strangers could make large on the network side, and why it stops where it stops. Those that
 * an administrator may change are defaults (struct net_server_limits). */
#ifndef NET_LIMITS_H
#define NET_LIMITS_H

#include <stddef.h>

/* Connections: each costs a file descriptor and, with TLS, about 50 KB. */
#define LIMIT_NET_CONNECTIONS 10000u
/* Of one address (of an IPv6 /64): a meeting of a thousand in one office, behind one router, must
 * fit with its requests. */
#define LIMIT_NET_CONNECTIONS_PER_ADDRESS 2000u

/* A frame before its sender has said who it is, and after. */
#define LIMIT_NET_FIRST_FRAME ((size_t)64 << 10)
#define LIMIT_NET_FRAME ((size_t)16 << 20)
/* Frames that are being put together, of all connections: else a thousand connections of 16 MiB
 * each would take all memory. */
#define LIMIT_NET_RECEIVING ((size_t)256 << 20)
/* Frames that wait for one slow connection. An empty queue takes one frame of any size. */
#define LIMIT_NET_QUEUE ((size_t)32 << 20)

/* An HTTP request: its head, and its body. */
#define LIMIT_NET_HEAD 8192u
#define LIMIT_NET_BODY ((size_t)256 << 10)

/* Frames a second of one connection, on average and in a burst (docs/PROTOCOL.md section 8). */
#define LIMIT_NET_RATE 50u
#define LIMIT_NET_BURST 200u

/* Connections taken in one go, so that a flood of them does not starve those there are. */
#define LIMIT_NET_ACCEPTS 64

/* Seconds: until a request's head or a first frame is there; until a body, a frame or an answer
 * got through; of silence before a ping; and for its answer. */
#define LIMIT_NET_HANDSHAKE_SECONDS 10u
#define LIMIT_NET_TRANSFER_SECONDS 60u
#define LIMIT_NET_IDLE_SECONDS 15u
#define LIMIT_NET_PONG_SECONDS 10u

/* UDP. Messages of one system call: with offload each is a burst of datagrams, which need
 * LIMIT_NET_UDP_MESSAGE bytes together; beyond 32 a call's own cost is no longer seen. */
#define LIMIT_NET_UDP_BATCH 32u
#define LIMIT_NET_UDP_MESSAGE ((size_t)65535)
/* Datagrams in one message out, and their bytes: UDP_MAX_SEGMENTS of the kernel, and what IP can
 * say less headers. */
#define LIMIT_NET_UDP_SEGMENTS ((size_t)64)
#define LIMIT_NET_UDP_PAYLOAD ((size_t)65000)
/* A socket's buffers: a burst to 1,000 receivers of four packets each fits. */
#define LIMIT_NET_UDP_BUFFER (8 << 20)
/* How often a call waits a millisecond for a full socket: all other meetings of the worker wait,
 * too, so not for longer than sound would be late. */
#define LIMIT_NET_UDP_WAITS 2u
/* Free ports tried until one is free for both IPv4 and IPv6. */
#define LIMIT_NET_UDP_PORTS 16u

/* A settings file, and a line of it. */
#define LIMIT_INI_FILE ((size_t)64 << 10)
#define LIMIT_INI_LINE 1024u

#endif
