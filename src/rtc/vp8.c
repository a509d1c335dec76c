#include "rtc/vp8.h"

#include "wire/reader.h"
#include "wire/writer.h"

/* RFC 7741 4.2: the first byte */
#define BIT_X 0x80
#define BIT_N 0x20
#define BIT_S 0x10
#define PID_MASK 0x07
/* the extension byte */
#define BIT_I 0x80
#define BIT_L 0x40
#define BIT_T 0x20
#define BIT_K 0x10
/* the optional fields */
#define BIT_M 0x80
#define BIT_Y 0x20
#define KEYIDX_MASK 0x1f

static bool is_extended(const struct vp8_descriptor *d)
{
    return d->has_picture_id || d->has_tl0picidx || d->has_tid || d->has_keyidx;
}

static void read_picture_id(struct reader *r, struct vp8_descriptor *d)
{
    uint8_t first = read_u8(r);
    d->long_picture_id = (first & BIT_M) != 0;
    d->picture_id = first & 0x7f;
    if (d->long_picture_id)
        d->picture_id = (uint16_t)(d->picture_id << 8 | read_u8(r));
}

int vp8_descriptor_read(struct bytes payload, struct vp8_descriptor *out)
{
    struct reader r = reader_of(payload);
    uint8_t first = read_u8(&r); /* RFC 7741 4.2: reserved bits are ignored */
    uint8_t extension = (first & BIT_X) != 0 ? read_u8(&r) : 0;
    struct vp8_descriptor d = {
        .non_reference = (first & BIT_N) != 0,
        .start = (first & BIT_S) != 0,
        .partition = first & PID_MASK,
        .has_picture_id = (extension & BIT_I) != 0,
        .has_tl0picidx = (extension & BIT_L) != 0,
        .has_tid = (extension & BIT_T) != 0,
        .has_keyidx = (extension & BIT_K) != 0,
    };
    if (d.has_picture_id)
        read_picture_id(&r, &d);
    if (d.has_tl0picidx)
        d.tl0picidx = read_u8(&r);
    if (d.has_tid || d.has_keyidx) {
        uint8_t last = read_u8(&r);
        /* RFC 7741 4.2: TID and Y mean nothing without T, KEYIDX nothing without K */
        d.tid = d.has_tid ? last >> 6 : 0;
        d.layer_sync = d.has_tid && (last & BIT_Y) != 0;
        d.keyidx = d.has_keyidx ? last & KEYIDX_MASK : 0;
    }
    if (reader_left(&r) == 0)
        return CONCLAVE_ESYNTAX;
    d.size = payload.n - reader_left(&r);
    *out = d;
    return 0;
}

/* The bytes of a descriptor; returns how many. */
static size_t encode(const struct vp8_descriptor *d, bool extended,
                     uint8_t out[static VP8_DESCRIPTOR_MAX])
{
    size_t n = 0;
    out[n++] = (uint8_t)((extended ? BIT_X : 0) | (d->non_reference ? BIT_N : 0) |
                         (d->start ? BIT_S : 0) | (d->partition & PID_MASK));
    if (extended)
        out[n++] = (uint8_t)((d->has_picture_id ? BIT_I : 0) | (d->has_tl0picidx ? BIT_L : 0) |
                             (d->has_tid ? BIT_T : 0) | (d->has_keyidx ? BIT_K : 0));
    if (d->has_picture_id && d->long_picture_id)
        out[n++] = (uint8_t)(BIT_M | (d->picture_id >> 8 & 0x7f));
    if (d->has_picture_id)
        out[n++] = (uint8_t)(d->long_picture_id ? d->picture_id & 0xff : d->picture_id & 0x7f);
    if (d->has_tl0picidx)
        out[n++] = d->tl0picidx;
    if (d->has_tid || d->has_keyidx)
        out[n++] = (uint8_t)((d->has_tid ? (d->tid & 3) << 6 | (d->layer_sync ? BIT_Y : 0) : 0) |
                             (d->has_keyidx ? d->keyidx & KEYIDX_MASK : 0));
    return n;
}

