/* A queue of messages from some threads to one, which is woken by a descriptor: net_watch_new() or
 * net_udp_wait() wait for it. Nothing is copied: a message belongs to whoever has it. Memory is the
 * messages' own, so handing one over cannot fail for want of it.
 */
#ifndef NET_CHANNEL_H
#define NET_CHANNEL_H

#include <conclave/bytes.h>

struct net_channel;

/* The first member of what is sent. */
struct net_message {
    struct net_message *next;
};

/* most: as many messages may wait. ENOMEM; EINTERNAL: no descriptor is left. */
int net_channel_new(size_t most, struct net_channel **out) CONCLAVE_CHECKED;
/* It is empty: whoever ends both ends has taken what was left. NULL is fine. */
void net_channel_free(struct net_channel *c);

/* Readable when there is something to take. The channel's own: only to be waited for. */
int net_channel_fd(const struct net_channel *c);

/* false: too many wait, and the message is still the caller's. must: it is taken all the same, for
 * what the caller bounds otherwise and must not be lost. */
bool net_channel_put(struct net_channel *c, struct net_message *m, bool must);

/* All that waited, oldest first, linked by next; NULL if nothing did. */
struct net_message *net_channel_take(struct net_channel *c);

#endif
