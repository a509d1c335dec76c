/* The delivery service of the simulation. It orders handshakes: the first valid commit of an epoch
 * is the commit of that epoch. Where handshakes are public it validates them with a
 * mls_public_group, else it goes by what can be seen from outside. */
#ifndef TESTS_SIM_MLS_SERVICE_H
#define TESTS_SIM_MLS_SERVICE_H

#include "sim/mls_party.h"

struct posted {
    struct buf bytes;
    uint64_t epoch;
};

struct welcome_post {
    struct buf welcome, tree;
};

struct service {
    struct mls_public_group *group; /* NULL: handshakes are private */
    struct mls_callbacks callbacks;
    uint64_t epoch;
    struct posted *log; /* proposals of an epoch before its commit */
    size_t n, cap;
    struct welcome_post *welcomes;
    size_t n_welcomes, cap_welcomes;
    size_t late, invalid; /* handshakes refused */
};

/* Starts beside a group of one. */
void service_init(struct service *s, struct party *founder, bool public_handshakes);
void service_fini(struct service *s);

/* 0 if it was the first and is valid; EEPOCH if it came late; else what is wrong with it. */
int service_post(struct service *s, const struct buf *handshake);
void service_post_welcome(struct service *s, struct buf *welcome, struct mls_group *from);

/* The public group is what a member of this epoch says it is. */
void service_compare(const struct service *s, struct mls_group *member);

/* Saves the public group and goes on with the restored one. */
void service_restart(struct service *s);

#endif
