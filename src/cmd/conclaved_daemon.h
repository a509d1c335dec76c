/* conclaved at work: everything put together, from the sockets to the database. */
#ifndef CMD_CONCLAVED_DAEMON_H
#define CMD_CONCLAVED_DAEMON_H

#include "cmd/conclaved_config.h"
#include "cmd/conclaved_keys.h"
#include "cmd/conclaved_media.h"
#include "cmd/conclaved_web.h"
#include "net/log.h"
#include "net/loop.h"
#include "net/server.h"
#include "service/hall.h"
#include "service/service.h"

#define DAEMON_PROTOCOL "conclave.1"
#define DAEMON_WS_PATH "/ws"

struct daemon {
    const struct config *config;
    struct keys keys;
    struct net_log *log;
    struct net_loop *loop;
    struct net_server *server;
    struct media *media; /* NULL: there is none */
    struct web *web;     /* likewise */
    struct hall *hall;
    struct service *service;
    struct net_timer *hall_timer, *stop_timer;
    char url[CONFIG_TEXT];
    uint64_t started_us;
    uint64_t errors, store_errors; /* of the system */
    bool stopping;
};

/* Serves until it is told to stop by a signal. Tells standard output where it is once it answers.
 * Any error: out_why says what is wrong and what to do. */
int daemon_run(const struct config *c, char out_why[static CONFIG_WHY]) CONCLAVE_CHECKED;

/* An error of the system: counted, and in the log. */
void daemon_error(struct daemon *d, int error, const char *where);

/* ---- conclaved_media_start.c ---- */

/* Starts the media switch, if there is to be one, and says in `out` how the hall reaches it. */
int daemon_open_media(struct daemon *d, struct hall_out *out,
                      char why[static CONFIG_WHY]) CONCLAVE_CHECKED;

/* What the switch has to do with a meeting; false: nothing. */
bool daemon_media(void *daemon, const char *number, struct service_media *out);

/* ---- conclaved_http.c ---- */

/* Answers a request now or later. */
void daemon_request(void *daemon, uint64_t conn, const struct net_request *request);

/* ---- conclaved_metrics.c ---- */

/* Appends the state in Prometheus' text format (version 0.0.4). Numbers only: no meeting can be
 * told from another. */
void daemon_metrics(const struct daemon *d, struct buf *out);

#endif
