#include "rtc/rtcp.h"

#include "rtc/rtp.h"
#include "wire/reader.h"
#include "wire/writer.h"

#define BIT_PADDING 0x20
#define SDES_END 0
#define SDES_CNAME 1
#define REPORT_SIZE 24
#define SENDER_SIZE 20

/* Takes one packet off the front; ESYNTAX leaves the view alone. */
static int take_packet(struct bytes *left, struct rtcp_packet *out)
{
    struct reader r = reader_of(*left);
    uint8_t first = read_u8(&r);
    uint8_t type = read_u8(&r);
    size_t words = read_u16(&r);
    struct rtcp_packet p = {.type = type, .count = first & 0x1f, .body = read_bytes(&r, words * 4)};
    if (!reader_ok(&r) || first >> 6 != RTP_VERSION)
        return CONCLAVE_ESYNTAX;
    if ((first & BIT_PADDING) != 0) {
        /* RFC 3550 6.4.1 wants a multiple of four on the last packet only; browsers pad transport
         * feedback by one to three bytes. Only what the packet itself holds matters here. */
        size_t padding = p.body.n == 0 ? 0 : p.body.p[p.body.n - 1];
        if (padding == 0 || padding > p.body.n)
            return CONCLAVE_ESYNTAX;
        p.body.n -= padding;
    }
    *left = read_bytes(&r, reader_left(&r));
    *out = p;
    return 0;
}

int rtcp_open(struct bytes compound, struct rtcp_walk *out)
{
    struct rtcp_packet p;
    struct bytes left = compound;
    do {
        int rv = take_packet(&left, &p);
        if (rv != 0)
            return rv;
    } while (left.n != 0);
    out->left = compound;
    return 0;
}

bool rtcp_next(struct rtcp_walk *w, struct rtcp_packet *out)
{
    return w->left.n != 0 && take_packet(&w->left, out) == 0;
}

int rtcp_begin(struct buf *out, uint8_t type, uint8_t count, size_t body)
{
    if (count > RTCP_COUNT_MAX || body % 4 != 0 || body / 4 > UINT16_MAX)
        return CONCLAVE_EINVAL;
    int rv = buf_reserve(out, body + 4);
    if (rv != 0)
        return rv;
    write_u8(out, (uint8_t)(RTP_VERSION << 6 | count));
    write_u8(out, type);
    write_u16(out, (uint16_t)(body / 4));
    return 0;
}

static void read_report(struct reader *r, struct rtcp_report *out)
{
    out->ssrc = read_u32(r);
    uint32_t lost = read_u32(r);
    out->fraction_lost = (uint8_t)(lost >> 24);
    lost &= 0xffffff;
    out->cumulative_lost = (int32_t)lost - (lost >= 0x800000 ? 0x1000000 : 0);
    out->highest_sequence = read_u32(r);
    out->jitter = read_u32(r);
    out->last_sr = read_u32(r);
    out->delay_since_sr = read_u32(r);
}

int rtcp_report_read(const struct rtcp_packet *p, struct rtcp_report_packet *out)
{
    if (p->type != RTCP_SR && p->type != RTCP_RR)
        return CONCLAVE_EINVAL;
    struct reader r = reader_of(p->body);
    struct rtcp_report_packet s = {
        .is_sender = p->type == RTCP_SR, .report_count = p->count, .ssrc = read_u32(&r)};
    if (s.is_sender) {
        s.ntp = read_u64(&r);
        s.rtp_timestamp = read_u32(&r);
        s.packets = read_u32(&r);
        s.octets = read_u32(&r);
    }
    for (unsigned i = 0; i < p->count; i++)
        read_report(&r, &s.report[i]);
    if (!reader_ok(&r))
        return CONCLAVE_ESYNTAX;
    *out = s;
    return 0;
}

static void write_report(struct buf *out, const struct rtcp_report *r)
{
    write_u32(out, r->ssrc);
    write_u32(out, (uint32_t)r->fraction_lost << 24 | ((uint32_t)r->cumulative_lost & 0xffffff));
    write_u32(out, r->highest_sequence);
    write_u32(out, r->jitter);
    write_u32(out, r->last_sr);
    write_u32(out, r->delay_since_sr);
}

