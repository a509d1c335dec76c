#include "meeting/state.h"

#include "crypto/sha256.h"
#include "mls/extension.h"
#include "wire/reader.h"
#include "wire/writer.h"

/* ---- Lists ---- */

/* The next entry; false at the end and where the encoding breaks off. */
static bool list_next(struct reader *list, struct bytes *out)
{
    if (reader_left(list) == 0)
        return false;
    *out = read_vec(list);
    return reader_ok(list);
}

bool meeting_list_has(struct bytes list, struct bytes entry)
{
    struct reader r = reader_of(list);
    struct bytes e;
    while (list_next(&r, &e))
        if (bytes_equal(e, entry))
            return true;
    return false;
}

size_t meeting_list_count(struct bytes list)
{
    struct reader r = reader_of(list);
    struct bytes e;
    size_t n = 0;
    while (list_next(&r, &e))
        n++;
    return n;
}

int meeting_list_with(struct bytes list, struct bytes entry, struct buf *out)
{
    buf_put(out, list);
    if (!meeting_list_has(list, entry))
        write_vec(out, entry);
    return buf_check(out);
}

int meeting_list_without(struct bytes list, struct bytes entry, struct buf *out)
{
    struct reader r = reader_of(list);
    struct bytes e;
    while (list_next(&r, &e))
        if (!bytes_equal(e, entry))
            write_vec(out, e);
    return buf_check(out);
}

/* No doubles, at most MEETING_COHOSTS_MAX. */
static int check_cohosts(struct bytes list)
{
    struct reader r = reader_of(list);
    struct bytes e, before = bytes_of(list.p, 0);
    for (size_t n = 0; list_next(&r, &e); n++) {
        if (n == MEETING_COHOSTS_MAX)
            return CONCLAVE_ELIMIT;
        if (!card_identifier_ok(e) || meeting_list_has(before, e))
            return CONCLAVE_ESYNTAX;
        before.n = list.n - reader_left(&r);
    }
    return reader_end(&r);
}

/* Identifiers and hashes: which is which nobody needs to know. */
static int check_barred(struct bytes list)
{
    struct reader r = reader_of(list);
    struct bytes e;
    for (size_t n = 0; list_next(&r, &e); n++) {
        if (n == MEETING_BARRED_MAX)
            return CONCLAVE_ELIMIT;
        if (e.n == 0 || e.n > IDENTITY_NAME_MAX)
            return CONCLAVE_ESYNTAX;
    }
    return reader_end(&r);
}

/* ---- The state ---- */

int meeting_state_read(struct bytes data, struct meeting_state *out)
{
    struct reader r = reader_of(data);
    struct meeting_state s = {.locked = read_optional(&r)};
    s.ended = read_optional(&r);
    s.started_at = read_u64(&r);
    s.cohosts = read_vec(&r);
    s.barred = read_vec(&r);
    int rv = reader_end(&r);
    if (rv == 0)
        rv = check_cohosts(s.cohosts);
    if (rv == 0)
        rv = check_barred(s.barred);
    if (rv == 0)
        *out = s;
    return rv;
}

int meeting_state_write(const struct meeting_state *s, struct buf *out)
{
    if (check_cohosts(s->cohosts) != 0 || check_barred(s->barred) != 0)
        return CONCLAVE_EINVAL;
    write_u8(out, s->locked);
    write_u8(out, s->ended);
    write_u64(out, s->started_at);
    write_vec(out, s->cohosts);
    write_vec(out, s->barred);
    return buf_check(out);
}

bool meeting_state_is_fresh(const struct meeting_state *s)
{
    return !s->locked && !s->ended && s->cohosts.n == 0 && s->barred.n == 0;
}

int meeting_barred_entry(const struct identity *id, struct bytes signature_key, struct buf *out)
{
    uint8_t hash[SHA256_SIZE];
    if (id->category != IDENTITY_UNVERIFIED) {
        buf_put(out, bytes_str(id->identifier));
        return buf_check(out);
    }
    int rv = crypto_sha256(signature_key, hash);
    if (rv != 0)
        return rv;
    buf_put(out, bytes_of(hash, sizeof hash));
    return buf_check(out);
}

