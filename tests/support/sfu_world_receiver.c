/* Members who receive: frames are assembled and looked at as a decoder would, what is missing is
 * asked for, arrivals are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rtc/rtcp_feedback.h"
#include "sfu/ntp.h"
#include "support/sfu_world.h"

#define PLI_EVERY (300 * MS)
#define NACK_EVERY (60 * MS)
#define REPORT_EVERY SECOND

static int slot_index(const struct world_member *m, uint32_t ssrc, bool *out_rtx)
{
    for (size_t i = 0; i < m->slots_of.n_video; i++) {
        *out_rtx = m->slots_of.video[i].rtx_ssrc == ssrc;
        if (*out_rtx || m->slots_of.video[i].ssrc == ssrc)
            return (int)i;
    }
    return -1;
}

/* ---- Frames ---- */

static void request_key(struct world_member *m, struct world_slot *slot, uint32_t ssrc)
{
    struct buf out = {0};

    if (m->deaf || m->world->now - slot->pli_us < PLI_EVERY)
        return;
    slot->pli_us = m->world->now;
    assert_int_equal(rtcp_pli_write(1, ssrc, &out), 0);
    world_send_up(m, out.p, out.n);
    buf_free(&out);
}

/* Every byte follows from the mark. */
static struct world_mark check_frame(struct bytes frame, size_t clear)
{
    struct world_mark mark;
    size_t kid_n = (frame.p[clear] & 0x80) != 0 ? (frame.p[clear] >> 4 & 7) + 1u : 0;
    size_t ctr_n = (frame.p[clear] & 0x08) != 0 ? (frame.p[clear] & 7) + 1u : 0;
    size_t at = clear + 1 + kid_n + ctr_n;

    assert_true(frame.n >= at + sizeof mark);
    memcpy(&mark, frame.p + at, sizeof mark);
    for (at += sizeof mark; at < frame.n; at++)
        if (frame.p[at] != (uint8_t)((size_t)mark.frame * 7 + at))
            fail_msg("a byte of frame %u was changed", mark.frame);
    return mark;
}

static void decoded(struct world_member *m, struct world_slot *slot)
{
    uint64_t now = m->world->now;

    if (slot->last_us != 0 && now - slot->last_us > slot->freeze_us)
        slot->freeze_us = now - slot->last_us;
    slot->last_us = now;
    slot->frames++;
}

static void look(struct world_member *m, struct world_slot *slot, struct bytes frame)
{
    bool key = (frame.p[0] & 1) == 0;
    struct world_mark mark = check_frame(frame, key ? VP8_KEY_PREFIX : VP8_DELTA_PREFIX);
    bool same = slot->begun && mark.leaf == slot->leaf && mark.kind == slot->kind &&
                mark.layer == slot->layer;

    /* never one's own, never back, and another source only with a key frame */
    assert_int_not_equal(mark.leaf, m->leaf);
    if (same)
        assert_true(mark.frame > slot->frame);
    slot->switches += slot->begun && !same && key;
    bool whole = key || (same && slot->whole && mark.frame == slot->frame + 1);
    if (slot->begun && (mark.leaf != slot->leaf || mark.kind != slot->kind))
        slot->last_us = 0; /* the time between two pictures is no freeze */
    slot->leaf = mark.leaf;
    slot->kind = mark.kind;
    slot->layer = mark.layer;
    slot->frame = mark.frame;
    slot->whole = whole;
    if (whole)
        decoded(m, slot);
    else
        slot->broken++;
    slot->begun = true;
}

static void take_frames(struct world_member *m, struct world_slot *slot)
{
    struct assembler_output o;

    for (;;) {
        assert_int_equal(assembler_next(slot->assembler, m->world->now, &o), 0);
        if (o.what == ASSEMBLER_NOTHING)
            break;
        if (o.what == ASSEMBLER_LOST)
            slot->whole = false;
        else
            look(m, slot, o.frame);
        if (!slot->whole)
            request_key(m, slot, slot->ssrc);
    }
}

/* ---- Packets ---- */

static void video(struct world_member *m, int i, const struct rtp_packet *p, bool rtx)
{
    struct world_slot *slot = &m->slots[i];
    struct vp8_descriptor d;
    struct assembler_packet a = {.sequence = p->header.sequence, .timestamp = p->header.timestamp};
    struct bytes payload = p->payload;

    if (rtx && payload.n < 2) {
        m->padding++;
        return;
    }
    if (rtx) {
        a.sequence = (uint16_t)(payload.p[0] << 8 | payload.p[1]);
        payload = bytes_of(payload.p + 2, payload.n - 2);
    }
    if (slot->assembler == NULL) {
        assert_int_equal(assembler_new(NULL, &slot->assembler), 0);
        slot->ssrc = m->slots_of.video[i].ssrc;
    }
    if (payload.n == 0) {
        a.padding = true;
    } else {
        assert_int_equal(vp8_descriptor_read(payload, &d), 0);
        a.start = vp8_begins_frame(&d);
        a.end = p->header.marker;
        a.payload = bytes_of(payload.p + d.size, payload.n - d.size);
    }
    assert_int_equal(assembler_input(slot->assembler, &a, m->world->now), 0);
    take_frames(m, slot);
}

