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
    if (made.rid.n > SIGNAL_RID_MAX || (made.ssrc == made.rtx && made.ssrc != 0))
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
    write_u8(b, flow->state);
    write_u32(b, flow->ssrc);
    write_u32(b, flow->rtx);
}

bool signal_next_flow(struct bytes *rest, struct signal_flow *out)
{
    struct reader r = reader_of(*rest);
    struct signal_flow made = {.leaf = read_u32(&r)};
    made.source = read_u8(&r);
    made.gone = read_optional(&r);
    made.state = read_u8(&r);
    made.ssrc = read_u32(&r);
    made.rtx = read_u32(&r);
    if (!is_source(made.source) || made.state < SIGNAL_FLOW_WAITING ||
        made.state > SIGNAL_FLOW_NARROW)
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

void signal_put_extension(struct buf *b, const struct signal_extension *extension)
{
    write_u8(b, extension->id);
    write_u8(b, extension->which);
}

bool signal_next_extension(struct bytes *rest, struct signal_extension *out)
{
    struct reader r = reader_of(*rest);
    struct signal_extension made = {.id = read_u8(&r)};
    made.which = read_u8(&r);
    if (made.id == 0 || made.id > SIGNAL_EXTENSIONS_MAX)
        reader_fail(&r);
    if (!step(&r, rest))
        return false;
    *out = made;
    return true;
}

void signal_put_slot(struct buf *b, const struct signal_slot *slot)
{
    write_u32(b, slot->ssrc);
    write_u32(b, slot->rtx);
}

bool signal_next_slot(struct bytes *rest, struct signal_slot *out)
{
    struct reader r = reader_of(*rest);
    struct signal_slot made = {.ssrc = read_u32(&r)};
    made.rtx = read_u32(&r);
    if (made.ssrc == made.rtx)
        reader_fail(&r);
    if (!step(&r, rest))
        return false;
    *out = made;
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

static bool count_extensions(struct bytes list, size_t *out_n)
{
    struct signal_extension unused;
    for (*out_n = 0; signal_next_extension(&list, &unused); ++*out_n)
        continue;
    return list.n == 0;
}

static bool count_slots(struct bytes list, size_t *out_n)
{
    struct signal_slot unused;
    for (*out_n = 0; signal_next_slot(&list, &unused); ++*out_n)
        continue;
    return list.n == 0;
}

/* ---- Messages ---- */

/* What a kind has, in the order of the wire. */
enum part {
    TRANSPORT = 1 << 0,
    NAME = 1 << 1,    /* ufrag, pwd */
    RECEIVE = 1 << 2, /* roles, and payload types to receive with */
    TRACK = 1 << 3,
    SEND = 1 << 4, /* source, format, payload types, mid */
    LAYERS = 1 << 5,
    STATE = 1 << 6,
    LIST = 1 << 7, /* of `least` to `most` elements that `count` knows */
    SLOTS = 1 << 8,
    KEY = 1 << 9, /* fingerprint */
    ICE = NAME | KEY,
};

struct row {
    unsigned parts;
    bool (*count)(struct bytes v, size_t *out_n);
    size_t least, most;
};

static const struct row rows[] = {
    [SIGNAL_MEDIA_OPEN] = {TRANSPORT | ICE | RECEIVE | LIST, count_extensions, 0,
                           SIGNAL_EXTENSIONS_MAX},
    [SIGNAL_MEDIA_PUBLISH] = {TRANSPORT | TRACK | SEND | LIST, count_layers, 1, SIGNAL_LAYERS_MAX},
    [SIGNAL_MEDIA_UNPUBLISH] = {TRACK, NULL, 0, 0},
    [SIGNAL_MEDIA_SUBSCRIBE] = {TRANSPORT | LIST, count_wants, 0, SIGNAL_WANTS_MAX},
    [SIGNAL_MEDIA_CLOSE] = {TRANSPORT, NULL, 0, 0},
    [SIGNAL_MEDIA_LOGIN] = {TRANSPORT | NAME, NULL, 0, 0},
    [SIGNAL_MEDIA_ANSWER] = {TRANSPORT | ICE | LIST | SLOTS, count_candidates, 1,
                             SIGNAL_CANDIDATES_MAX},
    [SIGNAL_MEDIA_FLOWS] = {LIST, count_flows, 1, SIGNAL_FLOWS_MAX},
    [SIGNAL_MEDIA_SPEAKERS] = {LIST, count_leaves, 0, SIGNAL_SPEAKERS_MAX},
    [SIGNAL_MEDIA_DEMAND] = {TRACK | LAYERS, NULL, 0, 0},
    [SIGNAL_MEDIA_STATE] = {TRANSPORT | STATE, NULL, 0, 0},
};

/* NULL if there is no such kind. */
static const struct row *row_of(unsigned kind)
{
    if (kind >= sizeof rows / sizeof rows[0])
        return NULL;
    return rows[kind].parts != 0 ? &rows[kind] : NULL;
}

bool signal_media_from_member(enum signal_media_kind kind)
{
    return row_of(kind) != NULL && kind < SIGNAL_MEDIA_ANSWER;
}

/* RFC 8445 5.3: at least 4 and 22 characters. A browser draws its own only when it negotiates,
 * which takes the switch's. */
static bool login_fits(const struct signal_media *m)
{
    if (m->kind == SIGNAL_MEDIA_OPEN && m->ufrag.n == 0 && m->pwd.n == 0)
        return true;
    return m->ufrag.n >= 4 && m->ufrag.n <= SIGNAL_UFRAG_MAX && m->pwd.n >= 22 &&
           m->pwd.n <= SIGNAL_PWD_MAX;
}

static bool receive_fits(const struct signal_media *m)
{
    return m->roles >= SIGNAL_SENDS && m->roles <= (SIGNAL_SENDS | SIGNAL_RECEIVES);
}

static bool send_fits(const struct signal_media *m)
{
    return is_source(m->source) && m->format >= SIGNAL_OPUS && m->format <= SIGNAL_SFRAME &&
           m->mid.n <= SIGNAL_MID_MAX;
}

static bool slots_fit(const struct signal_media *m)
{
    size_t audio = 0, video = 0;
    return count_slots(m->audio_slots, &audio) && audio <= SIGNAL_SLOTS_MAX &&
           count_slots(m->video_slots, &video) && video <= SIGNAL_SLOTS_MAX;
}

static bool list_fits(const struct row *row, const struct signal_media *m)
{
    size_t n = 0;
    return row->count(m->list, &n) && n >= row->least && n <= row->most;
}

static bool fits(const struct row *row, const struct signal_media *m)
{
    unsigned parts = row->parts;
    return ((parts & TRANSPORT) == 0 || m->transport < SIGNAL_TRANSPORTS_MAX) &&
           ((parts & NAME) == 0 || login_fits(m)) &&
           ((parts & KEY) == 0 || m->fingerprint.n == SIGNAL_FINGERPRINT) &&
           ((parts & RECEIVE) == 0 || receive_fits(m)) &&
           ((parts & TRACK) == 0 || m->track < SIGNAL_TRACKS_MAX) &&
           ((parts & SEND) == 0 || send_fits(m)) &&
           ((parts & STATE) == 0 || (m->state >= SIGNAL_CONNECTED && m->state <= SIGNAL_REFUSED)) &&
           ((parts & LIST) == 0 || list_fits(row, m)) && ((parts & SLOTS) == 0 || slots_fit(m));
}

static void read_transport(struct reader *r, unsigned parts, struct signal_media *m)
{
    if (parts & TRANSPORT)
        m->transport = read_u8(r);
    if (parts & NAME) {
        m->ufrag = read_vec(r);
        m->pwd = read_vec(r);
    }
    if (parts & KEY)
        m->fingerprint = read_bytes(r, SIGNAL_FINGERPRINT);
    if (parts & RECEIVE) {
        m->roles = read_u8(r);
        m->audio = read_u8(r);
        m->video = read_u8(r);
        m->rtx = read_u8(r);
    }
}

static void read_track(struct reader *r, unsigned parts, struct signal_media *m)
{
    if (parts & TRACK)
        m->track = read_u8(r);
    if (parts & SEND) {
        m->source = read_u8(r);
        m->format = read_u8(r);
        m->payload_type = read_u8(r);
        m->rtx = read_u8(r);
        m->mid = read_vec(r);
    }
    if (parts & LAYERS)
        m->layers = read_u8(r);
}

int signal_media_read(struct bytes body, struct signal_media *out)
{
    struct reader r = reader_of(body);
    uint8_t kind = read_u8(&r);
    struct signal_media m = {.kind = (enum signal_media_kind)kind};
    const struct row *row = row_of(kind);
    if (row == NULL)
        return CONCLAVE_ESYNTAX;
    read_transport(&r, row->parts, &m);
    read_track(&r, row->parts, &m);
    if (row->parts & STATE)
        m.state = read_u8(&r);
    if (row->parts & LIST)
        m.list = read_vec(&r);
    if (row->parts & SLOTS) {
        m.audio_slots = read_vec(&r);
        m.video_slots = read_vec(&r);
    }
    int rv = reader_end(&r);
    if (rv == 0 && !fits(row, &m))
        rv = CONCLAVE_ESYNTAX;
    if (rv == 0)
        *out = m;
    return rv;
}

static void write_transport(struct buf *out, unsigned parts, const struct signal_media *m)
{
    if (parts & TRANSPORT)
        write_u8(out, m->transport);
    if (parts & NAME) {
        write_vec(out, m->ufrag);
        write_vec(out, m->pwd);
    }
    if (parts & KEY)
        buf_put(out, m->fingerprint);
    if (parts & RECEIVE) {
        write_u8(out, m->roles);
        write_u8(out, m->audio);
        write_u8(out, m->video);
        write_u8(out, m->rtx);
    }
}

static void write_track(struct buf *out, unsigned parts, const struct signal_media *m)
{
    if (parts & TRACK)
        write_u8(out, m->track);
    if (parts & SEND) {
        write_u8(out, m->source);
        write_u8(out, m->format);
        write_u8(out, m->payload_type);
        write_u8(out, m->rtx);
        write_vec(out, m->mid);
    }
    if (parts & LAYERS)
        write_u8(out, m->layers);
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
    write_transport(out, row->parts, m);
    write_track(out, row->parts, m);
    if (row->parts & STATE)
        write_u8(out, m->state);
    if (row->parts & LIST)
        write_vec(out, m->list);
    if (row->parts & SLOTS) {
        write_vec(out, m->audio_slots);
        write_vec(out, m->video_slots);
    }
    rv = buf_check(out);
    if (rv != 0) {
        out->n = mark;
        out->failed = false;
    }
    return rv;
}
