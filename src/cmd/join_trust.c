#include "cmd/join_trust.h"

#include <stdio.h>
#include <string.h>

#define TRUST_FILE_MAX ((size_t)4 << 20)
#define TRUST_DOMAINS_MAX 64
#define TRUST_ARGUMENT_MAX 4096

static int read_file(const char *path, struct buf *out)
{
    char piece[4096];
    size_t n = 0;
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return CONCLAVE_ENOTFOUND;
    while ((n = fread(piece, 1, sizeof piece, f)) > 0 && out->n < TRUST_FILE_MAX)
        buf_put(out, bytes_of(piece, n));
    fclose(f);
    return buf_check(out);
}

/* Cuts a list at its commas. */
static size_t split(char *list, const char *out[static TRUST_DOMAINS_MAX])
{
    size_t n = 0;
    char *rest = NULL;
    for (char *one = strtok_r(list, ",", &rest); one != NULL && n < TRUST_DOMAINS_MAX;
         one = strtok_r(NULL, ",", &rest))
        out[n++] = one;
    return n;
}

int join_trust_add(struct participant_trust *trust, const char *argument)
{
    char path[TRUST_ARGUMENT_MAX];
    const char *domains[TRUST_DOMAINS_MAX];
    struct identity_anchor how = {.purpose = IDENTITY_PRIVATE};
    struct buf pem = {0};
    if (strlen(argument) >= sizeof path)
        return CONCLAVE_EINVAL;
    memcpy(path, argument, strlen(argument) + 1);
    char *colon = strrchr(path, ':');
    if (colon != NULL) {
        *colon = 0;
        how.domains = domains;
        how.n_domains = split(colon + 1, domains);
    }
    int rv = read_file(path, &pem);
    if (rv == 0)
        rv = participant_trust_add_pem(trust, &how, buf_view(&pem));
    buf_free(&pem);
    return rv;
}
