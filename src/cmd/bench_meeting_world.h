/* What a bench of meetings takes place in: conclaved as a process of its own on a free port, with a
 * data folder that is removed at the end, an organiser, a meeting that lets members of the
 * organisation in, and a CA whom the server trusts to say who they are.
 */
#ifndef CMD_BENCH_MEETING_WORLD_H
#define CMD_BENCH_MEETING_WORLD_H

#include "cmd/demo_cast.h"
#include "cmd/demo_server.h"

#define WORLD_DOMAIN "conclave.test"

struct world {
    struct demo_server server;
    struct account_api *api;
    struct demo_actor organiser;
    struct crypto *crypto;
    struct identity_ca *ca;
    struct buf root; /* its certificate in PEM */
    struct buf link; /* with a terminator */
};

/* Complains on stderr. ENOTFOUND without a program, ESTATE, ESTORE, EPOLICY, ENOMEM. */
int world_init(struct world *w, uint64_t now) CONCLAVE_CHECKED;
void world_fini(struct world *w);

/* What a process has used up so far. */
struct world_usage {
    double cpu_seconds;
    double peak_mb; /* of memory */
};
struct world_usage world_server_usage(const struct world *w);
struct world_usage world_own_usage(void);

#endif
