#include "identity/constraints.h"

#include <string.h>

#include "identity/limits.h"
#include "identity/name.h"

#define TAG_EMAIL DER_CONTEXT(1)
#define TAG_DNS DER_CONTEXT(2)
#define TAG_DIRECTORY DER_CONTEXT_IN(4)

struct general_name {
    uint8_t tag;
    struct bytes value;
};

struct subtrees {
    struct bytes permitted, excluded; /* contents of GeneralSubtrees */
};

static int read_constraints(struct bytes in, struct subtrees *out)
{
    struct reader r = reader_of(in);
    *out = (struct subtrees){0};
    if (der_next_is(&r, DER_CONTEXT_IN(0)))
        out->permitted = der_content(&r, DER_CONTEXT_IN(0));
    if (der_next_is(&r, DER_CONTEXT_IN(1)))
        out->excluded = der_content(&r, DER_CONTEXT_IN(1));
    /* RFC 5280 4.2.1.10: not an empty sequence */
    bool empty = out->permitted.n == 0 && out->excluded.n == 0;
    return reader_end(&r) == 0 && !empty ? 0 : CONCLAVE_ESYNTAX;
}

/* RFC 5280 4.2.1.10: minimum is zero, maximum absent, so neither is written */
static int next_subtree(struct bytes *rest, struct general_name *out)
{
    struct reader r = reader_of(*rest), in = der_enter(&r, DER_SEQUENCE);
    out->value = general_name_read(&in, &out->tag);
    der_leave(&r, &in);
    if (!reader_ok(&r))
        return CONCLAVE_ESYNTAX;
    *rest = bytes_of(r.p, reader_left(&r));
    return 0;
}

static struct bytes tail(struct bytes b, size_t n)
{
    return bytes_of(b.p + b.n - n, n);
}

static bool dns_match(struct bytes name, struct bytes base)
{
    if (base.n == 0)
        return true;
    if (name.n < base.n || !text_equal_nocase(tail(name, base.n), base))
        return false;
    return name.n == base.n || base.p[0] == '.' || name.p[name.n - base.n - 1] == '.';
}

/* A mailbox, a host, or with a leading dot all hosts below one. */
static bool email_match(struct bytes name, struct bytes base)
{
    const uint8_t *at = name.n == 0 ? NULL : memchr(name.p, '@', name.n);
    const uint8_t *base_at = base.n == 0 ? NULL : memchr(base.p, '@', base.n);
    if (at == NULL)
        return false;
    struct bytes host = tail(name, name.n - (size_t)(at - name.p) - 1);
    if (base_at != NULL) {
        size_t local = (size_t)(base_at - base.p);
        return local == (size_t)(at - name.p) &&
               bytes_equal(bytes_of(name.p, local), bytes_of(base.p, local)) &&
               text_equal_nocase(host, tail(base, base.n - local - 1));
    }
    if (base.n != 0 && base.p[0] == '.')
        return host.n > base.n && text_equal_nocase(tail(host, base.n), base);
    return text_equal_nocase(host, base);
}

/* The base's RDNs are the name's first. Bytes are compared: a CA writes both alike, and where it
 * does not, a permitted name is refused. */
static bool directory_match(struct bytes name, struct bytes base)
{
    struct reader n = reader_of(name), b = reader_of(base);
    struct bytes rdns = der_content(&n, DER_SEQUENCE), first = der_content(&b, DER_SEQUENCE);
    return reader_end(&n) == 0 && reader_end(&b) == 0 && rdns.n >= first.n &&
           bytes_equal(bytes_of(rdns.p, first.n), first);
}

static bool match(const struct general_name *name, const struct general_name *base)
{
    switch (name->tag) {
    case TAG_EMAIL:
        return email_match(name->value, base->value);
    case TAG_DNS:
        return dns_match(name->value, base->value);
    default:
        return directory_match(name->value, base->value);
    }
}

/* RFC 5280 6.1.3 (b), (c). URIs without a host, IP addresses and others: a constraint on a form
 * that we do not compare refuses all of it, and so does an exclusion of directory names, where
 * bytes that differ prove nothing. */
static int check_name(const struct subtrees *s, const struct general_name *name)
{
    bool comparable = name->tag == TAG_EMAIL || name->tag == TAG_DNS || name->tag == TAG_DIRECTORY;
    bool constrained = false, permitted = false;
    size_t n = 0;
    struct general_name base;
    for (struct bytes rest = s->permitted; rest.n != 0;) {
        if (++n > LIMIT_IDENTITY_SUBTREES)
            return CONCLAVE_ELIMIT;
        if (next_subtree(&rest, &base) != 0)
            return CONCLAVE_ESYNTAX;
        if (base.tag != name->tag)
            continue;
        constrained = true;
        permitted |= comparable && match(name, &base);
    }
    for (struct bytes rest = s->excluded; rest.n != 0;) {
        if (++n > LIMIT_IDENTITY_SUBTREES)
            return CONCLAVE_ELIMIT;
        if (next_subtree(&rest, &base) != 0)
            return CONCLAVE_ESYNTAX;
        if (base.tag != name->tag)
            continue;
        if (!comparable || name->tag == TAG_DIRECTORY || match(name, &base))
            return CONCLAVE_EPOLICY;
    }
    return constrained && !permitted ? CONCLAVE_EPOLICY : 0;
}

int constraints_check(struct bytes constraints, const struct certificate *c)
{
    struct subtrees s;
    struct reader names = reader_of(c->names), subject = reader_of(c->subject);
    struct general_name name = {TAG_DIRECTORY, c->subject};
    size_t n = 0;
    int rv = read_constraints(constraints, &s);
    if (rv == 0 && der_content(&subject, DER_SEQUENCE).n != 0)
        rv = check_name(&s, &name);
    while (rv == 0 && reader_left(&names) != 0) {
        if (++n > LIMIT_IDENTITY_NAMES)
            return CONCLAVE_ELIMIT;
        name.value = general_name_read(&names, &name.tag);
        if (!reader_ok(&names))
            return CONCLAVE_ESYNTAX;
        rv = check_name(&s, &name);
    }
    return rv;
}

int constraints_domains(struct bytes constraints, int (*take)(void *ctx, struct bytes domain),
                        void *ctx)
{
    struct subtrees s;
    char domain[IDENTITY_DOMAIN_MAX + 1];
    size_t n = 0;
    int rv = read_constraints(constraints, &s);
    while (rv == 0 && s.permitted.n != 0) {
        struct general_name base;
        if (++n > LIMIT_IDENTITY_SUBTREES)
            return CONCLAVE_ELIMIT;
        rv = next_subtree(&s.permitted, &base);
        bool host = rv == 0 && (base.tag == TAG_EMAIL || base.tag == TAG_DNS);
        if (host && domain_read(base.value, domain))
            rv = take(ctx, bytes_str(domain));
    }
    return rv;
}
