/* Codecs whose packetiser reads the first bytes of a frame. */
#include <string.h>

#include <conclave/sframe.h>

/* RFC 6386 9.1: the first bit of a VP8 frame is 0 in a key frame, whose first 10 bytes hold the
 * frame tag, the start code and the size of the picture; else the tag is 3 bytes. */
int sframe_clear_size(enum sframe_codec codec, struct bytes frame, size_t *out_n)
{
    size_t n = 0;
    if (codec == SFRAME_CODEC_VP8) {
        if (frame.n == 0)
            return CONCLAVE_ESYNTAX;
        n = (frame.p[0] & 1) == 0 ? 10 : 3;
    }
    if (frame.n < n)
        return CONCLAVE_ESYNTAX;
    *out_n = n;
    return 0;
}

/* What comes behind the clear bytes; an empty frame may be NULL, to which nothing can be added. */
static struct bytes behind(struct bytes frame, size_t clear)
{
    return clear == 0 ? frame : bytes_of(frame.p + clear, frame.n - clear);
}

int sframe_seal_media(struct sframe_keys *k, uint64_t context, enum sframe_codec codec,
                      struct bytes frame, uint64_t now_us, uint8_t *out, size_t cap, size_t *out_n)
{
    size_t clear;
    int rv = sframe_clear_size(codec, frame, &clear);
    if (rv != 0)
        return rv;
    if (cap < clear)
        return CONCLAVE_EBUFFER;
    uint8_t *text = clear == 0 ? out : out + clear;
    rv = sframe_seal(k, context, bytes_of(frame.p, clear), behind(frame, clear), now_us, text,
                     cap - clear, out_n);
    if (rv != 0)
        return rv;
    if (clear != 0)
        memcpy(out, frame.p, clear);
    *out_n += clear;
    return 0;
}

int sframe_open_media(struct sframe_keys *k, enum sframe_codec codec, struct bytes sealed,
                      uint64_t now_us, uint8_t *out, size_t cap, size_t *out_n,
                      struct sframe_info *out_info)
{
    size_t clear;
    int rv = sframe_clear_size(codec, sealed, &clear);
    if (rv != 0)
        return rv;
    if (cap < clear)
        return CONCLAVE_EBUFFER;
    uint8_t *text = clear == 0 ? out : out + clear;
    rv = sframe_open(k, bytes_of(sealed.p, clear), behind(sealed, clear), now_us, text, cap - clear,
                     out_n, out_info);
    if (rv != 0)
        return rv;
    if (clear != 0)
        memcpy(out, sealed.p, clear);
    *out_n += clear;
    return 0;
}
