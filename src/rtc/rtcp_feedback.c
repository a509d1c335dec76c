#include "rtc/rtcp_feedback.h"

#include "rtc/sequence.h"
#include "wire/reader.h"
#include "wire/writer.h"

#define REMB_NAME 0x52454d42u /* "REMB" */
#define NACK_SIZE 4
#define FIR_SIZE 8

static const struct {
    enum rtcp_feedback_kind kind;
    uint8_t type;
    uint8_t format;
} kinds[] = {
    {RTCP_FB_NACK, RTCP_RTPFB, 1}, {RTCP_FB_TRANSPORT_CC, RTCP_RTPFB, 15},
    {RTCP_FB_PLI, RTCP_PSFB, 1},   {RTCP_FB_FIR, RTCP_PSFB, 4},
    {RTCP_FB_REMB, RTCP_PSFB, 15},
};

#define KINDS (sizeof kinds / sizeof kinds[0])

/* Format 15 of RFC 4585 is the application layer's: REMB is known by its name alone. */
static bool is_remb(struct bytes fci)
{
    struct reader r = reader_of(fci);
    return read_u32(&r) == REMB_NAME;
}

static enum rtcp_feedback_kind kind_of(const struct rtcp_packet *p, struct bytes fci)
{
    for (size_t i = 0; i < KINDS; i++) {
        if (kinds[i].type != p->type || kinds[i].format != p->count)
            continue;
        return kinds[i].kind == RTCP_FB_REMB && !is_remb(fci) ? RTCP_FB_UNKNOWN : kinds[i].kind;
    }
    return RTCP_FB_UNKNOWN;
}

int rtcp_feedback_read(const struct rtcp_packet *p, struct rtcp_feedback *out)
{
    if (p->type != RTCP_RTPFB && p->type != RTCP_PSFB)
        return CONCLAVE_EINVAL;
    struct reader r = reader_of(p->body);
    struct rtcp_feedback f = {.sender_ssrc = read_u32(&r)};
    f.media_ssrc = read_u32(&r);
    f.fci = read_bytes(&r, reader_left(&r));
    if (!reader_ok(&r))
        return CONCLAVE_ESYNTAX;
    f.kind = kind_of(p, f.fci);
    /* RFC 4585 6.3.1: a PLI has no parameters */
    if (f.kind == RTCP_FB_PLI && f.fci.n != 0)
        return CONCLAVE_ESYNTAX;
    *out = f;
    return 0;
}

int rtcp_feedback_begin(struct buf *out, enum rtcp_feedback_kind kind, uint32_t sender_ssrc,
                        uint32_t media_ssrc, size_t fci)
{
    for (size_t i = 0; i < KINDS; i++) {
        if (kinds[i].kind != kind)
            continue;
        int rv = rtcp_begin(out, kinds[i].type, kinds[i].format, 8 + fci);
        if (rv != 0)
            return rv;
        write_u32(out, sender_ssrc);
        write_u32(out, media_ssrc);
        return 0;
    }
    return CONCLAVE_EINVAL;
}

int rtcp_nack_open(const struct rtcp_feedback *f, struct rtcp_nack_walk *out)
{
    if (f->kind != RTCP_FB_NACK)
        return CONCLAVE_EINVAL;
    if (f->fci.n == 0 || f->fci.n % NACK_SIZE != 0)
        return CONCLAVE_ESYNTAX;
    *out = (struct rtcp_nack_walk){.left = f->fci};
    return 0;
}

bool rtcp_nack_next(struct rtcp_nack_walk *w, uint16_t *out_sequence)
{
    if (w->mask == 0) {
        if (w->left.n == 0)
            return false;
        struct reader r = reader_of(w->left);
        w->base = read_u16(&r);
        /* RFC 4585 6.2.1: bit i of the mask stands for the packet i + 1 after the first */
        w->mask = (uint32_t)read_u16(&r) << 1 | 1;
        w->left = read_bytes(&r, reader_left(&r));
    }
    unsigned i = (unsigned)__builtin_ctz(w->mask);
    w->mask &= w->mask - 1;
    *out_sequence = (uint16_t)(w->base + i);
    return true;
}

/* One entry: the first number and as many of the 16 after it as are listed. Returns how many
 * numbers it took. */
static size_t nack_entry(const uint16_t *lost, size_t n, uint16_t *mask)
{
    size_t i = 1;
    *mask = 0;
    for (; i < n; i++) {
        uint16_t ahead = (uint16_t)(lost[i] - lost[0]);
        if (ahead > 16)
            break;
        *mask |= (uint16_t)(1u << (ahead - 1));
    }
    return i;
}

