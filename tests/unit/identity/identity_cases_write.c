/* Writes the table as files, for implementations that are not linked with ours:
 *
 *   identity-cases DIR
 *
 * DIR/NNN/ holds anchor-0.der and chain-K.der, the participant's as chain-0; DIR/cases.tsv has one
 * line a case, with the columns of its first line. Keys and
 * times are fixed, signatures differ from run to run. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cases.h"

static int write_der(const char *dir, size_t i, const char *name, size_t k, struct bytes der)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%03zu/%s-%zu.der", dir, i, name, k);
    FILE *f = fopen(path, "wb");
    if (f == NULL)
        return -1;
    size_t n = der.n == 0 ? 0 : fwrite(der.p, 1, der.n, f);
    return fclose(f) == 0 && n == der.n ? 0 : -1;
}

static void write_hex(FILE *f, struct bytes b)
{
    for (size_t i = 0; i < b.n; i++)
        fprintf(f, "%02x", b.p[i]);
}

static void write_list(FILE *f, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fprintf(f, "%s%s", i == 0 ? "" : ",", list[i]);
}

/* A revoked serial number comes behind the file of its issuer. */
static void write_line(FILE *f, size_t i, const struct identity_case *c, const struct plan *p)
{
    static const char *const purposes[] = {"", "provider", "public", "private"};
    static const char *const categories[] = {"unverified", "member", "external", "device"};
    fprintf(f, "%03zu\t%s\t%s\t", i, c->name, purposes[p->purpose]);
    write_list(f, p->domains, p->n_domains);
    fprintf(f, "\t%llu\t", (unsigned long long)p->now);
    write_hex(f, plan_public_key(p->signature_key));
    fprintf(f, "\t%u\t", p->policy.usages);
    write_list(f, p->policy.organisation, p->policy.n_organisation);
    fprintf(f, "\t%s\t", p->policy.wanted == NULL ? "" : p->policy.wanted);
    if (p->revoke_leaf)
        fprintf(f, "%s:%04x", p->with_middle ? "chain-1" : "anchor-0", p->leaf.serial);
    if (p->revoke_middle)
        fprintf(f, "anchor-0:%04x", p->middle.serial);
    fprintf(f, "\t%zu\t%s\t%s\t%s\t%s\n", p->n, identity_reason_name(c->reason),
            categories[c->category], c->label, c->identifier);
}

static int write_case(const char *dir, FILE *list, size_t i, const struct identity_case *c)
{
    char path[4096];
    struct plan p;
    plan_init(&p);
    if (c->change != NULL)
        c->change(&p);
    plan_build(&p);
    snprintf(path, sizeof path, "%s/%03zu", dir, i);
    (void)mkdir(path, 0777);
    int rv = write_der(dir, i, "anchor", 0, buf_view(&p.anchor));
    for (size_t k = 0; rv == 0 && k < p.n; k++)
        rv = write_der(dir, i, "chain", k, buf_view(&p.chain[k]));
    write_line(list, i, c, &p);
    plan_fini(&p);
    return rv;
}

int main(int argc, char **argv)
{
    char path[4096];
    if (argc != 2) {
        fprintf(stderr, "usage: identity-cases DIR\n");
        return EXIT_FAILURE;
    }
    (void)mkdir(argv[1], 0777);
    snprintf(path, sizeof path, "%s/cases.tsv", argv[1]);
    FILE *list = fopen(path, "w");
    if (list == NULL) {
        perror(path);
        return EXIT_FAILURE;
    }
    fprintf(list, "case\tname\tpurpose\tdomains\tnow\tsignature_key\tusages\torganisation\twanted\t"
                  "revoked\tcertificates\treason\tcategory\tlabel\tidentifier\n");
    const struct identity_case *c;
    int rv = 0;
    size_t i = 0;
    plan_keys_open();
    for (; rv == 0 && (c = identity_case_at(i)) != NULL; i++)
        rv = write_case(argv[1], list, i, c);
    plan_keys_close();
    if (fclose(list) != 0 || rv != 0) {
        fprintf(stderr, "%s: cannot write\n", argv[1]);
        return EXIT_FAILURE;
    }
    printf("%zu cases in %s\n", i, argv[1]);
    return EXIT_SUCCESS;
}
