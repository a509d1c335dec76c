#include "signal/media.h"

#include "wire/reader.h"
#include "wire/writer.h"

/* ---- Lists ---- */

/* Ends a step through a list: *rest becomes what is left, unless the element was cut off. */
static bool step(const struct reader *r, struct bytes *rest)
{
    if (!reader_ok(r))
        return false;
    *rest = bytes_of(r->p, reader_left(r));
    return true;
}

static bool is_source(uint8_t source)
{
    return source >= SIGNAL_AUDIO && source <= SIGNAL_SCREEN;
}

void signal_put_layer(struct buf *b, const struct signal_layer *layer)
{
    write_u32(b, layer->ssrc);
    write_u32(b, layer->rtx);
    write_u16(b, layer->height);
    write_vec(b, layer->rid);
}

bool signal_next_layer(struct bytes *rest, struct signal_layer *out)
{
    struct reader r = reader_of(*rest);
    struct signal_layer made = {.ssrc = read_u32(&r)};
    made.rtx = read_u32(&r);
    made.height = read_u16(&r);
    made.rid = read_vec(&r);
    if (made.rid.n > SIGNAL_RID_MAX || made.ssrc == made.rtx)
        reader_fail(&r);
    if (!step(&r, rest))
        return false;
    *out = made;
    return true;
}

void signal_put_want(struct buf *b, const struct signal_want *want)
{
    write_u32(b, want->leaf);
    write_u8(b, want->source);
    write_u16(b, want->height);
}

bool signal_next_want(struct bytes *rest, struct signal_want *out)
{
    struct reader r = reader_of(*rest);
    struct signal_want made = {.leaf = read_u32(&r)};
    made.source = read_u8(&r);
    made.height = read_u16(&r);
    if (!is_source(made.source))
        reader_fail(&r);
    if (!step(&r, rest))
        return false;
    *out = made;
    return true;
}

void signal_put_candidate(struct buf *b, const struct signal_candidate *candidate)
{
    write_vec(b, candidate->address);
    write_u16(b, candidate->port);
}

bool signal_next_candidate(struct bytes *rest, struct signal_candidate *out)
{
    struct reader r = reader_of(*rest);
    struct signal_candidate made = {.address = read_vec(&r)};
    made.port = read_u16(&r);
    if ((made.address.n != 4 && made.address.n != 16) || made.port == 0)
        reader_fail(&r);
    if (!step(&r, rest))
        return false;
    *out = made;
    return true;
}

void signal_put_flow(struct buf *b, const struct signal_flow *flow)
{
    write_u32(b, flow->leaf);
    write_u8(b, flow->source);
    write_u8(b, flow->gone);
    write_u32(b, flow->ssrc);
    write_u32(b, flow->rtx);
}

bool signal_next_flow(struct bytes *rest, struct signal_flow *out)
{
    struct reader r = reader_of(*rest);
    struct signal_flow made = {.leaf = read_u32(&r)};
    made.source = read_u8(&r);
    made.gone = read_optional(&r);
    made.ssrc = read_u32(&r);
    made.rtx = read_u32(&r);
    if (!is_source(made.source))
        reader_fail(&r);
    if (!step(&r, rest))
        return false;
    *out = made;
    return true;
}

void signal_put_leaf(struct buf *b, uint32_t leaf)
{
    write_u32(b, leaf);
}

bool signal_next_leaf(struct bytes *rest, uint32_t *out)
{
    struct reader r = reader_of(*rest);
    uint32_t leaf = read_u32(&r);
    if (!step(&r, rest))
        return false;
    *out = leaf;
    return true;
}

/* Whether the whole list is of such elements, and how many there are. */
static bool count_layers(struct bytes list, size_t *out_n)
{
    struct signal_layer unused;
    for (*out_n = 0; signal_next_layer(&list, &unused); ++*out_n)
        continue;
    return list.n == 0;
}

static bool count_wants(struct bytes list, size_t *out_n)
{
    struct signal_want unused;
    for (*out_n = 0; signal_next_want(&list, &unused); ++*out_n)
        continue;
    return list.n == 0;
}

static bool count_candidates(struct bytes list, size_t *out_n)
{
    struct signal_candidate unused;
    for (*out_n = 0; signal_next_candidate(&list, &unused); ++*out_n)
        continue;
    return list.n == 0;
}

static bool count_flows(struct bytes list, size_t *out_n)
{
    struct signal_flow unused;
    for (*out_n = 0; signal_next_flow(&list, &unused); ++*out_n)
        continue;
    return list.n == 0;
}

