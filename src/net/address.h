/* How many connections each address has. */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include <conclave/bytes.h>
#include <sys/socket.h>

#define NET_ADDRESS_TEXT 46 /* the longest IPv6 address, with its terminator */

/* What counts as one: an IPv4 address, or the first 64 bits of an IPv6 one, because a home or a
 * rented machine has all the rest. */
struct net_address {
    uint8_t p[9];
};

/* The text is the whole address, without port; "" if it is of neither kind. */
void net_address_of(const struct sockaddr *sa, struct net_address *out,
                    char out_text[static NET_ADDRESS_TEXT]);

/* A table for at most this many counted at once. ENOMEM, ERANDOM. */
struct net_addresses;
int net_addresses_new(uint32_t most, struct net_addresses **out) CONCLAVE_CHECKED;
void net_addresses_free(struct net_addresses *t);

/* One more; false, and nothing counted, if there are `limit` already or the table is full. */
bool net_addresses_add(struct net_addresses *t, const struct net_address *a, uint32_t limit);
/* One less of an address that was added. */
void net_addresses_remove(struct net_addresses *t, const struct net_address *a);
uint32_t net_addresses_count(const struct net_addresses *t, const struct net_address *a);

#endif
