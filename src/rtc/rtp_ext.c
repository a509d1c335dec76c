#include "rtc/rtp_ext.h"

#include <string.h>

#include "wire/writer.h"

const char *rtp_ext_uri(enum rtp_ext_id id)
{
    switch (id) {
    case RTP_EXT_MID:
        return "urn:ietf:params:rtp-hdrext:sdes:mid";
    case RTP_EXT_RID:
        return "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
    case RTP_EXT_REPAIRED_RID:
        return "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id";
    case RTP_EXT_ABS_SEND_TIME:
        return "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";
    case RTP_EXT_TRANSPORT_CC:
        return "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
    case RTP_EXT_DEPENDENCY_DESCRIPTOR:
        return "https://aomediacodec.github.io/av1-rtp-spec/"
               "#dependency-descriptor-rtp-header-extension";
    case RTP_EXT_AUDIO_LEVEL:
        return "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
    default:
        return NULL;
    }
}

static const struct rtp_ext_map own_ids = {
    .meaning =
        {
            [RTP_EXT_MID] = RTP_EXT_MID,
            [RTP_EXT_RID] = RTP_EXT_RID,
            [RTP_EXT_REPAIRED_RID] = RTP_EXT_REPAIRED_RID,
            [RTP_EXT_ABS_SEND_TIME] = RTP_EXT_ABS_SEND_TIME,
            [RTP_EXT_TRANSPORT_CC] = RTP_EXT_TRANSPORT_CC,
            [RTP_EXT_DEPENDENCY_DESCRIPTOR] = RTP_EXT_DEPENDENCY_DESCRIPTOR,
            [RTP_EXT_AUDIO_LEVEL] = RTP_EXT_AUDIO_LEVEL,
        },
};

static enum rtp_ext_id meaning_of(const struct rtp_ext_map *map, unsigned id)
{
    if (map == NULL)
        map = &own_ids;
    return id <= RTP_EXT_MAPPED_MAX ? (enum rtp_ext_id)map->meaning[id] : (enum rtp_ext_id)0;
}

/* The id that stands for an extension; 0 if there is none. */
static unsigned id_for(const struct rtp_ext_map *map, enum rtp_ext_id meaning)
{
    for (unsigned id = 1; id <= RTP_EXT_MAPPED_MAX; id++)
        if (meaning_of(map, id) == meaning)
            return id;
    return 0;
}

int rtp_ext_map_add(struct rtp_ext_map *map, unsigned id, struct bytes uri)
{
    if (id < 1 || id > RTP_EXT_MAPPED_MAX)
        return CONCLAVE_EINVAL;
    if (map->meaning[id] != 0)
        return CONCLAVE_EDUPLICATE;
    for (unsigned known = 1; known <= RTP_EXT_MAPPED_MAX; known++) {
        const char *text = rtp_ext_uri((enum rtp_ext_id)known);
        if (text == NULL || !bytes_equal(uri, bytes_str(text)))
            continue;
        if (id_for(map, (enum rtp_ext_id)known) != 0)
            return CONCLAVE_EDUPLICATE;
        map->meaning[id] = (uint8_t)known;
    }
    return 0;
}

struct rtp_ext_walk rtp_ext_walk_of(const struct rtp_header *h)
{
    struct rtp_ext_walk w = {
        .two_byte = (h->extension_profile & 0xfff0) == RTP_EXT_TWO_BYTE,
    };
    bool known = w.two_byte || h->extension_profile == RTP_EXT_ONE_BYTE;
    if (h->extended && known)
        w.left = h->extension;
    return w;
}

static void drop(struct bytes *b, size_t n)
{
    b->p += n;
    b->n -= n;
}

