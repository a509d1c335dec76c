#include "rtc/opus.h"

#include "wire/reader.h"

/* RFC 6716 table 2: the frame size of a configuration, in samples at 48 kHz. */
static uint32_t frame_duration(uint8_t config)
{
    static const uint16_t silk[] = {480, 960, 1920, 2880}; /* 10, 20, 40, 60 ms */
    static const uint16_t hybrid[] = {480, 960};
    static const uint16_t celt[] = {120, 240, 480, 960}; /* 2.5, 5, 10, 20 ms */
    if (config < 12)
        return silk[config % 4];
    return config < 16 ? hybrid[config % 2] : celt[config % 4];
}

/* RFC 6716 3.2.1: the length of a frame, in one or two bytes. */
static size_t read_frame_length(struct reader *r)
{
    size_t n = read_u8(r);
    return n < 252 ? n : n + (size_t)read_u8(r) * 4;
}

/* Takes n frames of equal size that fill what is left. */
static void read_equal_frames(struct reader *r, size_t n)
{
    size_t left = reader_left(r);
    if (left % n != 0 || left / n > OPUS_FRAME_BYTES_MAX)
        reader_fail(r);
    (void)read_bytes(r, left);
}

/* Code 2 and code 3 with the V bit: lengths first, the last frame fills what is left. */
static void read_sized_frames(struct reader *r, size_t n)
{
    size_t sum = 0;
    for (size_t i = 0; i + 1 < n; i++)
        sum += read_frame_length(r);
    (void)read_bytes(r, sum);
    if (reader_left(r) > OPUS_FRAME_BYTES_MAX)
        reader_fail(r);
    (void)read_bytes(r, reader_left(r));
}

/* RFC 6716 3.2.5: 255 stands for 254 bytes and more to come. */
static size_t read_padding_length(struct reader *r)
{
    size_t sum = 0;
    uint8_t n;
    do {
        n = read_u8(r);
        sum += n == 255 ? 254 : n;
    } while (n == 255);
    return sum;
}

/* Code 3: a count, perhaps padding at the end, then frames of one or of several sizes. */
static void read_counted_frames(struct reader *r, struct opus_info *o)
{
    uint8_t head = read_u8(r);
    o->frames = head & 0x3f;
    if ((head & 0x40) != 0)
        o->padding = read_padding_length(r);
    if (!reader_ok(r) || o->frames == 0 || o->padding > reader_left(r)) {
        reader_fail(r); /* R5, R6 and R7 */
        return;
    }
    struct reader frames = reader_of(bytes_of(r->p, reader_left(r) - o->padding));
    if ((head & 0x80) != 0)
        read_sized_frames(&frames, o->frames);
    else
        read_equal_frames(&frames, o->frames);
    if (!reader_ok(&frames))
        reader_fail(r);
    (void)read_bytes(r, reader_left(r));
}

int opus_info_read(struct bytes packet, struct opus_info *out)
{
    struct reader r = reader_of(packet);
    uint8_t toc = read_u8(&r); /* R1: at least one byte */
    struct opus_info o = {.config = toc >> 3, .stereo = (toc & 4) != 0};
    switch (toc & 3) {
    case 0:
        o.frames = 1;
        read_equal_frames(&r, 1);
        break;
    case 1:
        o.frames = 2;
        read_equal_frames(&r, 2);
        break;
    case 2:
        o.frames = 2;
        read_sized_frames(&r, 2);
        break;
    default:
        read_counted_frames(&r, &o);
    }
    int rv = reader_end(&r);
    if (rv != 0)
        return rv;
    o.duration = o.frames * frame_duration(o.config);
    if (o.duration > OPUS_DURATION_MAX)
        return CONCLAVE_ESYNTAX;
    *out = o;
    return 0;
}

int opus_payload_write(struct bytes packet, size_t mtu, struct buf *out)
{
    struct opus_info info;
    int rv = opus_info_read(packet, &info);
    if (rv != 0)
        return rv;
    if (packet.n > mtu)
        return CONCLAVE_ELIMIT;
    rv = buf_reserve(out, packet.n);
    if (rv == 0)
        buf_put(out, packet);
    return rv;
}
