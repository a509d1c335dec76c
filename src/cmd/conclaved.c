/* The program `conclaved`: a meeting server. docs/ADMIN.md tells how to run it. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <conclave/version.h>

#include "cmd/conclaved_daemon.h"

#define USAGE 2

enum mode { SERVE, CHECK, TOKEN, VERSION, HELP };

static const struct option {
    const char *name, *argument; /* argument: NULL for none */
    const char *key;             /* of the setting in [server]; NULL: a mode or --config */
    enum mode mode;
    const char *text;
} options[] = {
    {"--config", "FILE", NULL, SERVE, "settings; without it everything has a default"},
    {"--data", "FOLDER", "data", SERVE, "where keys and meetings are kept: conclave-data"},
    {"--port", "PORT", "port", SERVE, "of plain HTTP on this machine: 8080; 0: any"},
    {"--listen", "ADDRESS", "listen", SERVE, "for TLS, like 0.0.0.0:8443; may be repeated"},
    {"--check-config", NULL, NULL, CHECK, "say whether the settings are right, and end"},
    {"--make-admin-token", NULL, NULL, TOKEN, "print a token for administration, and end"},
    {"--version", NULL, NULL, VERSION, "print the version, and end"},
    {"--help", NULL, NULL, HELP, "print this, and end"},
};
#define N_OPTIONS (sizeof options / sizeof options[0])

static void help(FILE *to)
{
    (void)fprintf(to, "usage: conclaved [OPTION...]\n");
    for (size_t i = 0; i < N_OPTIONS; i++) {
        char left[40];
        const char *argument = options[i].argument;
        (void)snprintf(left, sizeof left, "%s%s%s", options[i].name, argument == NULL ? "" : " ",
                       argument == NULL ? "" : argument);
        (void)fprintf(to, "  %-18s  %s\n", left, options[i].text);
    }
}

/* ---- Command line ---- */

struct arguments {
    int argc;
    char **argv;
    int at;
};

/* The next option and its value, given after it or after "=". NULL at the end; *out_why is set if
 * there is none of this name, or no value. */
static const struct option *next_option(struct arguments *a, const char **out_value,
                                        const char **out_why)
{
    *out_why = NULL;
    if (a->at == a->argc)
        return NULL;
    const char *given = a->argv[a->at++];
    size_t n = strcspn(given, "=");
    for (size_t i = 0; i < N_OPTIONS; i++) {
        const struct option *o = &options[i];
        if (strlen(o->name) != n || strncmp(o->name, given, n) != 0)
            continue;
        if (o->argument == NULL) {
            *out_why = given[n] == '=' ? "this option has no value" : NULL;
            return o;
        }
        *out_value = given[n] == '=' ? given + n + 1 : a->at < a->argc ? a->argv[a->at++] : NULL;
        if (*out_value == NULL)
            *out_why = "a value is missing";
        return o;
    }
    *out_why = "there is no such option; --help lists all";
    return NULL;
}

static int add_listener(struct config *c, const char *value, char *why)
{
    char all[2 * CONFIG_TEXT];
    (void)snprintf(all, sizeof all, "%s %s", c->listen, value);
    return config_set(c, "server", "listen", all, why);
}

/* Files first, then the rest: the command line wins. */
static int apply(int argc, char **argv, bool files, struct config *c, enum mode *mode, char *why)
{
    struct arguments a = {argc, argv, 1};
    const char *value = NULL, *wrong;
    const struct option *o;
    bool listening = false;
    int rv = 0;
    while (rv == 0 && ((o = next_option(&a, &value, &wrong)) != NULL || wrong != NULL)) {
        if (wrong != NULL) {
            (void)snprintf(why, CONFIG_WHY, "%.100s: %s", argv[a.at - 1], wrong);
            return CONCLAVE_EINVAL;
        }
        bool is_file = o->argument != NULL && o->key == NULL;
        if (o->argument == NULL)
            *mode = o->mode > *mode ? o->mode : *mode;
        else if (is_file && files)
            rv = config_read(value, c, why);
        else if (is_file || files)
            continue;
        else if (strcmp(o->key, "listen") == 0) {
            if (!listening)
                c->listen[0] = '\0';
            listening = true;
            rv = add_listener(c, value, why);
        } else {
            rv = config_set(c, "server", o->key, value, why);
        }
    }
    return rv;
}

/* ---- What it can do ---- */

static int make_token(const struct config *c, char *why)
{
    uint64_t now = (uint64_t)time(NULL);
    struct keys keys;
    struct service *service = NULL;
    struct buf token = {0};
    int rv = keys_open(c, false, now, why, &keys);
    if (rv != 0)
        return rv;
    const struct service_config config = {
        .store = keys.store,
        .crypto = keys.crypto,
        .ca = keys.ca,
        .server_key = crypto_signer_public(keys.signer),
        .name = c->name,
        .base_url = c->url,
    };
    rv = service_new(&config, &service);
    if (rv == 0)
        rv = service_admin_token(service, now * 1000000, &token);
    if (rv == 0)
        (void)printf("%.*s\n", (int)token.n, (const char *)token.p);
    else
        (void)snprintf(why, CONFIG_WHY, "no token: %s: %s", conclave_error_text(rv),
                       store_error(keys.store));
    service_free(service);
    buf_free(&token);
    keys_close(&keys);
    return rv;
}

static int run(enum mode mode, const struct config *c, char *why)
{
    switch (mode) {
    case CHECK:
        (void)printf("The settings are right.\n");
        return 0;
    case TOKEN:
        return make_token(c, why);
    default:
        return daemon_run(c, why);
    }
}

int main(int argc, char **argv)
{
    static struct config config;
    enum mode mode = SERVE;
    char why[CONFIG_WHY] = "";
    (void)umask(077);
    config_default(&config);
    int rv = apply(argc, argv, true, &config, &mode, why);
    if (rv == 0)
        rv = apply(argc, argv, false, &config, &mode, why);
    if (rv == 0 && mode == HELP) {
        help(stdout);
        return 0;
    }
    if (rv == 0 && mode == VERSION) {
        (void)printf("conclaved %s\n", conclave_version());
        return 0;
    }
    if (rv == 0)
        rv = config_check(&config, why);
    if (rv != 0) {
        (void)fprintf(stderr, "conclaved: %s\n", why);
        return USAGE;
    }
    rv = run(mode, &config, why);
    if (rv != 0)
        (void)fprintf(stderr, "conclaved: %s\n", why);
    return rv != 0;
}