/* Each packet of a switch comes through here, so this reads without a struct reader. */
bool rtp_ext_next(struct rtp_ext_walk *w, struct rtp_ext_element *out)
{
    struct bytes left = w->left;
    while (left.n != 0 && left.p[0] == 0) /* RFC 8285 4.1.1: padding between elements */
        drop(&left, 1);
    w->left = left;
    if (left.n == 0)
        return false;
    size_t head = w->two_byte ? 2 : 1;
    uint8_t id = w->two_byte ? left.p[0] : left.p[0] >> 4;
    if (!w->two_byte && (id == 15 || id == 0)) {
        /* RFC 8285 4.2: id 15, or id 0 with a length, ends the block; what came before counts */
        w->left.n = 0;
        return false;
    }
    size_t n = 0;
    if (left.n >= head)
        n = w->two_byte ? left.p[1] : (left.p[0] & 0x0fu) + 1u;
    if (left.n < head + n) {
        w->failed = true;
        w->left.n = 0;
        return false;
    }
    drop(&w->left, head + n);
    *out = (struct rtp_ext_element){.id = id, .data = bytes_of(left.p + head, n)};
    return true;
}

int rtp_ext_walk_end(const struct rtp_ext_walk *w)
{
    return w->failed || w->left.n != 0 ? CONCLAVE_ESYNTAX : 0;
}

