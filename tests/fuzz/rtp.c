/* RTP packets and their header extensions: what was read is written back the same. */

#include "fuzz/fuzz.h"
#include "rtc/rtp_ext.h"

static void check_exts(const struct rtp_header *h)
{
    struct rtp_exts e;
    struct rtp_exts f;
    struct buf out = {0};
    struct rtp_header written = {.extended = true};

    if (rtp_exts_read(h, NULL, &e) != 0)
        return;
    must(rtp_exts_write(&e, NULL, &out, &written.extension_profile) == 0 && out.n % 4 == 0);
    written.extension = buf_view(&out);
    must(rtp_exts_read(&written, NULL, &f) == 0);
    must(bytes_equal(e.mid, f.mid) && bytes_equal(e.rid, f.rid) &&
         bytes_equal(e.repaired_rid, f.repaired_rid) &&
         bytes_equal(e.dependency_descriptor, f.dependency_descriptor));
    must(e.has_abs_send_time == f.has_abs_send_time && e.abs_send_time == f.abs_send_time &&
         e.has_transport_cc == f.has_transport_cc && e.transport_cc == f.transport_cc &&
         e.has_audio_level == f.has_audio_level && e.audio_level == f.audio_level &&
         e.voice == f.voice);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rtp_packet p;
    struct rtp_header h;
    struct buf out = {0};

    (void)rtp_is_rtcp(bytes_of(data, size));
    if (rtp_header_read(bytes_of(data, size), &h) != 0)
        return 0;
    must(h.size <= size);
    for (size_t i = 0; i < h.csrcs.n / 4; i++)
        (void)rtp_csrc(&h, i);
    check_exts(&h);
    if (rtp_packet_read(bytes_of(data, size), &p) == 0) {
        must(p.header.size + p.payload.n + p.padding == size);
        must(rtp_packet_write(&p, &out) == 0 && out.n == size);
        must(bytes_equal(bytes_of(out.p, size - p.padding), bytes_of(data, size - p.padding)));
    }
    buf_free(&out);
    return 0;
}
