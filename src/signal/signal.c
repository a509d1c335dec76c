/* The codec is one table: a row for each type, with its fields in the order of the wire. Reading,
 * writing and checking walk the same row, so they cannot disagree. */
#include "signal/signal.h"

#include "wire/reader.h"
#include "wire/writer.h"

#define FIELDS_MAX 5
#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

enum field_kind {
    FIELD_NONE, /* the end of a row */
    FIELD_U8,
    FIELD_U16,
    FIELD_U32,
    FIELD_U64,
    FIELD_BOOL,
    FIELD_NONCE,        /* SIGNAL_NONCE bytes without a length */
    FIELD_OPAQUE,       /* opaque x<V> */
    FIELD_HASH,         /* opaque x<V> of SIGNAL_HASH bytes */
    FIELD_HASH_OR_NONE, /* likewise, or empty */
    FIELD_ENTRIES,
    FIELD_REFS,
    FIELD_PRESENCE,
};

struct field {
    enum field_kind kind;
    size_t at; /* in struct signal_message */
};

struct row {
    const char *name;
    size_t limit; /* bytes of the frame, its type included */
    struct field fields[FIELDS_MAX];
};

#define F(kind, member)                                       \
    {                                                         \
        FIELD_##kind, offsetof(struct signal_message, member) \
    }

/* docs/PROTOCOL.md section 5. Numbers alone fit into 256 bytes. A commit of a thousand newcomers
 * with certificate chains has a few MiB, a tree of 65,536 leaves about 30. */
static const struct row rows[] = {
    [SIGNAL_HELLO] = {"HELLO", 256, {F(U16, version), F(OPAQUE, number), F(HASH_OR_NONE, access)}},
    [SIGNAL_FOUND] = {"FOUND", 256 * KIB, {F(OPAQUE, body), F(OPAQUE, tree), F(OPAQUE, signature)}},
    [SIGNAL_KNOCK] = {"KNOCK", 64 * KIB, {F(OPAQUE, body), F(OPAQUE, signature)}},
    [SIGNAL_RESUME] = {"RESUME",
                       KIB,
                       {F(OPAQUE, group_id), F(U32, leaf), F(U64, epoch), F(OPAQUE, signature)}},
    [SIGNAL_REJOIN] = {"REJOIN", KIB, {F(OPAQUE, group_id), F(U32, leaf), F(OPAQUE, signature)}},
    [SIGNAL_PROPOSE] = {"PROPOSE", 256 * KIB, {F(OPAQUE, body)}},
    [SIGNAL_COMMIT] = {"COMMIT", 16 * MIB, {F(OPAQUE, body)}},
    [SIGNAL_WELCOME] = {"WELCOME", 16 * MIB, {F(U64, epoch), F(OPAQUE, body)}},
    [SIGNAL_APP] = {"APP", 64 * KIB, {F(OPAQUE, body)}},
    [SIGNAL_INFO] = {"INFO", 256 * KIB, {F(OPAQUE, body)}},
    [SIGNAL_REFUSE] = {"REFUSE", 256, {F(OPAQUE, ref)}},
    [SIGNAL_COMPLAINT] = {"COMPLAINT", 256, {F(U64, epoch), F(HASH, hash), F(U16, reason)}},
    [SIGNAL_LEAVE] = {"LEAVE", 1, {{FIELD_NONE, 0}}},
    [SIGNAL_MEDIA] = {"MEDIA", 4 * KIB, {F(OPAQUE, body)}},

    [SIGNAL_CHALLENGE] = {"CHALLENGE",
                          64 * KIB,
                          {F(U16, version), F(NONCE, nonce), F(U64, server_time), F(BOOL, running),
                           F(OPAQUE, card)}},
    [SIGNAL_WAITING] = {"WAITING", 256, {F(U8, waiting)}},
    [SIGNAL_LOBBY] = {"LOBBY", SIGNAL_FRAME_MAX, {F(ENTRIES, entries), F(REFS, refs)}},
    [SIGNAL_JOINERS] = {"JOINERS", SIGNAL_FRAME_MAX, {F(ENTRIES, entries)}},
    [SIGNAL_PROPOSED] = {"PROPOSED", 256 * KIB, {F(OPAQUE, body)}},
    [SIGNAL_COMMITTED] = {"COMMITTED", 16 * MIB, {F(OPAQUE, body)}},
    [SIGNAL_REJECTED] = {"REJECTED", 256, {F(U64, epoch), F(U16, reason)}},
    [SIGNAL_WELCOMED] = {"WELCOMED", SIGNAL_FRAME_MAX, {F(OPAQUE, body), F(OPAQUE, tree)}},
    [SIGNAL_APP_FROM] = {"APP_FROM", 64 * KIB, {F(OPAQUE, body)}},
    [SIGNAL_PRESENCE] = {"PRESENCE", MIB, {F(PRESENCE, presence)}},
    [SIGNAL_INFO_REQUEST] = {"INFO_REQUEST", 1, {{FIELD_NONE, 0}}},
    [SIGNAL_INFO_OF] = {"INFO_OF", SIGNAL_FRAME_MAX, {F(OPAQUE, body), F(OPAQUE, tree)}},
    [SIGNAL_TAKEN] = {"TAKEN", 1, {{FIELD_NONE, 0}}},
    [SIGNAL_LIVE] = {"LIVE", 256, {F(U64, epoch), F(U32, leaf)}},
    [SIGNAL_UNDONE] = {"UNDONE", 256, {F(U64, epoch), F(U32, leaf)}},
    [SIGNAL_FAULT] = {"FAULT", 256, {F(U16, reason)}},
    [SIGNAL_MEDIA_OF] = {"MEDIA_OF", 8 * KIB, {F(OPAQUE, body)}},
};

