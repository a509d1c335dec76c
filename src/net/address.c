#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/siphash.h"

/* Open addressing with linear probing; at most half full, so that probes are short. */
struct slot {
    struct net_address address;
    uint32_t count; /* 0: free */
};

struct net_addresses {
    uint8_t key[16]; /* strangers choose addresses, but not where they are put */
    size_t mask;
    uint32_t used, most;
    struct slot slots[];
};

void net_address_of(const struct sockaddr *sa, struct net_address *out,
                    char out_text[static NET_ADDRESS_TEXT])
{
    const struct sockaddr_in *v4 = (const void *)sa;
    const struct sockaddr_in6 *v6 = (const void *)sa;
    *out = (struct net_address){{0}};
    out_text[0] = '\0';
    if (sa->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
        out->p[0] = 4;
        memcpy(out->p + 1, v6->sin6_addr.s6_addr + 12, 4);
        (void)inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, out_text, NET_ADDRESS_TEXT);
    } else if (sa->sa_family == AF_INET6) {
        out->p[0] = 6;
        memcpy(out->p + 1, v6->sin6_addr.s6_addr, 8);
        (void)inet_ntop(AF_INET6, &v6->sin6_addr, out_text, NET_ADDRESS_TEXT);
    } else if (sa->sa_family == AF_INET) {
        out->p[0] = 4;
        memcpy(out->p + 1, &v4->sin_addr, 4);
        (void)inet_ntop(AF_INET, &v4->sin_addr, out_text, NET_ADDRESS_TEXT);
    }
}

int net_addresses_new(uint32_t most, struct net_addresses **out)
{
    size_t n = 16;
    while (n / 2 < most)
        n *= 2;
    struct net_addresses *t = calloc(1, sizeof *t + n * sizeof t->slots[0]);
    if (t == NULL)
        return CONCLAVE_ENOMEM;
    if (getrandom(t->key, sizeof t->key, 0) != (ssize_t)sizeof t->key) {
        free(t);
        return CONCLAVE_ERANDOM;
    }
    t->mask = n - 1;
    t->most = most;
    *out = t;
    return 0;
}

void net_addresses_free(struct net_addresses *t)
{
    free(t);
}

static size_t home_of(const struct net_addresses *t, const struct net_address *a)
{
    return (size_t)siphash(t->key, bytes_of(a->p, sizeof a->p)) & t->mask;
}

/* The address's slot, or the free one where it would go. */
static size_t find(const struct net_addresses *t, const struct net_address *a)
{
    size_t i = home_of(t, a);
    while (t->slots[i].count != 0 && memcmp(t->slots[i].address.p, a->p, sizeof a->p) != 0)
        i = (i + 1) & t->mask;
    return i;
}

bool net_addresses_add(struct net_addresses *t, const struct net_address *a, uint32_t limit)
{
    struct slot *s = &t->slots[find(t, a)];
    if (s->count >= limit || (s->count == 0 && t->used == t->most))
        return false;
    if (s->count == 0) {
        s->address = *a;
        t->used++;
    }
    s->count++;
    return true;
}

/* Closes the gap at i: whoever stands behind it and was pushed past it moves up. */
static void close_gap(struct net_addresses *t, size_t i)
{
    for (size_t j = (i + 1) & t->mask; t->slots[j].count != 0; j = (j + 1) & t->mask) {
        size_t home = home_of(t, &t->slots[j].address);
        if (((j - home) & t->mask) >= ((j - i) & t->mask)) {
            t->slots[i] = t->slots[j];
            t->slots[j].count = 0;
            i = j;
        }
    }
}

void net_addresses_remove(struct net_addresses *t, const struct net_address *a)
{
    size_t i = find(t, a);
    if (t->slots[i].count == 0 || --t->slots[i].count != 0)
        return;
    t->used--;
    close_gap(t, i);
}

uint32_t net_addresses_count(const struct net_addresses *t, const struct net_address *a)
{
    return t->slots[find(t, a)].count;
}
