/* A server of the demonstration's own: conclaved as a child process, on a free port of this
 * machine, with a data folder that is removed at the end.
 */
#ifndef CMD_DEMO_SERVER_H
#define CMD_DEMO_SERVER_H

#include <sys/types.h>

#include <conclave/bytes.h>

struct demo_server {
    char program[4096]; /* conclaved */
    char data[64];
    char settings[96]; /* a file, or "" */
    char url[64];
    char port[8];
    pid_t pid; /* 0: does not run */
};

/* Finds the program (beside this one, unless it is given), a port and a folder. ENOTFOUND without
 * a program, ESTORE. */
int demo_server_init(struct demo_server *s, const char *program) CONCLAVE_CHECKED;

/* Writes settings that the server will be started with. ESTORE. */
int demo_server_set(struct demo_server *s, const char *settings) CONCLAVE_CHECKED;

/* Until it answers. ESTATE if it does not within five seconds; ESTORE. */
int demo_server_start(struct demo_server *s) CONCLAVE_CHECKED;

/* SIGKILL: as if the power went. */
void demo_server_kill(struct demo_server *s);
/* SIGTERM, and waits. */
void demo_server_stop(struct demo_server *s);

/* Appends an administrator's token, with a terminator that n does not count. */
int demo_server_admin_token(const struct demo_server *s, struct buf *out) CONCLAVE_CHECKED;

/* Whether any file of the server holds this text. */
bool demo_server_knows(const struct demo_server *s, const char *text);

/* A folder with all there is in it. */
void demo_folder_remove(const char *path);

/* Stops it and removes the folder. */
void demo_server_fini(struct demo_server *s);

#endif
