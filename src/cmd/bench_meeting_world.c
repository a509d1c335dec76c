#include "cmd/bench_meeting_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "cmd/meeting.h"

static int complain(int rv, const char *what, const struct account_problem *problem)
{
    const char *why = problem != NULL && problem->text[0] != 0 ? problem->text : "";
    if (rv != 0)
        fprintf(stderr, "conclave bench meeting: %s: %s. %s\n", what, conclave_error_text(rv), why);
    return rv;
}

/* ---- The CA: asked for a thousand certificates, the server's own would rightly refuse ---- */

static int make_ca(struct world *w, uint64_t now)
{
    static const char *const domains[] = {WORLD_DOMAIN};
    const struct identity_ca_config config = {
        .name = "A large organisation", .domains = domains, .n_domains = 1};
    int rv = crypto_new(CRYPTO_P256_AES128GCM_SHA256_P256, &w->crypto);
    if (rv == 0)
        rv = identity_ca_new(w->crypto, &config, now, &w->ca);
    if (rv != 0)
        return rv;
    buf_put(&w->root, bytes_str("-----BEGIN CERTIFICATE-----\n"));
    base64_put(&w->root, identity_ca_certificate(w->ca));
    buf_put(&w->root, bytes_str("\n-----END CERTIFICATE-----\n"));
    return buf_check(&w->root);
}

static int write_root(const struct world *w, const char *path)
{
    FILE *f = fopen(path, "we");
    bool written = f != NULL && fwrite(w->root.p, 1, w->root.n, f) == w->root.n;
    if (f != NULL)
        written = fclose(f) == 0 && written;
    return written ? 0 : CONCLAVE_ESTORE;
}

/* All come from one address here. */
static int prepare_server(struct world *w)
{
    char root[sizeof w->server.data + 16], settings[sizeof root + 128];
    snprintf(root, sizeof root, "%s/crowd.pem", w->server.data);
    snprintf(settings, sizeof settings,
             "[server]\npublic_roots = %s\n[limits]\nconnections_per_address = 10000\n", root);
    int rv = write_root(w, root);
    return rv != 0 ? rv : demo_server_set(&w->server, settings);
}

/* ---- The meeting ---- */

static int make_meeting(struct world *w, uint64_t now, struct account_problem *problem)
{
    struct meeting_plan plan = {.terms = card_terms_default()};
    plan.terms.title = "A large meeting";
    plan.terms.hosts[plan.terms.n_hosts++] = w->organiser.email;
    plan.terms.organisation[plan.terms.n_organisation++] = WORLD_DOMAIN;
    return meeting_make(w->api, &w->organiser.credential, &plan, now, &w->link, problem);
}

int world_init(struct world *w, uint64_t now)
{
    struct account_problem problem = {0};
    *w = (struct world){.organiser = {.name = "Ada", .email = "ada@" WORLD_DOMAIN}};
    int rv = complain(demo_server_init(&w->server, NULL), "no server", NULL);
    if (rv == 0)
        rv = complain(make_ca(w, now), "no CA", NULL);
    if (rv == 0)
        rv = complain(prepare_server(w), "settings for the server", NULL);
    if (rv == 0)
        rv = complain(demo_server_start(&w->server), "the server does not start", NULL);
    if (rv == 0)
        rv = complain(account_api_new(w->server.url, NULL, &w->api), "the server's URL", NULL);
    if (rv == 0)
        rv = complain(demo_actor_enrol(&w->organiser, w->api, NULL, now, &problem),
                      "an account for the organiser", &problem);
    if (rv == 0)
        rv = complain(make_meeting(w, now, &problem), "a meeting", &problem);
    return rv;
}

void world_fini(struct world *w)
{
    demo_actor_fini(&w->organiser);
    account_api_free(w->api);
    identity_ca_free(w->ca);
    crypto_free(w->crypto);
    buf_free(&w->root);
    buf_free(&w->link);
    demo_server_fini(&w->server);
}

/* ---- Processes ---- */

/* The number after a word at the beginning of a line; 0 if there is none. */
static unsigned long long field(const char *path, const char *word)
{
    char line[1024];
    unsigned long long value = 0;
    FILE *f = fopen(path, "re");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, word, strlen(word)) == 0)
            value = strtoull(line + strlen(word), NULL, 10);
    if (f != NULL)
        fclose(f);
    return value;
}

/* proc(5): fields 14 and 15 of stat are times in ticks; the second, a name, is in parentheses. */
static double cpu_seconds(const char *path)
{
    char line[1024] = "";
    unsigned long long user = 0, system = 0;
    FILE *f = fopen(path, "re");
    const char *at = f != NULL && fgets(line, sizeof line, f) != NULL ? strrchr(line, ')') : NULL;
    if (f != NULL)
        fclose(f);
    for (int i = 2; at != NULL && i < 14; i++)
        at = strchr(at + 1, ' ');
    if (at != NULL) {
        char *end;
        user = strtoull(at, &end, 10);
        system = strtoull(end, NULL, 10);
    }
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static struct world_usage usage_of(const char *process)
{
    char path[64];
    struct world_usage usage;
    snprintf(path, sizeof path, "/proc/%s/stat", process);
    usage.cpu_seconds = cpu_seconds(path);
    snprintf(path, sizeof path, "/proc/%s/status", process);
    usage.peak_mb = (double)field(path, "VmHWM:") / 1024;
    return usage;
}

struct world_usage world_server_usage(const struct world *w)
{
    char process[16];
    snprintf(process, sizeof process, "%d", (int)w->server.pid);
    return usage_of(process);
}

struct world_usage world_own_usage(void)
{
    return usage_of("self");
}