static bool count_leaves(struct bytes list, size_t *out_n)
{
    uint32_t unused;
    for (*out_n = 0; signal_next_leaf(&list, &unused); ++*out_n)
        continue;
    return list.n == 0;
}

/* ---- Messages ---- */

/* What each kind has, in the order of the wire: a transport (ufrag, pwd, fingerprint), a track, a
 * source, layers wanted, a list of so many. */
struct row {
    bool transport, track, source, layers;
    bool (*count)(struct bytes v, size_t *out_n);
    size_t least, most;
};

static const struct row rows[] = {
    [SIGNAL_MEDIA_OPEN] = {.transport = true},
    [SIGNAL_MEDIA_PUBLISH] = {.track = true,
                              .source = true,
                              .count = count_layers,
                              .least = 1,
                              .most = SIGNAL_LAYERS_MAX},
    [SIGNAL_MEDIA_UNPUBLISH] = {.track = true},
    [SIGNAL_MEDIA_SUBSCRIBE] = {.count = count_wants, .most = SIGNAL_WANTS_MAX},
    [SIGNAL_MEDIA_ANSWER] = {.transport = true,
                             .count = count_candidates,
                             .least = 1,
                             .most = SIGNAL_CANDIDATES_MAX},
    [SIGNAL_MEDIA_FLOWS] = {.count = count_flows, .least = 1, .most = SIGNAL_FLOWS_MAX},
    [SIGNAL_MEDIA_SPEAKERS] = {.count = count_leaves, .most = SIGNAL_SPEAKERS_MAX},
    [SIGNAL_MEDIA_DEMAND] = {.track = true, .layers = true},
};

/* NULL if there is no such kind. */
static const struct row *row_of(unsigned kind)
{
    if (kind >= sizeof rows / sizeof rows[0])
        return NULL;
    const struct row *row = &rows[kind];
    return row->transport || row->track || row->count != NULL ? row : NULL;
}

bool signal_media_from_member(enum signal_media_kind kind)
{
    return row_of(kind) != NULL && kind < SIGNAL_MEDIA_ANSWER;
}

/* RFC 8445 5.3: at least 4 and 22 characters. */
static bool transport_fits(const struct signal_media *m)
{
    return m->ufrag.n >= 4 && m->ufrag.n <= SIGNAL_UFRAG_MAX && m->pwd.n >= 22 &&
           m->pwd.n <= SIGNAL_PWD_MAX && m->fingerprint.n == SIGNAL_FINGERPRINT;
}

static bool fits(const struct row *row, const struct signal_media *m)
{
    size_t n = 0;
    if (row->transport && !transport_fits(m))
        return false;
    if ((row->track && m->track >= SIGNAL_TRACKS_MAX) || (row->source && !is_source(m->source)))
        return false;
    return row->count == NULL || (row->count(m->list, &n) && n >= row->least && n <= row->most);
}

int signal_media_read(struct bytes body, struct signal_media *out)
{
    struct reader r = reader_of(body);
    uint8_t kind = read_u8(&r);
    struct signal_media m = {.kind = (enum signal_media_kind)kind};
    const struct row *row = row_of(kind);
    if (row == NULL)
        return CONCLAVE_ESYNTAX;
    if (row->transport) {
        m.ufrag = read_vec(&r);
        m.pwd = read_vec(&r);
        m.fingerprint = read_bytes(&r, SIGNAL_FINGERPRINT);
    }
    if (row->track)
        m.track = read_u8(&r);
    if (row->source)
        m.source = read_u8(&r);
    if (row->layers)
        m.layers = read_u8(&r);
    if (row->count != NULL)
        m.list = read_vec(&r);
    int rv = reader_end(&r);
    if (rv == 0 && !fits(row, &m))
        rv = CONCLAVE_ESYNTAX;
    if (rv == 0)
        *out = m;
    return rv;
}

int signal_media_write(const struct signal_media *m, struct buf *out)
{
    const struct row *row = row_of(m->kind);
    size_t mark = out->n;
    int rv = buf_check(out);
    if (row == NULL || !fits(row, m))
        return CONCLAVE_EINVAL;
    if (rv != 0)
        return rv;
    write_u8(out, (uint8_t)m->kind);
    if (row->transport) {
        write_vec(out, m->ufrag);
        write_vec(out, m->pwd);
        buf_put(out, m->fingerprint);
    }
    if (row->track)
        write_u8(out, m->track);
    if (row->source)
        write_u8(out, m->source);
    if (row->layers)
        write_u8(out, m->layers);
    if (row->count != NULL)
        write_vec(out, m->list);
    rv = buf_check(out);
    if (rv != 0) {
        out->n = mark;
        out->failed = false;
    }
    return rv;
}
