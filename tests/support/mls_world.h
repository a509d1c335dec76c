/* A small world for the tests of src/mls: clients, groups of real members, and a server that sees
 * what all see. Everything happens at WORLD_NOW; suite 1, whose signatures are deterministic, so
 * that a message built again of the same parts is the same message.
 */
#ifndef TESTS_SUPPORT_MLS_WORLD_H
#define TESTS_SUPPORT_MLS_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mls/group.h"

#define WORLD_NOW 1700000000u
#define WORLD_DAY 86400u
#define WORLD_MAX ((size_t)64)

struct world_actor {
    struct crypto_signer *signer;
    struct mls_client *client;
    struct mls_group *group; /* NULL: not a member */
};

struct world {
    struct crypto *crypto;
    struct mls_client_config config;        /* of the clients made from now on */
    const struct mls_extension *extensions; /* of the group to be founded */
    size_t n_extensions;
    struct world_actor actor[WORLD_MAX];
    size_t n;
    struct mls_public_group *server; /* follows the group if there is one */
    struct mls_key_package *packages[4 * WORLD_MAX];
    size_t n_packages;
};

/* No GREASE, so that sizes repeat. */
void world_init(struct world *w);
void world_init_suite(struct world *w, uint16_t suite);
void world_fini(struct world *w);

/* A client under w->config; returns its index. Names are given: "a", "b", ... */
size_t world_actor(struct world *w);

/* A fresh key package; kept, and freed with the world. */
struct mls_key_package *world_key_package(struct world *w, size_t actor);
struct mls_change world_add(struct world *w, size_t actor);

/* Actors until there are n, and a group of the first n of them, founded by the first. */
void world_group(struct world *w, size_t n);

/* A server's view of the group. */
void world_serve(struct world *w);

/* One member commits; it and all others merge; those added, if any, join. */
void world_commit(struct world *w, size_t by, const struct mls_change *changes, size_t n);
/* An actor that is in no group is added by a commit. */
void world_join(struct world *w, size_t by, size_t actor);
/* A commit of one that everybody else receives and merges. */
void world_deliver(struct world *w, size_t from, struct bytes message);
/* A proposal that all have received. out may be NULL. */
void world_propose(struct world *w, size_t by, struct mls_change change, struct buf *out);

/* All members are in the same epoch of the same group, and so is the server. */
void world_agrees(const struct world *w);

/* One application message from each to each. */
void world_talks(struct world *w);

/* The state of a group, whole. */
struct buf world_state(struct mls_group *g);

/* The message is refused with this error, and the group's saved state is what it was. */
void world_refuses(struct mls_group *g, struct bytes message, int error);

/* All members but one refuse it, and the server, too. */
void world_all_refuse(struct world *w, size_t from, struct bytes message, int error);
/* The same where the rule is one that only members can see. */
void world_members_refuse(struct world *w, size_t from, struct bytes message, int error);
/* Everybody but one takes it; what was staged is dropped. */
void world_all_take(struct world *w, size_t from, struct bytes message);

/* The commit cannot even be made, and the group's saved state is what it was. */
void world_cannot_commit(struct mls_group *g, const struct mls_change *changes, size_t n,
                         int error);

/* Takes a staged commit out of what was received, and fails if there is none. */
struct mls_staged *world_stage(struct mls_group *g, struct bytes message);

#endif