static bool descriptor_valid(const struct vp8_descriptor *d)
{
    return d->partition <= PID_MASK && d->tid <= 3 && d->keyidx <= KEYIDX_MASK &&
           d->picture_id <= (d->long_picture_id ? 0x7fff : 0x7f);
}

int vp8_descriptor_write(const struct vp8_descriptor *d, struct buf *out)
{
    uint8_t data[VP8_DESCRIPTOR_MAX];
    if (!descriptor_valid(d))
        return CONCLAVE_EINVAL;
    size_t n = encode(d, is_extended(d), data);
    int rv = buf_reserve(out, n);
    if (rv == 0)
        buf_put(out, bytes_of(data, n));
    return rv;
}

void vp8_descriptor_rewrite(const struct vp8_descriptor *d, uint8_t *payload)
{
    uint8_t data[VP8_DESCRIPTOR_MAX];
    /* an extension byte without a field is rare but legal: keep it, keep the size */
    size_t n = encode(d, (payload[0] & BIT_X) != 0, data);
    for (size_t i = 0; i < n; i++)
        payload[i] = data[i];
}

bool vp8_begins_frame(const struct vp8_descriptor *d)
{
    return d->start && d->partition == 0;
}

int vp8_packetizer_init(struct vp8_packetizer *p, const struct vp8_descriptor *d,
                        struct bytes frame, size_t mtu)
{
    uint8_t data[VP8_DESCRIPTOR_MAX];
    if (!descriptor_valid(d) || frame.n == 0)
        return CONCLAVE_EINVAL;
    size_t head = encode(d, is_extended(d), data);
    if (mtu <= head)
        return CONCLAVE_EINVAL;
    *p = (struct vp8_packetizer){.descriptor = *d, .left = frame};
    p->descriptor.start = true;
    p->descriptor.partition = 0;
    p->packets = (frame.n - 1) / (mtu - head) + 1;
    return 0;
}

int vp8_packetizer_next(struct vp8_packetizer *p, struct buf *out, bool *out_last)
{
    if (p->packets == 0)
        return CONCLAVE_ESTATE;
    /* nearly equal: a small last packet would cost as much to send as a full one */
    size_t n = (p->left.n + p->packets - 1) / p->packets;
    int rv = buf_reserve(out, VP8_DESCRIPTOR_MAX + n);
    if (rv == 0)
        rv = vp8_descriptor_write(&p->descriptor, out);
    if (rv != 0)
        return rv;
    buf_put(out, bytes_of(p->left.p, n));
    p->left = bytes_of(p->left.p + n, p->left.n - n);
    p->descriptor.start = false;
    p->packets--;
    *out_last = p->packets == 0;
    return 0;
}

int vp8_frame_read(struct bytes frame, struct vp8_frame *out)
{
    struct reader r = reader_of(frame);
    uint32_t tag = read_u8(&r); /* RFC 6386 9.1: three bytes, little-endian */
    tag |= (uint32_t)read_u8(&r) << 8;
    tag |= (uint32_t)read_u8(&r) << 16;
    struct vp8_frame f = {
        .key = (tag & 1) == 0,
        .version = tag >> 1 & 7,
        .shown = (tag >> 4 & 1) != 0,
        .first_size = tag >> 5,
    };
    if (f.key) {
        static const uint8_t start_code[] = {0x9d, 0x01, 0x2a};
        if (!bytes_equal(read_bytes(&r, 3), bytes_of(start_code, 3)))
            return CONCLAVE_ESYNTAX;
        uint16_t width = read_u16(&r);
        uint16_t height = read_u16(&r);
        /* little-endian, the upper two bits scale */
        f.width = (uint16_t)((width >> 8 | width << 8) & 0x3fff);
        f.height = (uint16_t)((height >> 8 | height << 8) & 0x3fff);
    }
    if (!reader_ok(&r) || f.version > 3)
        return CONCLAVE_ESYNTAX;
    *out = f;
    return 0;
}