/* NULL if there is no such type. */
static const struct row *row_of(unsigned type)
{
    return type < sizeof rows / sizeof rows[0] && rows[type].limit != 0 ? &rows[type] : NULL;
}

/* The field after f, or the row's first; NULL at the end. */
static const struct field *next_field(const struct row *row, const struct field *f)
{
    f = f == NULL ? row->fields : f + 1;
    return f == row->fields + FIELDS_MAX || f->kind == FIELD_NONE ? NULL : f;
}

size_t signal_limit(enum signal_type type)
{
    const struct row *row = row_of(type);
    return row == NULL ? 0 : row->limit;
}

bool signal_from_client(enum signal_type type)
{
    return row_of(type) != NULL && type < SIGNAL_CHALLENGE;
}

const char *signal_name(enum signal_type type)
{
    const struct row *row = row_of(type);
    return row == NULL ? "?" : row->name;
}

/* ---- Lists ---- */

void signal_put_entry(struct buf *b, const struct signal_entry *entry)
{
    write_vec(b, entry->ref);
    write_vec(b, entry->key_package);
    write_u64(b, entry->since);
}

void signal_put_ref(struct buf *b, struct bytes ref)
{
    write_vec(b, ref);
}

void signal_put_presence(struct buf *b, struct signal_presence change)
{
    write_u32(b, change.leaf);
    write_u8(b, change.connected);
}

/* Ends a step through a list: *rest becomes what is left, unless the element was cut off. */
static bool step(const struct reader *r, struct bytes *rest)
{
    if (!reader_ok(r))
        return false;
    *rest = bytes_of(r->p, reader_left(r));
    return true;
}

bool signal_next_entry(struct bytes *rest, struct signal_entry *out)
{
    struct reader r = reader_of(*rest);
    struct bytes ref = read_vec(&r), key_package = read_vec(&r);
    uint64_t since = read_u64(&r);
    if (!step(&r, rest))
        return false;
    *out = (struct signal_entry){.ref = ref, .key_package = key_package, .since = since};
    return true;
}

bool signal_next_ref(struct bytes *rest, struct bytes *out)
{
    struct reader r = reader_of(*rest);
    struct bytes ref = read_vec(&r);
    if (!step(&r, rest))
        return false;
    *out = ref;
    return true;
}

bool signal_next_presence(struct bytes *rest, struct signal_presence *out)
{
    struct reader r = reader_of(*rest);
    struct signal_presence change = {.leaf = read_u32(&r)};
    change.connected = read_optional(&r);
    if (!step(&r, rest))
        return false;
    *out = change;
    return true;
}

/* ---- Fields ---- */

/* Whether an opaque field or a list is as its kind wants it. */
static bool field_fits(enum field_kind kind, struct bytes v)
{
    struct signal_entry entry;
    struct signal_presence change;
    struct bytes ref;
    switch (kind) {
    case FIELD_NONCE:
        return v.n == SIGNAL_NONCE;
    case FIELD_HASH:
        return v.n == SIGNAL_HASH;
    case FIELD_HASH_OR_NONE:
        return v.n == SIGNAL_HASH || v.n == 0;
    case FIELD_ENTRIES:
        while (signal_next_entry(&v, &entry))
            continue;
        return v.n == 0;
    case FIELD_REFS:
        while (signal_next_ref(&v, &ref))
            continue;
        return v.n == 0;
    case FIELD_PRESENCE:
        while (signal_next_presence(&v, &change))
            continue;
        return v.n == 0;
    default:
        return true;
    }
}

