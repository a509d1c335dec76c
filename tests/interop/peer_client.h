/* One client of mls-peer: its keys, at most one group, and what an application would store. */
#ifndef CONCLAVE_TESTS_INTEROP_PEER_CLIENT_H
#define CONCLAVE_TESTS_INTEROP_PEER_CLIENT_H

#include <conclave/mls.h>
#include <jansson.h>

#define PEER_MAX_PSKS 64
#define PEER_MAX_DELTAS 4096

struct peer_psk {
    struct buf id, secret;
};

struct peer {
    struct peer *next;
    char *name;
    struct crypto *crypto;
    struct crypto_signer *signer;
    struct mls_client *client;
    struct mls_key_package *key_package;
    struct mls_group *group;
    struct peer_psk psks[PEER_MAX_PSKS];
    size_t n_psks;
    struct buf saved; /* the group as of its last save; empty: it was never saved */
    struct buf deltas[PEER_MAX_DELTAS];
    size_t n_deltas;
};

/* From the command `new`; see mls_peer.c. */
int peer_new(const char *name, const json_t *command, struct peer **out) CONCLAVE_CHECKED;
void peer_free(struct peer *p);

int peer_add_psk(struct peer *p, struct bytes id, struct bytes secret) CONCLAVE_CHECKED;

/* Takes a group as the peer's own and saves it, so that deltas have something to stand on. */
int peer_take_group(struct peer *p, struct mls_group *group) CONCLAVE_CHECKED;

/* Saves the group whole; older deltas are dropped. */
int peer_save(struct peer *p) CONCLAVE_CHECKED;

/* Throws the group away and restores it from the last save and the deltas since. */
int peer_restore(struct peer *p) CONCLAVE_CHECKED;

void peer_drop_group(struct peer *p);

#endif