int rtcp_report_write(const struct rtcp_report_packet *r, struct buf *out)
{
    if (r->report_count > RTCP_COUNT_MAX)
        return CONCLAVE_EINVAL;
    for (unsigned i = 0; i < r->report_count; i++)
        if (r->report[i].cumulative_lost < -0x800000 || r->report[i].cumulative_lost > 0x7fffff)
            return CONCLAVE_EINVAL;
    size_t body = 4u + (r->is_sender ? SENDER_SIZE : 0u) + (size_t)r->report_count * REPORT_SIZE;
    int rv = rtcp_begin(out, r->is_sender ? RTCP_SR : RTCP_RR, r->report_count, body);
    if (rv != 0)
        return rv;
    write_u32(out, r->ssrc);
    if (r->is_sender) {
        write_u64(out, r->ntp);
        write_u32(out, r->rtp_timestamp);
        write_u32(out, r->packets);
        write_u32(out, r->octets);
    }
    for (unsigned i = 0; i < r->report_count; i++)
        write_report(out, &r->report[i]);
    return buf_check(out);
}

/* RFC 3550 6.5: items up to a zero byte, then zeros up to the next word. */
static int read_chunk(struct reader *r, struct rtcp_sdes_chunk *out)
{
    size_t left = reader_left(r); /* a multiple of 4: chunks begin on words */
    struct rtcp_sdes_chunk c = {.ssrc = read_u32(r)};
    for (uint8_t type = read_u8(r); type != SDES_END; type = read_u8(r)) {
        struct bytes item = read_bytes(r, read_u8(r));
        if (type != SDES_CNAME)
            continue;
        if (c.cname.n != 0)
            return CONCLAVE_EDUPLICATE;
        c.cname = item;
    }
    (void)read_bytes(r, (4 - (left - reader_left(r)) % 4) % 4);
    if (!reader_ok(r))
        return CONCLAVE_ESYNTAX;
    *out = c;
    return 0;
}

int rtcp_sdes_read(const struct rtcp_packet *p, struct rtcp_sdes *out)
{
    if (p->type != RTCP_SDES)
        return CONCLAVE_EINVAL;
    struct reader r = reader_of(p->body);
    struct rtcp_sdes s = {.count = p->count};
    for (unsigned i = 0; i < p->count; i++) {
        int rv = read_chunk(&r, &s.chunk[i]);
        if (rv != 0)
            return rv;
    }
    int rv = reader_end(&r);
    if (rv == 0)
        *out = s;
    return rv;
}

/* Source, item head, name, at least one zero, up to a word. */
static size_t chunk_size(const struct rtcp_sdes_chunk *c)
{
    return (4 + 2 + c->cname.n + 1 + 3) / 4 * 4;
}

int rtcp_sdes_write(const struct rtcp_sdes *s, struct buf *out)
{
    size_t body = 0;
    if (s->count > RTCP_COUNT_MAX)
        return CONCLAVE_EINVAL;
    for (unsigned i = 0; i < s->count; i++) {
        if (s->chunk[i].cname.n == 0 || s->chunk[i].cname.n > 255)
            return CONCLAVE_EINVAL;
        body += chunk_size(&s->chunk[i]);
    }
    int rv = rtcp_begin(out, RTCP_SDES, s->count, body);
    if (rv != 0)
        return rv;
    for (unsigned i = 0; i < s->count; i++) {
        const struct rtcp_sdes_chunk *c = &s->chunk[i];
        write_u32(out, c->ssrc);
        write_u8(out, SDES_CNAME);
        write_u8(out, (uint8_t)c->cname.n);
        buf_put(out, c->cname);
        buf_put_zero(out, chunk_size(c) - 6 - c->cname.n);
    }
    return buf_check(out);
}

int rtcp_bye_read(const struct rtcp_packet *p, struct rtcp_bye *out)
{
    if (p->type != RTCP_BYE)
        return CONCLAVE_EINVAL;
    struct reader r = reader_of(p->body);
    struct rtcp_bye b = {.count = p->count};
    for (unsigned i = 0; i < p->count; i++)
        b.ssrc[i] = read_u32(&r);
    if (reader_left(&r) != 0) {
        b.reason = read_bytes(&r, read_u8(&r));
        (void)read_bytes(&r, reader_left(&r) % 4); /* RFC 3550 6.6: zeros up to the next word */
    }
    int rv = reader_end(&r);
    if (rv == 0)
        *out = b;
    return rv;
}

int rtcp_bye_write(const struct rtcp_bye *b, struct buf *out)
{
    if (b->count > RTCP_COUNT_MAX || b->reason.n > 255)
        return CONCLAVE_EINVAL;
    size_t text = b->reason.n == 0 ? 0 : (1 + b->reason.n + 3) / 4 * 4;
    int rv = rtcp_begin(out, RTCP_BYE, b->count, (size_t)b->count * 4 + text);
    if (rv != 0)
        return rv;
    for (unsigned i = 0; i < b->count; i++)
        write_u32(out, b->ssrc[i]);
    if (text != 0) {
        write_u8(out, (uint8_t)b->reason.n);
        buf_put(out, b->reason);
        buf_put_zero(out, text - 1 - b->reason.n);
    }
    return buf_check(out);
}
