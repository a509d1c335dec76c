#include "identity/anchors.h"

#include <stdlib.h>
#include <string.h>

#include "identity/constraints.h"
#include "identity/limits.h"
#include "identity/name.h"
#include "identity/pem.h"
#include "identity/text.h"

int identity_anchors_new(struct identity_anchors **out)
{
    struct identity_anchors *a = calloc(1, sizeof *a);
    if (a == NULL)
        return CONCLAVE_ENOMEM;
    *out = a;
    return 0;
}

static void anchor_free(struct anchor *a)
{
    if (a == NULL)
        return;
    spki_key_free(a->key);
    buf_free(&a->der);
    free(a->domains.name);
    free(a);
}

void identity_anchors_free(struct identity_anchors *a)
{
    if (a == NULL)
        return;
    for (size_t i = 0; i < a->n; i++)
        anchor_free(a->anchor[i]);
    for (size_t i = 0; i < a->n_revoking; i++) {
        buf_free(&a->revoking[i].spki);
        free(a->revoking[i].serials);
    }
    free(a->anchor);
    free(a->revoking);
    free(a);
}

size_t identity_anchors_count(const struct identity_anchors *a)
{
    return a->n;
}

static int take_domain(void *ctx, struct bytes domain)
{
    struct domains *d = ctx;
    char name[IDENTITY_DOMAIN_MAX + 1];
    if (!domain_read(domain, name))
        return CONCLAVE_EINVAL;
    for (size_t i = 0; i < d->n; i++)
        if (strcmp(d->name[i], name) == 0)
            return 0;
    if (d->n == LIMIT_IDENTITY_DOMAINS)
        return CONCLAVE_ELIMIT;
    void *grown = realloc(d->name, (d->n + 1) * sizeof *d->name);
    if (grown == NULL)
        return CONCLAVE_ENOMEM;
    d->name = grown;
    memcpy(d->name[d->n++], name, sizeof name);
    return 0;
}

static int set_domains(struct anchor *a, const struct identity_anchor *how)
{
    int rv = 0;
    for (size_t i = 0; rv == 0 && i < how->n_domains; i++)
        rv = take_domain(&a->domains, bytes_str(how->domains[i]));
    const struct certificate *c = &a->certificate;
    if (how->n_domains == 0 && how->purpose == IDENTITY_PROVIDER && c->has_constraints)
        rv = constraints_domains(c->constraints, take_domain, &a->domains);
    return rv;
}

static void copy_cut(char *to, size_t max, struct bytes text)
{
    size_t n = text.n < max ? text.n : max;
    if (n != 0)
        memcpy(to, text.p, n);
    to[n] = 0;
}

/* What a CA calls itself may be in any script; what is not plain is escaped. */
static int set_display(struct anchor *a, const char *display)
{
    struct bytes name;
    if (display != NULL) {
        name = bytes_str(display);
        if (name.n > IDENTITY_ISSUER_MAX || !text_is_plain(name))
            return CONCLAVE_EINVAL;
        copy_cut(a->display, IDENTITY_ISSUER_MAX, name);
        return 0;
    }
    name = rdn_find(a->certificate.subject, RDN_ORGANISATION);
    if (name.n == 0)
        name = rdn_find(a->certificate.subject, RDN_COMMON_NAME);
    if (name.n == 0)
        name = bytes_str("an authority without a name");
    struct buf b = {0};
    if (name.n <= IDENTITY_ISSUER_MAX && text_is_plain(name))
        buf_put(&b, name);
    else
        text_put_escaped(&b, name);
    int rv = buf_check(&b);
    if (rv == 0)
        copy_cut(a->display, IDENTITY_ISSUER_MAX, buf_view(&b));
    buf_free(&b);
    return rv;
}

static int anchor_fill(struct anchor *a, const struct identity_anchor *how, struct bytes der)
{
    const struct certificate *c = &a->certificate;
    buf_put(&a->der, der);
    int rv = buf_check(&a->der);
    if (rv == 0)
        rv = certificate_read(buf_view(&a->der), &a->certificate);
    if (rv != 0)
        return rv;
    bool may_sign = c->ca && (!c->has_usage || (c->usage & KEY_USAGE_CERT_SIGN) != 0);
    if (!may_sign || c->unknown_critical || c->key.kind == CERTIFICATE_KEY_UNKNOWN)
        return CONCLAVE_ECREDENTIAL;
    if (spki_key_new(c->key.spki, &a->key) != 0)
        return CONCLAVE_ECREDENTIAL;
    a->certificate.ready = a->key;
    a->purpose = how->purpose;
    rv = set_domains(a, how);
    return rv == 0 ? set_display(a, how->display) : rv;
}

static int anchor_new(const struct identity_anchor *how, struct bytes der, struct anchor **out)
{
    struct anchor *a = calloc(1, sizeof *a);
    if (a == NULL)
        return CONCLAVE_ENOMEM;
    int rv = anchor_fill(a, how, der);
    if (rv == 0)
        *out = a;
    else
        anchor_free(a);
    return rv;
}

