#include "mls/extension.h"

#include <string.h>

#include "base/limits.h"
#include "mls/credential.h"
#include "mls/proposal.h"
#include "wire/writer.h"

bool mls_extensions_next(struct reader *r, struct mls_extension *out)
{
    if (reader_left(r) == 0)
        return false;
    out->type = read_u16(r);
    out->data = read_vec(r);
    return reader_ok(r);
}

/* RFC 9420 13.4-5: no type twice. The limit keeps the pairs few. */
static int check_list(struct bytes list)
{
    uint16_t seen[LIMIT_MLS_EXTENSIONS];
    size_t n = 0;
    struct reader r = reader_of(list);
    struct mls_extension e;
    while (mls_extensions_next(&r, &e)) {
        if (n == LIMIT_MLS_EXTENSIONS)
            return CONCLAVE_ELIMIT;
        for (size_t i = 0; i < n; i++)
            if (seen[i] == e.type)
                return CONCLAVE_EEXTENSION;
        seen[n++] = e.type;
    }
    return reader_end(&r);
}

/* RFC 9420 10-8, 12.4.3-1, 13.4-3 and 13.4-4: an unknown type is carried, and means nothing. */
struct bytes mls_extensions_read(struct reader *r, int *error)
{
    struct bytes list = read_vec(r);
    int rv = reader_ok(r) ? check_list(list) : CONCLAVE_ESYNTAX;
    if (rv == 0)
        return list;
    if (*error == 0)
        *error = rv;
    reader_fail(r);
    return bytes_of(NULL, 0);
}

void mls_extensions_write(struct buf *b, const struct mls_extension *list, size_t n)
{
    size_t mark = write_vec_begin(b);
    for (size_t i = 0; i < n; i++) {
        write_u16(b, list[i].type);
        write_vec(b, list[i].data);
    }
    write_vec_end(b, mark);
}

int mls_extension_find(struct bytes list, uint16_t type, struct bytes *out_data)
{
    struct reader r = reader_of(list);
    struct mls_extension e;
    while (mls_extensions_next(&r, &e))
        if (e.type == type) {
            *out_data = e.data;
            return 0;
        }
    return CONCLAVE_ENOTFOUND;
}

bool mls_extension_is_default(uint16_t type)
{
    return type >= MLS_EXT_APPLICATION_ID && type <= MLS_EXT_EXTERNAL_SENDERS;
}

bool mls_is_grease(uint16_t type)
{
    return (type & 0x0f0f) == 0x0a0a && type >> 8 == (type & 0xff) && type != 0xfafa;
}

/* RFC 9420 7.2-5, 13.4-2, 13.5-3 and 13.5-4: what is unknown, GREASE among it, is passed over. */
bool mls_u16s_have(struct bytes list, uint16_t value)
{
    struct reader r = reader_of(list);
    while (reader_left(&r) != 0)
        if (read_u16(&r) == value)
            return true;
    return false;
}

int mls_capabilities_cover(const struct mls_capabilities *caps, struct bytes extensions)
{
    struct reader r = reader_of(extensions);
    struct mls_extension e;
    while (mls_extensions_next(&r, &e))
        if (!mls_extension_is_default(e.type) && !mls_u16s_have(caps->extensions, e.type))
            return CONCLAVE_ECAPABILITY;
    return 0;
}

int mls_required_capabilities_find(struct bytes extensions, bool *out_present,
                                   struct mls_required_capabilities *out)
{
    struct bytes data;
    *out_present = mls_extension_find(extensions, MLS_EXT_REQUIRED_CAPABILITIES, &data) == 0;
    if (!*out_present)
        return 0;
    struct reader r = reader_of(data);
    struct mls_required_capabilities made;
    made.extensions = read_vec(&r);
    made.proposals = read_vec(&r);
    made.credentials = read_vec(&r);
    bool odd = (made.extensions.n | made.proposals.n | made.credentials.n) & 1;
    if (reader_end(&r) != 0 || odd)
        return CONCLAVE_EEXTENSION;
    size_t max = 2 * (size_t)LIMIT_MLS_CAPABILITIES;
    if (made.extensions.n > max || made.proposals.n > max || made.credentials.n > max)
        return CONCLAVE_ELIMIT;
    *out = made;
    return 0;
}

/* Whether a capability list has all of a required list, but for defaults. Both are the outsider's:
 * a bitmap makes the work their sum, not their product. */
