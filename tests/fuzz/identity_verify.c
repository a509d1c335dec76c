/* Chains that somebody made up, or made of true ones; and what a CA that we trust could be talked
 * into signing.
 *
 * The input: a byte of flags, then vectors. Without SIGN they are certificates. With it they are
 * what certificates sign (TBSCertificate), the participant's first, and get a true signature, else
 * no mutation would come past it. Whoever is verified is verified for OpenSSL, too, and shown by a
 * plain name. */
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "identity/certificate.h"
#include "identity/sign.h"
#include "unit/identity/oracle.h"
#include "unit/identity/plan.h"

#define SIGN 1
#define BY_MIDDLE 2
#define PROVIDER 4
#define CHAIN 12

/* OpenSSL also reads what we pass over, and may find fault with it. And it looks whether the
 * participant's key is a point of its curve; for us, the signatures under that key show it. */
static bool tolerated(const char *says)
{
    static const int errors[] = {X509_V_ERR_INVALID_EXTENSION, X509_V_ERR_EE_KEY_TOO_SMALL};
    bool found = says == NULL || strcmp(says, "it cannot be read") == 0;
    for (size_t i = 0; !found && i < sizeof errors / sizeof errors[0]; i++)
        found = strcmp(says, X509_verify_cert_error_string(errors[i])) == 0;
    return found;
}

static void check(const struct identity *id, struct bytes anchor, const struct bytes *chain,
                  size_t n)
{
    bool verified = id->category != IDENTITY_UNVERIFIED;
    must(verified == (id->reason == IDENTITY_VERIFIED) && verified == (id->issuer[0] != 0));
    must(verified != (strcmp(id->label, "Unverified") == 0));
    for (const char *c = id->identifier; *c != 0; c++)
        must(strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-_=~'@:",
                    *c) != NULL);
    if (id->kind == IDENTITY_NOBODY)
        return;
    const char *says = oracle_verify(anchor, chain, n, PLAN_NOW);
    if (!tolerated(says)) /* a second earlier: OpenSSL leaves the last one out */
        says = oracle_verify(anchor, chain, n, PLAN_NOW - 1);
    if (!tolerated(says)) {
        fprintf(stderr, "OpenSSL: %s\n", says);
        abort();
    }
}

static size_t read_chain(struct bytes in, uint8_t flags, struct buf *out)
{
    struct reader r = reader_of(in);
    size_t n = 0;
    while (n < CHAIN && reader_left(&r) != 0) {
        struct bytes one = read_vec(&r);
        if (!reader_ok(&r))
            break;
        enum plan_key by = n == 0 && (flags & BY_MIDDLE) != 0 ? KEY_MIDDLE : KEY_ROOT;
        if ((flags & SIGN) != 0)
            must(sign_put(&out[n], one, plan_signer(by)) == 0);
        else
            buf_put(&out[n], one);
        n++;
    }
    return n;
}

static struct plan *the_plan(void)
{
    static struct plan plan;
    static bool made;
    if (!made) {
        plan_keys_open();
        plan_init(&plan);
        plan_build(&plan);
        made = true;
    }
    return &plan;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf made[CHAIN] = {{0}}, text = {0};
    struct bytes chain[CHAIN];
    struct certificate leaf;
    struct identity id;
    struct plan *p = the_plan();
    uint8_t flags = size == 0 ? 0 : data[0];
    size_t n = size == 0 ? 0 : read_chain(bytes_of(data + 1, size - 1), flags, made);
    for (size_t i = 0; i < n; i++)
        chain[i] = buf_view(&made[i]);
    struct bytes key = plan_public_key(KEY_LEAF);
    if (n != 0 && certificate_read(chain[0], &leaf) == 0)
        key = leaf.key.value; /* as if its holder had come */
    p->purpose = (flags & PROVIDER) != 0 ? IDENTITY_PROVIDER : IDENTITY_PRIVATE;
    struct identity_anchors *a = plan_anchors(p);
    must(identity_verify(a, chain, n, key, PLAN_NOW, &p->policy, &id) == 0);
    check(&id, buf_view(&p->anchor), chain, n);
    must(identity_describe(&id, chain, n, &text) == 0);
    identity_anchors_free(a);
    buf_free(&text);
    for (size_t i = 0; i < CHAIN; i++)
        buf_free(&made[i]);
    return 0;
}
