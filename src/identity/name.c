#include "identity/name.h"

#include <string.h>

#include "wire/der.h"
#include "identity/limits.h"

#define URN_UUID "urn:uuid:"
#define LOCAL_MAX 64 /* RFC 5321 4.5.3.1.1 */
#define LABEL_MAX 63 /* RFC 1035 2.3.4 */

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(uint8_t c)
{
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z');
}

bool text_equal_nocase(struct bytes a, struct bytes b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

/* RFC 5890 2.3.1: letters, digits and hyphens; "--" in the third and fourth place only in A-labels.
 * All is lower case by now. */
static bool label_ok(const char *p, size_t n)
{
    if (n == 0 || n > LABEL_MAX || p[0] == '-' || p[n - 1] == '-')
        return false;
    for (size_t i = 0; i < n; i++)
        if (!is_alnum((uint8_t)p[i]) && p[i] != '-')
            return false;
    bool reserved = n >= 4 && p[2] == '-' && p[3] == '-';
    return !reserved || (n > 4 && p[0] == 'x' && p[1] == 'n');
}

/* An IPv4 address is no domain. */
static bool all_digits(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!is_digit((uint8_t)p[i]))
            return false;
    return true;
}

static bool labels_ok(const char *p)
{
    size_t labels = 0;
    for (;;) {
        const char *dot = strchr(p, '.');
        size_t n = dot != NULL ? (size_t)(dot - p) : strlen(p);
        if (!label_ok(p, n))
            return false;
        labels++;
        if (dot == NULL)
            return labels >= 2 && !all_digits(p, n);
        p = dot + 1;
    }
}

bool domain_read(struct bytes in, char out[static IDENTITY_DOMAIN_MAX + 1])
{
    out[0] = 0;
    if (in.n == 0 || in.n > IDENTITY_DOMAIN_MAX)
        return false;
    for (size_t i = 0; i < in.n; i++)
        out[i] = (char)lower(in.p[i]);
    out[in.n] = 0;
    bool ok = strlen(out) == in.n && labels_ok(out);
    if (!ok)
        out[0] = 0;
    return ok;
}

/* RFC 5321 4.1.2: Dot-string; the quoted form is of no use and of much abuse */
static bool local_ok(struct bytes l)
{
    if (l.n == 0 || l.n > LOCAL_MAX || l.p[0] == '.' || l.p[l.n - 1] == '.')
        return false;
    for (size_t i = 0; i < l.n; i++) {
        if (l.p[i] == '.' && l.p[i + 1] == '.')
            return false;
        /* of RFC 5322's atext without most that mean something in markup, shells and URLs */
        if (!is_alnum(l.p[i]) && (l.p[i] == 0 || strchr(".+-_=~'", l.p[i]) == NULL))
            return false;
    }
    return true;
}

static bool email_read(struct bytes in, struct name *out)
{
    const uint8_t *at = in.n == 0 ? NULL : memchr(in.p, '@', in.n);
    if (at == NULL)
        return false;
    struct bytes local = bytes_of(in.p, (size_t)(at - in.p));
    struct bytes domain = bytes_of(at + 1, in.n - local.n - 1);
    if (!local_ok(local))
        return false;
    memcpy(out->text, local.p, local.n);
    out->text[local.n] = '@';
    out->domain = local.n + 1;
    return domain_read(domain, out->text + out->domain);
}

/* RFC 4122 3, and 4.1.7: the nil UUID names nobody */
static bool uuid_read(struct bytes in, struct name *out)
{
    size_t prefix = strlen(URN_UUID);
    bool nil = true;
    if (in.n != prefix + 36 ||
        !text_equal_nocase(bytes_of(in.p, prefix), bytes_of(URN_UUID, prefix)))
        return false;
    for (size_t i = prefix; i < in.n; i++) {
        size_t at = i - prefix;
        bool hyphen = at == 8 || at == 13 || at == 18 || at == 23;
        uint8_t c = lower(in.p[i]);
        if (hyphen ? c != '-' : !is_digit(c) && !(c >= 'a' && c <= 'f'))
            return false;
        nil = nil && (c == '0' || c == '-');
        out->text[i] = (char)c;
    }
    memcpy(out->text, URN_UUID, prefix);
    out->domain = in.n;
    return !nil;
}