bool meeting_group_is_of(const struct card *card, struct bytes group_id)
{
    return group_id.n == MEETING_GROUP_ID &&
           bytes_equal(bytes_of(group_id.p, CARD_ID),
                       bytes_of(card_terms(card)->meeting_id, CARD_ID));
}

/* ---- The GroupContext's extensions ---- */

static int encode_required(struct buf *out)
{
    static const uint16_t extensions[] = {MEETING_EXT_CARD, MEETING_EXT_STATE, MEETING_EXT_NAME};
    static const uint16_t proposals[] = {MLS_SELF_REMOVE};
    static const uint16_t credentials[] = {MLS_X509};
    return mls_required_capabilities_encode(extensions, 3, proposals, 1, credentials, 1, out);
}

static int encode_senders(const struct card *card, struct buf *out)
{
    const struct mls_external_sender server = {
        .signature_key = card_terms(card)->server_key,
        .credential = {.type = MLS_BASIC, .identity = bytes_str(MEETING_SERVER_NAME)}};
    return mls_external_senders_encode(&server, 1, out);
}

int meeting_extensions_init(struct meeting_extensions *e, const struct card *card,
                            const struct meeting_state *state)
{
    static const uint16_t types[MEETING_EXTENSIONS] = {MLS_EXT_REQUIRED_CAPABILITIES,
                                                       MLS_EXT_EXTERNAL_SENDERS, MEETING_EXT_CARD,
                                                       MEETING_EXT_STATE};
    *e = (struct meeting_extensions){0};
    int rv = encode_required(&e->data[0]);
    if (rv == 0)
        rv = encode_senders(card, &e->data[1]);
    buf_put(&e->data[2], card_encoded(card));
    if (rv == 0)
        rv = buf_check(&e->data[2]);
    if (rv == 0)
        rv = meeting_state_write(state, &e->data[3]);
    if (rv != 0) {
        meeting_extensions_fini(e);
        return rv;
    }
    for (size_t i = 0; i < MEETING_EXTENSIONS; i++)
        e->list[i] = (struct mls_extension){types[i], buf_view(&e->data[i])};
    return 0;
}

void meeting_extensions_fini(struct meeting_extensions *e)
{
    for (size_t i = 0; i < MEETING_EXTENSIONS; i++)
        buf_free(&e->data[i]);
    *e = (struct meeting_extensions){0};
}

/* Which of the meeting's extensions this is, or their number if it is none. */
static size_t extension_index(const struct meeting_extensions *wanted, uint16_t type)
{
    size_t i = 0;
    while (i < MEETING_EXTENSIONS && wanted->list[i].type != type)
        i++;
    return i;
}

/* One of the list. The state alone has no one value. */
static int check_extension(const struct meeting_extensions *wanted, const struct mls_extension *e,
                           unsigned *seen, struct meeting_state *state)
{
    size_t i = extension_index(wanted, e->type);
    if (i == MEETING_EXTENSIONS || (*seen & 1u << i) != 0)
        return CONCLAVE_EPOLICY;
    *seen |= 1u << i;
    if (e->type == MEETING_EXT_STATE)
        return meeting_state_read(e->data, state);
    return bytes_equal(e->data, wanted->list[i].data) ? 0 : CONCLAVE_EPOLICY;
}

int meeting_extensions_check(struct bytes list, const struct card *card, struct meeting_state *out)
{
    const struct meeting_state any = {0};
    struct meeting_extensions wanted;
    struct meeting_state state = {0};
    struct mls_extension e;
    struct reader r = reader_of(list);
    unsigned seen = 0;
    int rv = meeting_extensions_init(&wanted, card, &any);
    while (rv == 0 && mls_extensions_next(&r, &e))
        rv = check_extension(&wanted, &e, &seen, &state);
    if (rv == 0)
        rv = reader_end(&r);
    if (rv == 0 && seen != (1u << MEETING_EXTENSIONS) - 1)
        rv = CONCLAVE_EPOLICY;
    if (rv == 0)
        *out = state;
    meeting_extensions_fini(&wanted);
    return rv;
}