static bool covers(struct bytes list, struct bytes required, bool (*is_default)(uint16_t type))
{
    uint8_t bits[65536 / 8];
    struct reader r = reader_of(list);
    if (required.n == 0)
        return true;
    memset(bits, 0, sizeof bits);
    while (reader_left(&r) != 0) {
        uint16_t type = read_u16(&r);
        bits[type / 8] |= (uint8_t)(1 << type % 8);
    }
    r = reader_of(required);
    while (reader_left(&r) != 0) {
        uint16_t type = read_u16(&r);
        if ((bits[type / 8] >> type % 8 & 1) == 0 && !is_default(type))
            return false;
    }
    return true;
}

static bool no_default(uint16_t type)
{
    (void)type;
    return false;
}

int mls_required_capabilities_check(const struct mls_required_capabilities *required,
                                    const struct mls_capabilities *caps)
{
    return covers(caps->extensions, required->extensions, mls_extension_is_default) &&
                   covers(caps->proposals, required->proposals, mls_proposal_is_default) &&
                   covers(caps->credentials, required->credentials, no_default)
               ? 0
               : CONCLAVE_ECAPABILITY;
}

/* Walks external_senders up to an index, or to the end. */
static int walk_senders(struct bytes data, uint32_t index, struct mls_external_sender *out,
                        uint32_t *out_count)
{
    struct reader outer = reader_of(data);
    struct reader r = read_sub(&outer);
    int error = 0;
    uint32_t n = 0;
    while (reader_left(&r) != 0) {
        struct mls_external_sender s;
        s.signature_key = read_vec(&r);
        s.credential = mls_credential_read(&r, &error);
        if (!reader_ok(&r) || n == LIMIT_MLS_EXTERNAL_SENDERS)
            return CONCLAVE_EEXTENSION;
        if (n++ == index)
            *out = s;
    }
    *out_count = n;
    return reader_end(&r) != 0 || reader_end(&outer) != 0 ? CONCLAVE_EEXTENSION : 0;
}

int mls_external_senders_count(struct bytes extensions, uint32_t *out)
{
    struct bytes data;
    struct mls_external_sender unused;
    *out = 0;
    if (mls_extension_find(extensions, MLS_EXT_EXTERNAL_SENDERS, &data) != 0)
        return 0;
    return walk_senders(data, UINT32_MAX, &unused, out);
}

int mls_external_sender_find(struct bytes extensions, uint32_t index,
                             struct mls_external_sender *out)
{
    struct bytes data;
    uint32_t n;
    /* RFC 9420 12.1.8-1: without the extension there are no external senders */
    if (mls_extension_find(extensions, MLS_EXT_EXTERNAL_SENDERS, &data) != 0)
        return CONCLAVE_ESENDER;
    int rv = walk_senders(data, index, out, &n);
    if (rv != 0)
        return rv;
    return index < n ? 0 : CONCLAVE_ESENDER;
}

static void write_u16s(struct buf *b, const uint16_t *list, size_t n)
{
    size_t mark = write_vec_begin(b);
    for (size_t i = 0; i < n; i++)
        write_u16(b, list[i]);
    write_vec_end(b, mark);
}

int mls_required_capabilities_encode(const uint16_t *extensions, size_t n_extensions,
                                     const uint16_t *proposals, size_t n_proposals,
                                     const uint16_t *credentials, size_t n_credentials,
                                     struct buf *out)
{
    struct buf b = {0};
    write_u16s(&b, extensions, n_extensions);
    write_u16s(&b, proposals, n_proposals);
    write_u16s(&b, credentials, n_credentials);
    int rv = buf_check(&b);
    if (rv == 0)
        buf_move(out, &b);
    buf_free(&b);
    return rv;
}

int mls_external_senders_encode(const struct mls_external_sender *senders, size_t n,
                                struct buf *out)
{
    struct buf b = {0};
    if (n > LIMIT_MLS_EXTERNAL_SENDERS)
        return CONCLAVE_EINVAL;
    size_t mark = write_vec_begin(&b);
    for (size_t i = 0; i < n; i++) {
        write_vec(&b, senders[i].signature_key);
        mls_credential_write(&b, &senders[i].credential);
    }
    write_vec_end(&b, mark);
    int rv = buf_check(&b);
    if (rv == 0)
        buf_move(out, &b);
    buf_free(&b);
    return rv;
}