bool name_read(enum identity_kind kind, struct bytes in, struct name *out)
{
    bool ok = false;
    *out = (struct name){.kind = kind};
    switch (kind) {
    case IDENTITY_USER:
        ok = email_read(in, out);
        break;
    case IDENTITY_DEVICE:
        ok = domain_read(in, out->text);
        break;
    case IDENTITY_GUEST:
        ok = uuid_read(in, out);
        break;
    case IDENTITY_NOBODY:
        break;
    }
    if (!ok)
        *out = (struct name){0};
    return ok;
}

bool name_guess(struct bytes in, struct name *out)
{
    enum identity_kind kind = IDENTITY_DEVICE;
    if (in.n != 0 && memchr(in.p, '@', in.n) != NULL)
        kind = IDENTITY_USER;
    else if (in.n != 0 && memchr(in.p, ':', in.n) != NULL)
        kind = IDENTITY_GUEST;
    return name_read(kind, in, out);
}

bool name_equal(const struct name *a, const struct name *b)
{
    return a->kind == b->kind && strcmp(a->text, b->text) == 0;
}

const char *name_domain(const struct name *n)
{
    return n->text + n->domain;
}

bool name_in_domain(const struct name *n, const char *zone)
{
    const char *domain = name_domain(n);
    size_t have = strlen(domain), want = strlen(zone);
    if (want == 0 || have < want || n->kind == IDENTITY_GUEST ||
        strcmp(domain + have - want, zone) != 0)
        return false;
    return have == want || (n->kind == IDENTITY_DEVICE && domain[have - want - 1] == '.');
}

/* A URI that is no urn:uuid is a name for other purposes. */
static bool is_uuid_urn(struct bytes uri)
{
    size_t prefix = strlen(URN_UUID);
    return uri.n >= prefix &&
           text_equal_nocase(bytes_of(uri.p, prefix), bytes_of(URN_UUID, prefix));
}

static enum identity_kind kind_of(uint8_t tag, struct bytes value)
{
    if (tag == DER_CONTEXT(1))
        return IDENTITY_USER;
    if (tag == DER_CONTEXT(2))
        return IDENTITY_DEVICE;
    return tag == DER_CONTEXT(6) && is_uuid_urn(value) ? IDENTITY_GUEST : IDENTITY_NOBODY;
}

/* RFC 5280 4.2.1.6: CHOICE of nine, those that hold structures constructed */
struct bytes general_name_read(struct reader *r, uint8_t *out_tag)
{
    static const uint8_t tags[] = {0xa0, 0x81, 0x82, 0xa3, 0xa4, 0xa5, 0x86, 0x87, 0x88};
    struct bytes value = der_any(r, out_tag);
    if (reader_ok(r) && memchr(tags, *out_tag, sizeof tags) == NULL)
        reader_fail(r);
    return value;
}

int names_next(struct names *it, struct name *out)
{
    while (it->rest.n != 0) {
        struct reader r = reader_of(it->rest);
        uint8_t tag;
        struct bytes value = general_name_read(&r, &tag);
        if (!reader_ok(&r))
            return CONCLAVE_ESYNTAX;
        if (++it->seen > LIMIT_IDENTITY_NAMES)
            return CONCLAVE_ELIMIT;
        it->rest = bytes_of(r.p, reader_left(&r));
        enum identity_kind kind = kind_of(tag, value);
        if (kind != IDENTITY_NOBODY)
            return name_read(kind, value, out) ? 1 : CONCLAVE_ECREDENTIAL;
    }
    return 0;
}