static bool is_alphanumeric(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* RFC 8852 3: letters and digits of ASCII only. */
static bool is_rid(struct bytes b)
{
    for (size_t i = 0; i < b.n; i++)
        if (!is_alphanumeric(b.p[i]))
            return false;
    return b.n >= 1 && b.n <= 255;
}

/* RFC 5888 4, RFC 8866 9: a token, at least one character. */
static bool is_mid(struct bytes b)
{
    for (size_t i = 0; i < b.n; i++)
        if (!is_alphanumeric(b.p[i]) &&
            (b.p[i] == 0 || strchr("!#$%&'*+-.^_`{|}~", b.p[i]) == NULL))
            return false;
    return b.n >= 1 && b.n <= 255;
}

static uint32_t number_of(struct bytes b)
{
    uint32_t v = 0;
    for (size_t i = 0; i < b.n; i++)
        v = v << 8 | b.p[i];
    return v;
}

static int take_view(struct bytes data, bool valid, struct bytes *out)
{
    if (!valid)
        return CONCLAVE_ESYNTAX;
    if (out->n != 0)
        return CONCLAVE_EDUPLICATE;
    *out = data;
    return 0;
}

static int take_number(struct bytes data, size_t size, bool *has, uint32_t *out)
{
    if (data.n != size)
        return CONCLAVE_ESYNTAX;
    if (*has)
        return CONCLAVE_EDUPLICATE;
    *has = true;
    *out = number_of(data);
    return 0;
}

static int take_element(const struct rtp_ext_element *e, enum rtp_ext_id meaning,
                        struct rtp_exts *x)
{
    uint32_t v = 0;
    int rv;
    switch (meaning) {
    case RTP_EXT_MID:
        return take_view(e->data, is_mid(e->data), &x->mid);
    case RTP_EXT_RID:
        return take_view(e->data, is_rid(e->data), &x->rid);
    case RTP_EXT_REPAIRED_RID:
        return take_view(e->data, is_rid(e->data), &x->repaired_rid);
    case RTP_EXT_DEPENDENCY_DESCRIPTOR:
        /* AV1 RTP A.8.2: the mandatory fields take three bytes */
        return take_view(e->data, e->data.n >= 3, &x->dependency_descriptor);
    case RTP_EXT_ABS_SEND_TIME:
        return take_number(e->data, 3, &x->has_abs_send_time, &x->abs_send_time);
    case RTP_EXT_TRANSPORT_CC:
        rv = take_number(e->data, 2, &x->has_transport_cc, &v);
        if (rv == 0)
            x->transport_cc = (uint16_t)v;
        return rv;
    case RTP_EXT_AUDIO_LEVEL:
        rv = take_number(e->data, 1, &x->has_audio_level, &v);
        if (rv == 0) {
            x->voice = (v & 0x80) != 0;
            x->audio_level = v & 0x7f;
        }
        return rv;
    default: /* RFC 8285 4.1: what is not known is ignored */
        return 0;
    }
}

int rtp_exts_read(const struct rtp_header *h, const struct rtp_ext_map *map, struct rtp_exts *out)
{
    struct rtp_exts x = {0};
    struct rtp_ext_walk w = rtp_ext_walk_of(h);
    struct rtp_ext_element e;
    while (rtp_ext_next(&w, &e)) {
        int rv = take_element(&e, meaning_of(map, e.id), &x);
        if (rv != 0)
            return rv;
    }
    int rv = rtp_ext_walk_end(&w);
    if (rv == 0)
        *out = x;
    return rv;
}

static bool exts_valid(const struct rtp_exts *e)
{
    return (e->mid.n == 0 || is_mid(e->mid)) && (e->rid.n == 0 || is_rid(e->rid)) &&
           (e->repaired_rid.n == 0 || is_rid(e->repaired_rid)) &&
           (e->dependency_descriptor.n == 0 ||
            (e->dependency_descriptor.n >= 3 && e->dependency_descriptor.n <= 255)) &&
           e->audio_level <= 127 && e->abs_send_time < 1u << 24;
}

/* Where elements go, in which form and under which ids. */
struct sink {
    struct buf *out;
    const struct rtp_ext_map *map;
    bool two_byte;
};

static void put_element(struct sink *s, enum rtp_ext_id meaning, struct bytes data)
{
    unsigned id = id_for(s->map, meaning);
    if (data.n == 0 || id == 0)
        return;
    if (s->two_byte) {
        write_u8(s->out, (uint8_t)id);
        write_u8(s->out, (uint8_t)data.n);
    } else {
        write_u8(s->out, (uint8_t)(id << 4 | (unsigned)(data.n - 1)));
    }
    buf_put(s->out, data);
}

/* RFC 8285 4.1.2: one form for the whole block */
static bool needs_two_byte(const struct rtp_exts *e, const struct rtp_ext_map *map)
{
    return (e->mid.n > 16 && id_for(map, RTP_EXT_MID) != 0) ||
           (e->rid.n > 16 && id_for(map, RTP_EXT_RID) != 0) ||
           (e->repaired_rid.n > 16 && id_for(map, RTP_EXT_REPAIRED_RID) != 0) ||
           (e->dependency_descriptor.n > 16 && id_for(map, RTP_EXT_DEPENDENCY_DESCRIPTOR) != 0);
}

int rtp_exts_write(const struct rtp_exts *e, const struct rtp_ext_map *map, struct buf *out,
                   uint16_t *out_profile)
{
    if (!exts_valid(e))
        return CONCLAVE_EINVAL;
    struct sink s = {out, map, needs_two_byte(e, map)};
    const uint8_t time[] = {(uint8_t)(e->abs_send_time >> 16), (uint8_t)(e->abs_send_time >> 8),
                            (uint8_t)e->abs_send_time};
    const uint8_t wide[] = {(uint8_t)(e->transport_cc >> 8), (uint8_t)e->transport_cc};
    const uint8_t level = (uint8_t)((e->voice ? 0x80 : 0) | e->audio_level);
    size_t room = e->mid.n + e->rid.n + e->repaired_rid.n + e->dependency_descriptor.n;
    int rv = buf_reserve(out, room + 6 + (size_t)7 * 2 + 3); /* the rest cannot fail */
    if (rv != 0)
        return rv;
    size_t start = out->n;
    put_element(&s, RTP_EXT_MID, e->mid);
    put_element(&s, RTP_EXT_RID, e->rid);
    put_element(&s, RTP_EXT_REPAIRED_RID, e->repaired_rid);
    put_element(&s, RTP_EXT_ABS_SEND_TIME, bytes_of(time, e->has_abs_send_time ? 3 : 0));
    put_element(&s, RTP_EXT_TRANSPORT_CC, bytes_of(wide, e->has_transport_cc ? 2 : 0));
    put_element(&s, RTP_EXT_DEPENDENCY_DESCRIPTOR, e->dependency_descriptor);
    put_element(&s, RTP_EXT_AUDIO_LEVEL, bytes_of(&level, e->has_audio_level ? 1 : 0));
    buf_put_zero(out, (4 - (out->n - start) % 4) % 4);
    *out_profile = s.two_byte ? RTP_EXT_TWO_BYTE : RTP_EXT_ONE_BYTE;
    return buf_check(out);
}

uint32_t rtp_abs_send_time(uint64_t now_us)
{
    /* 6.18 fixed point: split, so that the shift cannot overflow */
    uint64_t seconds = now_us / 1000000;
    uint64_t fraction = (now_us % 1000000 << 18) / 1000000;
    return (uint32_t)((seconds << 18 | fraction) & 0xffffff);
}