int identity_anchors_add(struct identity_anchors *a, const struct identity_anchor *how,
                         struct bytes der)
{
    struct anchor *made;
    if (how->purpose < IDENTITY_PROVIDER || how->purpose > IDENTITY_PRIVATE)
        return CONCLAVE_EINVAL;
    if (a->n == LIMIT_IDENTITY_ANCHORS)
        return CONCLAVE_ELIMIT;
    int rv = anchor_new(how, der, &made);
    if (rv != 0)
        return rv;
    void *grown = realloc(a->anchor, (a->n + 1) * sizeof(struct anchor *));
    if (grown == NULL) {
        anchor_free(made);
        return CONCLAVE_ENOMEM;
    }
    a->anchor = grown;
    a->anchor[a->n++] = made;
    return 0;
}

int identity_anchors_add_pem(struct identity_anchors *a, const struct identity_anchor *how,
                             struct bytes pem)
{
    struct buf der = {0};
    size_t before = a->n;
    int rv;
    while ((rv = pem_next(&pem, &der)) == 1) {
        rv = identity_anchors_add(a, how, buf_view(&der));
        if (rv != 0)
            break;
    }
    if (rv == 0 && a->n == before)
        rv = CONCLAVE_ESYNTAX;
    while (rv != 0 && a->n > before)
        anchor_free(a->anchor[--a->n]);
    buf_free(&der);
    return rv;
}

bool anchor_vouches(const struct anchor *a, const struct name *name)
{
    if (name->kind == IDENTITY_GUEST)
        return a->purpose == IDENTITY_PROVIDER;
    if (a->domains.n == 0)
        return a->purpose != IDENTITY_PROVIDER;
    for (size_t i = 0; i < a->domains.n; i++)
        if (name_in_domain(name, a->domains.name[i]))
            return true;
    return false;
}

/* ---- Revoked certificates ---- */

static int serial_order(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct serial));
}

static bool serial_set(struct serial *s, struct bytes in)
{
    while (in.n != 0 && in.p[0] == 0)
        in = bytes_of(in.p + 1, in.n - 1);
    *s = (struct serial){0};
    if (in.n == 0 || in.n > sizeof s->p)
        return false;
    memcpy(s->p + sizeof s->p - in.n, in.p, in.n);
    return true;
}

static struct revoking *revoking_find(const struct identity_anchors *a, struct bytes spki)
{
    for (size_t i = 0; i < a->n_revoking; i++)
        if (bytes_equal(buf_view(&a->revoking[i].spki), spki))
            return &a->revoking[i];
    return NULL;
}

static int revoking_new(struct identity_anchors *a, struct bytes spki, struct revoking **out)
{
    struct buf key = {0};
    if (a->n_revoking == LIMIT_IDENTITY_REVOKING)
        return CONCLAVE_ELIMIT;
    void *grown = realloc(a->revoking, (a->n_revoking + 1) * sizeof *a->revoking);
    if (grown == NULL)
        return CONCLAVE_ENOMEM;
    a->revoking = grown;
    buf_put(&key, spki);
    if (buf_check(&key) != 0)
        return CONCLAVE_ENOMEM;
    *out = &a->revoking[a->n_revoking++];
    **out = (struct revoking){.spki = key};
    return 0;
}

int identity_anchors_revoke(struct identity_anchors *a, struct bytes issuer_der,
                            const struct bytes *serials, size_t n)
{
    struct certificate issuer;
    struct serial *list = NULL;
    int rv = certificate_read(issuer_der, &issuer);
    if (rv != 0)
        return rv;
    if (n > LIMIT_IDENTITY_REVOKED)
        return CONCLAVE_ELIMIT;
    list = calloc(n == 0 ? 1 : n, sizeof *list);
    if (list == NULL)
        return CONCLAVE_ENOMEM;
    for (size_t i = 0; rv == 0 && i < n; i++)
        if (!serial_set(&list[i], serials[i]))
            rv = CONCLAVE_EINVAL;
    struct revoking *r = rv == 0 ? revoking_find(a, issuer.key.spki) : NULL;
    if (rv == 0 && r == NULL)
        rv = revoking_new(a, issuer.key.spki, &r);
    if (rv != 0) {
        free(list);
        return rv;
    }
    qsort(list, n, sizeof *list, serial_order);
    free(r->serials);
    r->serials = list;
    r->n = n;
    return 0;
}

bool anchors_revoked(const struct identity_anchors *a, const struct certificate *issuer,
                     struct bytes serial)
{
    struct serial s;
    const struct revoking *r = revoking_find(a, issuer->key.spki);
    return r != NULL && serial_set(&s, serial) && r->n != 0 &&
           bsearch(&s, r->serials, r->n, sizeof s, serial_order) != NULL;
}