static void audio(struct world_member *m, const struct rtp_packet *p)
{
    struct world_mark mark = check_frame(p->payload, 0);
    uint64_t now = m->world->now;

    assert_int_not_equal(mark.leaf, m->leaf);
    struct world_heard *h = &m->heard[mark.leaf];
    if (h->packets != 0 && now - h->last_us > h->gap_us)
        h->gap_us = now - h->last_us;
    if (now - mark.us > h->late_us)
        h->late_us = now - mark.us;
    h->last_us = now;
    h->packets++;
}

static void remember_report(struct world_member *m, const struct rtcp_packet *packet)
{
    struct rtcp_report_packet r;
    bool rtx;

    assert_int_equal(rtcp_report_read(packet, &r), 0);
    int i = slot_index(m, r.ssrc, &rtx);
    if (!r.is_sender || i < 0)
        return;
    m->sr_middle[i] = sfu_ntp_middle(r.ntp);
    m->sr_us[i] = m->world->now;
}

static void control(struct world_member *m, struct bytes compound)
{
    struct rtcp_packet packet;
    struct rtcp_walk w;

    assert_int_equal(rtcp_open(compound, &w), 0);
    while (rtcp_next(&w, &packet)) {
        if (packet.type == RTCP_SR || packet.type == RTCP_RR)
            remember_report(m, &packet);
        if (packet.type == RTCP_RTPFB || packet.type == RTCP_PSFB)
            world_sender_rtcp(m, &packet);
    }
}

void world_receiver_input(struct world_member *m, const uint8_t *packet, size_t n)
{
    struct bytes datagram = bytes_of(packet, n);
    struct rtp_packet p;
    struct rtp_exts exts;
    bool rtx = false;

    if (rtp_is_rtcp(datagram)) {
        control(m, datagram);
        return;
    }
    assert_int_equal(rtp_packet_read(datagram, &p), 0);
    assert_int_equal(rtp_exts_read(&p.header, NULL, &exts), 0);
    assert_true(exts.has_transport_cc);
    transport_cc_record(m->recorder, exts.transport_cc, m->world->now);
    int i = slot_index(m, p.header.ssrc, &rtx);
    if (i >= 0)
        video(m, i, &p, rtx);
    else
        audio(m, &p);
}

/* ---- Time ---- */

static void nack(struct world_member *m, struct world_slot *slot, struct buf *out)
{
    uint16_t missing[32];
    size_t n = assembler_missing(slot->assembler, missing, 32);

    if (n == 0 || m->world->now - slot->nack_us < NACK_EVERY)
        return;
    slot->nack_us = m->world->now;
    assert_int_equal(rtcp_nack_write(1, slot->ssrc, missing, n, out), 0);
}

static void report(struct world_member *m, struct buf *out)
{
    struct rtcp_report_packet r = {.ssrc = 1};

    for (size_t i = 0; i < m->slots_of.n_video && r.report_count < RTCP_COUNT_MAX; i++)
        if (m->sr_us[i] != 0)
            r.report[r.report_count++] = (struct rtcp_report){
                .ssrc = m->slots_of.video[i].ssrc,
                .last_sr = m->sr_middle[i],
                .delay_since_sr = (uint32_t)(((m->world->now - m->sr_us[i]) << 16) / SECOND),
            };
    assert_int_equal(rtcp_report_write(&r, out), 0);
}

void world_receiver_tick(struct world_member *m)
{
    uint64_t now = m->world->now;
    struct buf out = {0};

    for (size_t i = 0; i < SFU_VIDEO_SLOTS; i++) {
        struct world_slot *slot = &m->slots[i];
        if (slot->assembler == NULL)
            continue;
        take_frames(m, slot);
        if (!slot->whole)
            request_key(m, slot, slot->ssrc);
        nack(m, slot, &out);
    }
    if (now / (50 * MS) != (now - 5 * MS) / (50 * MS))
        while (transport_cc_pending(m->recorder))
            assert_int_equal(transport_cc_write(m->recorder, 1, 0, &out), 0);
    if (now / REPORT_EVERY != (now - 5 * MS) / REPORT_EVERY)
        report(m, &out);
    if (out.n != 0 && !m->deaf)
        world_send_up(m, out.p, out.n);
    buf_free(&out);
}

void world_receiver_fini(struct world_member *m)
{
    for (size_t i = 0; i < SFU_VIDEO_SLOTS; i++)
        assembler_free(m->slots[i].assembler);
    for (unsigned i = 0; i < WORLD_STREAMS; i++)
        free(m->streams[i].kept);
    free(m->recorder);
}
