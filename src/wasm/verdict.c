/* A verdict on a chain by itself: for the table of certificates on which all builds must agree
 * (tests/unit/identity), and for "who would this be". */
#include "wasm/wasm.h"

#define DOMAINS_MAX 16u
#define SERIALS_MAX 16u

struct names {
    char text[DOMAINS_MAX][IDENTITY_DOMAIN_MAX + 1];
    const char *at[DOMAINS_MAX];
    size_t n;
};

static void read_names(struct reader *r, struct names *out)
{
    struct reader list = read_sub(r);
    out->n = 0;
    while (reader_ok(&list) && reader_left(&list) != 0 && out->n < DOMAINS_MAX) {
        wasm_read_text(&list, out->text[out->n], sizeof out->text[0]);
        out->at[out->n] = out->text[out->n];
        out->n++;
    }
    if (reader_end(&list) != 0)
        reader_fail(r);
}

/* uint8 purpose; domains<V>; anchor<V>; issuers whose certificates are revoked: certificate<V>
 * serial<V>, in a vector */
static int read_anchors(struct reader *r, struct identity_anchors *anchors)
{
    struct names domains;
    struct identity_anchor how = {.purpose = (enum identity_purpose)read_u8(r)};
    read_names(r, &domains);
    struct bytes der = read_vec(r);
    struct reader revoked = read_sub(r);
    how.domains = domains.at;
    how.n_domains = domains.n;
    int rv = reader_ok(r) ? identity_anchors_add(anchors, &how, der) : CONCLAVE_EINVAL;
    while (rv == 0 && reader_ok(&revoked) && reader_left(&revoked) != 0) {
        struct bytes issuer = read_vec(&revoked), serial = read_vec(&revoked);
        rv = reader_ok(&revoked) ? identity_anchors_revoke(anchors, issuer, &serial, 1)
                                 : CONCLAVE_EINVAL;
    }
    return rv;
}

static int judge(struct reader *r, const struct identity_anchors *anchors, struct identity *out)
{
    struct bytes chain[WASM_LIST_MAX];
    char wanted[IDENTITY_NAME_MAX + 1];
    struct names organisation;
    struct identity_policy policy = identity_policy_default();
    size_t n = wasm_read_list(r, chain, WASM_LIST_MAX);
    struct bytes key = read_vec(r);
    uint64_t now = read_u64(r);
    policy.usages = read_u8(r);
    read_names(r, &organisation);
    policy.organisation = organisation.at;
    policy.n_organisation = organisation.n;
    wasm_read_text(r, wanted, sizeof wanted);
    policy.wanted = wanted[0] != 0 ? wanted : NULL;
    return reader_end(r) != 0 ? CONCLAVE_EINVAL
                              : identity_verify(anchors, chain, n, key, now, &policy, out);
}

/* anchors chain<V> key<V> uint64 now; uint8 usages; organisation<V> wanted<V>; the answer is the
 * identity. As identity_verify(). */
WASM_EXPORT("identity_judge")
int wasm_identity_judge(const uint8_t *p, size_t n, struct buf *answer);
int wasm_identity_judge(const uint8_t *p, size_t n, struct buf *answer)
{
    struct reader r = reader_of(bytes_of(p, n));
    struct identity_anchors *anchors = NULL;
    struct identity id = {0};
    int rv = identity_anchors_new(&anchors);
    if (rv == 0)
        rv = read_anchors(&r, anchors);
    if (rv == 0)
        rv = judge(&r, anchors, &id);
    identity_anchors_free(anchors);
    if (rv != 0)
        return rv;
    wasm_write_identity(answer, &id);
    return buf_check(answer);
}
