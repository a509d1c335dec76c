#include "rtc/sframe_payload.h"

#include "wire/reader.h"
#include "wire/writer.h"

#define BIT_S 0x80
#define BIT_E 0x40
#define BIT_T 0x20

int sframe_payload_read(struct bytes payload, struct sframe_payload *out)
{
    struct reader r = reader_of(payload);
    uint8_t descriptor = read_u8(&r);
    if (reader_left(&r) == 0)
        return CONCLAVE_ESYNTAX;
    *out = (struct sframe_payload){
        .start = (descriptor & BIT_S) != 0,
        .end = (descriptor & BIT_E) != 0,
        .packetized = (descriptor & BIT_T) != 0,
        .content = read_bytes(&r, reader_left(&r)),
    };
    return 0;
}

int sframe_packetizer_init(struct sframe_packetizer *p, struct bytes ciphertext, bool packetized,
                           size_t mtu)
{
    if (ciphertext.n == 0 || mtu < 2)
        return CONCLAVE_EINVAL;
    *p = (struct sframe_packetizer){
        .packetized = packetized,
        .left = ciphertext,
        .packets = (ciphertext.n - 1) / (mtu - 1) + 1,
    };
    return 0;
}

int sframe_packetizer_next(struct sframe_packetizer *p, struct buf *out, bool *out_last)
{
    if (p->packets == 0)
        return CONCLAVE_ESTATE;
    size_t n = (p->left.n + p->packets - 1) / p->packets; /* nearly equal pieces */
    int rv = buf_reserve(out, 1 + n);
    if (rv != 0)
        return rv;
    write_u8(out, (uint8_t)((p->started ? 0 : BIT_S) | (p->packets == 1 ? BIT_E : 0) |
                            (p->packetized ? BIT_T : 0)));
    buf_put(out, bytes_of(p->left.p, n));
    p->left = bytes_of(p->left.p + n, p->left.n - n);
    p->started = true;
    p->packets--;
    *out_last = p->packets == 0;
    return 0;
}