int rtcp_nack_write(uint32_t sender_ssrc, uint32_t media_ssrc, const uint16_t *lost, size_t n,
                    struct buf *out)
{
    uint16_t mask;
    size_t entries = 0;
    for (size_t i = 1; i < n; i++)
        if (!sequence_newer(lost[i], lost[i - 1]))
            return CONCLAVE_EINVAL;
    if (n == 0)
        return CONCLAVE_EINVAL;
    for (size_t i = 0; i < n; i += nack_entry(lost + i, n - i, &mask))
        entries++;
    int rv = rtcp_feedback_begin(out, RTCP_FB_NACK, sender_ssrc, media_ssrc, entries * NACK_SIZE);
    if (rv != 0)
        return rv;
    for (size_t i = 0, taken; i < n; i += taken) {
        taken = nack_entry(lost + i, n - i, &mask);
        write_u16(out, lost[i]);
        write_u16(out, mask);
    }
    return buf_check(out);
}

int rtcp_pli_write(uint32_t sender_ssrc, uint32_t media_ssrc, struct buf *out)
{
    return rtcp_feedback_begin(out, RTCP_FB_PLI, sender_ssrc, media_ssrc, 0);
}

int rtcp_fir_count(const struct rtcp_feedback *f, size_t *out)
{
    if (f->kind != RTCP_FB_FIR)
        return CONCLAVE_EINVAL;
    if (f->fci.n == 0 || f->fci.n % FIR_SIZE != 0)
        return CONCLAVE_ESYNTAX;
    *out = f->fci.n / FIR_SIZE;
    return 0;
}

struct rtcp_fir rtcp_fir_at(const struct rtcp_feedback *f, size_t i)
{
    struct reader r = reader_of(bytes_of(f->fci.p + i * FIR_SIZE, FIR_SIZE));
    struct rtcp_fir fir = {.ssrc = read_u32(&r)};
    fir.sequence = read_u8(&r);
    return fir;
}

int rtcp_fir_write(uint32_t sender_ssrc, const struct rtcp_fir *fir, size_t n, struct buf *out)
{
    if (n == 0 || n > RTCP_COUNT_MAX)
        return CONCLAVE_EINVAL;
    /* RFC 5104 4.3.1.2: the media source is 0, the entries name the streams */
    int rv = rtcp_feedback_begin(out, RTCP_FB_FIR, sender_ssrc, 0, n * FIR_SIZE);
    if (rv != 0)
        return rv;
    for (size_t i = 0; i < n; i++) {
        write_u32(out, fir[i].ssrc);
        write_u32(out, (uint32_t)fir[i].sequence << 24);
    }
    return buf_check(out);
}

int rtcp_remb_read(const struct rtcp_feedback *f, struct rtcp_remb *out)
{
    if (f->kind != RTCP_FB_REMB)
        return CONCLAVE_EINVAL;
    struct reader r = reader_of(f->fci);
    struct rtcp_remb m = {0};
    (void)read_u32(&r);
    m.count = read_u8(&r);
    uint32_t rate = (uint32_t)read_u8(&r) << 16;
    rate |= read_u16(&r);
    unsigned exponent = rate >> 18;
    uint64_t mantissa = rate & 0x3ffff;
    if (m.count > RTCP_REMB_SSRCS_MAX)
        return CONCLAVE_ELIMIT;
    for (unsigned i = 0; i < m.count; i++)
        m.ssrc[i] = read_u32(&r);
    int rv = reader_end(&r);
    if (rv != 0)
        return rv;
    m.bitrate = mantissa << exponent;
    if (m.bitrate >> exponent != mantissa)
        return CONCLAVE_ESYNTAX;
    *out = m;
    return 0;
}

int rtcp_remb_write(uint32_t sender_ssrc, const struct rtcp_remb *m, struct buf *out)
{
    if (m->count > RTCP_REMB_SSRCS_MAX)
        return CONCLAVE_EINVAL;
    uint64_t mantissa = m->bitrate;
    uint32_t exponent = 0;
    for (; mantissa > 0x3ffff; mantissa >>= 1)
        exponent++;
    int rv = rtcp_feedback_begin(out, RTCP_FB_REMB, sender_ssrc, 0, 8 + m->count * (size_t)4);
    if (rv != 0)
        return rv;
    write_u32(out, REMB_NAME);
    write_u32(out, (uint32_t)m->count << 24 | exponent << 18 | (uint32_t)mantissa);
    for (unsigned i = 0; i < m->count; i++)
        write_u32(out, m->ssrc[i]);
    return buf_check(out);
}
