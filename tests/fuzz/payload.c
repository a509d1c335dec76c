/* Payload formats: the first byte says which. What was read is written back the same, and what is
 * cut is joined again. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "rtc/opus.h"
#include "rtc/sframe_payload.h"
#include "rtc/vp8.h"

static void check_opus(struct bytes data)
{
    struct opus_info o;

    if (opus_info_read(data, &o) != 0)
        return;
    must(o.frames >= 1 && o.frames <= OPUS_FRAMES_MAX && o.duration <= OPUS_DURATION_MAX &&
         o.padding < data.n);
}

static void check_vp8_descriptor(struct bytes data)
{
    struct vp8_descriptor d;
    struct vp8_descriptor e;
    struct buf out = {0};

    if (vp8_descriptor_read(data, &d) != 0)
        return;
    must(d.size >= 1 && d.size <= VP8_DESCRIPTOR_MAX && d.size < data.n);
    buf_put(&out, data);
    must(buf_check(&out) == 0);
    vp8_descriptor_rewrite(&d, out.p);
    must(vp8_descriptor_read(buf_view(&out), &e) == 0);
    must(e.size == d.size && e.picture_id == d.picture_id && e.tl0picidx == d.tl0picidx &&
         e.keyidx == d.keyidx && e.tid == d.tid && e.partition == d.partition);
    must(bytes_equal(bytes_of(out.p + d.size, out.n - d.size),
                     bytes_of(data.p + d.size, data.n - d.size)));
    buf_clear(&out);
    must(vp8_descriptor_write(&d, &out) == 0 && out.n <= d.size);
    buf_free(&out);
}

static void check_cutting(struct bytes data, size_t mtu)
{
    struct sframe_packetizer p;
    struct sframe_payload s;
    struct buf payload = {0};
    struct buf joined = {0};
    bool last = false;

    if (sframe_packetizer_init(&p, data, true, mtu) != 0)
        return;
    while (!last) {
        buf_clear(&payload);
        must(sframe_packetizer_next(&p, &payload, &last) == 0 && payload.n <= mtu);
        must(sframe_payload_read(buf_view(&payload), &s) == 0);
        must(s.packetized && s.start == (joined.n == 0) && s.end == last);
        buf_put(&joined, s.content);
    }
    must(bytes_equal(buf_view(&joined), data));
    buf_free(&payload);
    buf_free(&joined);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vp8_frame f;
    struct sframe_payload s;

    if (size < 1)
        return 0;
    struct bytes rest = bytes_of(data + 1, size - 1);
    switch (data[0] % 5) {
    case 0:
        check_opus(rest);
        break;
    case 1:
        check_vp8_descriptor(rest);
        break;
    case 2:
        if (vp8_frame_read(rest, &f) == 0)
            must(f.version <= 3 && f.width < 1 << 14 && f.height < 1 << 14);
        break;
    case 3:
        if (sframe_payload_read(rest, &s) == 0)
            must(s.content.n + 1 == rest.n);
        break;
    default:
        check_cutting(rest, data[0]);
    }
    return 0;
}
