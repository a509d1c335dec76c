/* conclaved's settings: from a file, and from the command line, which wins. docs/ADMIN.md describes
 * each; the table in conclaved_config.c is the list.
 */
#ifndef CMD_CONCLAVED_CONFIG_H
#define CMD_CONCLAVED_CONFIG_H

#include <conclave/bytes.h>

#include "net/log.h"

#define CONFIG_TEXT 1024
#define CONFIG_WHY 640
#define CONFIG_LISTENERS 16
#define CONFIG_DOMAINS 64
#define CONFIG_TLS_PORT 8443

struct config {
    /* [server] */
    char data[CONFIG_TEXT], name[CONFIG_TEXT];
    char url[CONFIG_TEXT];     /* "": made of the first listener */
    char listen[CONFIG_TEXT];  /* addresses for TLS; "": none */
    char domains[CONFIG_TEXT]; /* delegated to the CA */
    char public_roots[CONFIG_TEXT];
    char web[CONFIG_TEXT]; /* folder of the browser app; "": found beside the program */
    uint64_t port;         /* of plain HTTP on loopback; 0: any */
    bool plain;            /* whether there is plain HTTP on loopback */
    bool sign_up, sign_up_set;
    uint64_t certificate_days, token_days;
    uint64_t metrics; /* enum config_metrics */
    /* [tls] */
    char certificate[CONFIG_TEXT], key[CONFIG_TEXT];
    /* [limits] */
    uint64_t connections, connections_per_address, queue_megabytes;
    uint64_t participants, waiting, hellos_per_minute;
    /* [media] */
    bool media;
    char media_addresses[CONFIG_TEXT]; /* said to members; "": found out */
    uint64_t media_port;               /* 0: any */
    uint64_t media_workers;            /* 0: one for each core */
    /* [log] */
    char log_file[CONFIG_TEXT];
    uint64_t log_level; /* enum net_level */
    uint64_t log_megabytes, log_keep;
};

enum config_metrics { CONFIG_METRICS_LOCAL, CONFIG_METRICS_ALL, CONFIG_METRICS_OFF };

/* What it says if nothing is said. */
void config_default(struct config *c);

/* EINVAL, ENOTFOUND: out_why says what is wrong, where, and what to do. */
int config_read(const char *path, struct config *c,
                char out_why[static CONFIG_WHY]) CONCLAVE_CHECKED;

/* One setting as the file has it, from the command line: section "server", key "port". */
int config_set(struct config *c, const char *section, const char *key, const char *value,
               char out_why[static CONFIG_WHY]) CONCLAVE_CHECKED;

/* What cannot be seen of one setting alone. */
int config_check(const struct config *c, char out_why[static CONFIG_WHY]) CONCLAVE_CHECKED;

/* ---- Lists: words between white space and commas ---- */

struct config_words {
    char space[CONFIG_TEXT];
    const char *words[CONFIG_DOMAINS];
    size_t n;
};
/* false if there are more than CONFIG_DOMAINS. */
bool config_words(const char *text, struct config_words *out);

/* "192.0.2.1", "192.0.2.1:443", "::1", "[::1]:443". */
struct config_address {
    char host[64];
    uint16_t port;
};
bool config_address(const char *word, struct config_address *out);

#endif
