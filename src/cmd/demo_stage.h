/* What the scenes of the demonstration share: the cast, the clock, how things are told and waited
 * for. A scene returns NULL, or what went wrong.
 */
#ifndef CMD_DEMO_STAGE_H
#define CMD_DEMO_STAGE_H

#include <stdio.h>

#include "cmd/demo_cast.h"
#include "cmd/demo_server.h"
#include "cmd/terminal_text.h"

enum role { ADA, BEN, CHLOE, DORA, ROOM, GWEN, ERIC, N_ACTORS };
#define N_STAFF 5 /* those of the organization, the device among them */

/* What a member that was removed still has: the keys of its last epoch. */
struct demo_keys {
    struct call *call;
    uint64_t opened;
    uint64_t refused; /* when it began to count */
};

struct demo {
    bool colours;
    uint64_t began_us;
    struct net_loop *loop;
    struct net_timer *patience;
    bool impatient;
    struct net_clients *clients;
    struct demo_server server;
    struct account_api *api;
    struct demo_actor cast[N_ACTORS];
    struct buf link;
    char code[PARTICIPANT_CODE_SIZE];
    struct account_problem problem;
    char folder[64]; /* for media files; "" before there is one */
    struct buf seen; /* what the switch had in its hands for a while */
    struct demo_keys gwen;
};

void demo_put(const struct demo *d, enum terminal_colour colour, const char *text);
void demo_put_clock(const struct demo *d);

/* A sentence, with the time it is said at. */
#define TELL(d, ...) (demo_put_clock(d), printf(__VA_ARGS__), printf("\n"), fflush(stdout))

/* Lets things happen until it has come about; false if it does not. */
bool demo_until(struct demo *d, bool (*come_about)(struct demo *d));
void demo_impatient(void *ctx); /* of the timer */

struct participant *demo_brain(struct demo *d, enum role who);

#endif