static void read_field(struct reader *r, enum field_kind kind, void *at)
{
    struct bytes *v = at;
    switch (kind) {
    case FIELD_U8:
        *(uint8_t *)at = read_u8(r);
        break;
    case FIELD_U16:
        *(uint16_t *)at = read_u16(r);
        break;
    case FIELD_U32:
        *(uint32_t *)at = read_u32(r);
        break;
    case FIELD_U64:
        *(uint64_t *)at = read_u64(r);
        break;
    case FIELD_BOOL:
        *(bool *)at = read_optional(r);
        break;
    case FIELD_NONCE:
        *v = read_bytes(r, SIGNAL_NONCE);
        break;
    default:
        *v = read_vec(r);
        if (!field_fits(kind, *v))
            reader_fail(r);
    }
}

int signal_read(struct bytes frame, struct signal_message *out)
{
    struct signal_message m = {0};
    struct reader r = reader_of(frame);
    uint8_t type = read_u8(&r);
    const struct row *row = row_of(type);
    if (row == NULL)
        return CONCLAVE_ESYNTAX;
    if (frame.n > row->limit)
        return CONCLAVE_ELIMIT;
    m.type = (enum signal_type)type;
    for (const struct field *f = next_field(row, NULL); f != NULL; f = next_field(row, f))
        read_field(&r, f->kind, (uint8_t *)&m + f->at);
    int rv = reader_end(&r);
    if (rv == 0)
        *out = m;
    return rv;
}

static int write_field(struct buf *b, size_t limit, enum field_kind kind, const void *at)
{
    const struct bytes *v = at;
    switch (kind) {
    case FIELD_U8:
        write_u8(b, *(const uint8_t *)at);
        return 0;
    case FIELD_U16:
        write_u16(b, *(const uint16_t *)at);
        return 0;
    case FIELD_U32:
        write_u32(b, *(const uint32_t *)at);
        return 0;
    case FIELD_U64:
        write_u64(b, *(const uint64_t *)at);
        return 0;
    case FIELD_BOOL:
        write_u8(b, *(const bool *)at);
        return 0;
    default:
        break;
    }
    if (v->n > limit)
        return CONCLAVE_ELIMIT;
    if (!field_fits(kind, *v))
        return CONCLAVE_EINVAL;
    if (kind == FIELD_NONCE)
        buf_put(b, *v);
    else
        write_vec(b, *v);
    return 0;
}

static const struct field *last_field(const struct row *row)
{
    const struct field *last = NULL;
    for (const struct field *f = next_field(row, NULL); f != NULL; f = next_field(row, f))
        last = f;
    return last;
}

/* Appends the frame; of the field `end`, if it is not NULL, only its length, which is rest. */
static int write_frame(const struct signal_message *m, const struct row *row,
                       const struct field *end, size_t rest, struct buf *out)
{
    size_t mark = out->n;
    int rv = buf_check(out);
    if (rv != 0)
        return rv;
    write_u8(out, (uint8_t)m->type);
    for (const struct field *f = next_field(row, NULL); rv == 0 && f != end; f = next_field(row, f))
        rv = write_field(out, row->limit, f->kind, (const uint8_t *)m + f->at);
    if (rv == 0 && end != NULL)
        write_varint(out, rest);
    if (rv == 0)
        rv = buf_check(out);
    if (rv == 0 && out->n - mark + rest > row->limit)
        rv = CONCLAVE_ELIMIT;
    if (rv != 0) {
        out->n = mark;
        out->failed = false;
    }
    return rv;
}

int signal_write(const struct signal_message *m, struct buf *out)
{
    const struct row *row = row_of(m->type);
    return row == NULL ? CONCLAVE_EINVAL : write_frame(m, row, NULL, 0, out);
}

int signal_write_head(const struct signal_message *m, struct buf *out)
{
    const struct row *row = row_of(m->type);
    const struct field *last = row == NULL ? NULL : last_field(row);
    if (last == NULL || last->kind != FIELD_OPAQUE)
        return CONCLAVE_EINVAL;
    const void *at = (const uint8_t *)m + last->at;
    const struct bytes *rest = at;
    return rest->n > row->limit ? CONCLAVE_ELIMIT : write_frame(m, row, last, rest->n, out);
}

int signal_connect_tbs(struct bytes nonce, enum signal_type type, struct bytes subject,
                       struct buf *out)
{
    if (nonce.n != SIGNAL_NONCE)
        return CONCLAVE_EINVAL;
    buf_put(out, nonce);
    write_u8(out, (uint8_t)type);
    write_vec(out, subject);
    return buf_check(out);
}
