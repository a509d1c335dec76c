/* RTCP compounds: every reader on every packet; what was read is written and read again. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "rtc/transport_cc.h"

static struct rtcp_packet only_packet(const struct buf *b)
{
    struct rtcp_walk w;
    struct rtcp_packet p = {0};

    must(rtcp_open(buf_view(b), &w) == 0);
    must(rtcp_next(&w, &p) && w.left.n == 0);
    return p;
}

static void check_report(const struct rtcp_packet *p)
{
    struct rtcp_report_packet r;
    struct buf out = {0};

    if (rtcp_report_read(p, &r) != 0)
        return;
    must(rtcp_report_write(&r, &out) == 0);
    struct rtcp_packet q = only_packet(&out);
    must(q.body.n <= p->body.n && bytes_equal(q.body, bytes_of(p->body.p, q.body.n)));
    buf_free(&out);
}

static void check_names(const struct rtcp_packet *p)
{
    struct rtcp_sdes s;
    struct rtcp_sdes t;
    struct buf out = {0};

    if (rtcp_sdes_read(p, &s) != 0 || rtcp_sdes_write(&s, &out) != 0)
        return; /* chunks without a name are read, but not written */
    struct rtcp_packet q = only_packet(&out);
    must(rtcp_sdes_read(&q, &t) == 0 && t.count == s.count);
    for (unsigned i = 0; i < s.count; i++)
        must(t.chunk[i].ssrc == s.chunk[i].ssrc && bytes_equal(t.chunk[i].cname, s.chunk[i].cname));
    buf_free(&out);
}

static void check_goodbye(const struct rtcp_packet *p)
{
    struct rtcp_bye b;
    struct rtcp_bye c;
    struct buf out = {0};

    if (rtcp_bye_read(p, &b) != 0)
        return;
    must(rtcp_bye_write(&b, &out) == 0);
    struct rtcp_packet q = only_packet(&out);
    must(rtcp_bye_read(&q, &c) == 0 && c.count == b.count && bytes_equal(c.reason, b.reason));
    must(memcmp(c.ssrc, b.ssrc, sizeof b.ssrc) == 0);
    buf_free(&out);
}

static void check_transport_cc(const struct rtcp_feedback *f)
{
    struct transport_cc m;
    struct transport_cc_status s;
    struct transport_cc_clock clock = {0};
    unsigned n = 0;

    if (transport_cc_read(f, &m) != 0)
        return;
    struct transport_cc_walk w = transport_cc_walk_of(&m, transport_cc_reference(&clock, &m));
    for (; transport_cc_next(&w, &s); n++)
        must(s.sequence == (uint16_t)(m.base_sequence + n));
    must(n == m.status_count && w.chunks.n == 0 && w.deltas.n == 0);
}

static void check_feedback(const struct rtcp_packet *p)
{
    struct rtcp_feedback f;
    struct rtcp_nack_walk w;
    struct rtcp_remb m;
    struct buf out = {0};
    uint16_t sequence;
    size_t n = 0;

    if (rtcp_feedback_read(p, &f) != 0)
        return;
    if (rtcp_nack_open(&f, &w) == 0)
        while (rtcp_nack_next(&w, &sequence))
            must(++n <= f.fci.n / 4 * 17);
    if (rtcp_fir_count(&f, &n) == 0)
        for (size_t i = 0; i < n; i++)
            (void)rtcp_fir_at(&f, i);
    if (rtcp_remb_read(&f, &m) == 0) {
        struct rtcp_remb k;
        must(rtcp_remb_write(f.sender_ssrc, &m, &out) == 0);
        struct rtcp_packet q = only_packet(&out);
        must(rtcp_feedback_read(&q, &f) == 0 && rtcp_remb_read(&f, &k) == 0);
        must(k.bitrate == m.bitrate && k.count == m.count);
    }
    check_transport_cc(&f);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rtcp_walk w;
    struct rtcp_packet p;

    if (rtcp_open(bytes_of(data, size), &w) != 0)
        return 0;
    while (rtcp_next(&w, &p)) {
        check_report(&p);
        check_names(&p);
        check_goodbye(&p);
        check_feedback(&p);
    }
    must(w.left.n == 0);
    return 0;
}
