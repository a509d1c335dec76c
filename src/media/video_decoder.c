#include "media/video_decoder.h"

#include <stdlib.h>

#include <vpx/vp8dx.h>
#include <vpx/vpx_decoder.h>

#include "media/limits.h"
#include "media/vpx_error.h"
#include "rtc/vp8.h"

struct video_decoder {
    vpx_codec_ctx_t codec;
    bool begun; /* a key frame was decoded, and nothing damaged since */
};

int video_decoder_new(struct video_decoder **out)
{
    vpx_codec_dec_cfg_t config = {.threads = 1};
    struct video_decoder *d = calloc(1, sizeof *d);
    if (d == NULL)
        return CONCLAVE_ENOMEM;
    int rv = vpx_error(vpx_codec_dec_init(&d->codec, vpx_codec_vp8_dx(), &config, 0));
    if (rv != 0) {
        free(d);
        return rv;
    }
    *out = d;
    return 0;
}

void video_decoder_free(struct video_decoder *d)
{
    if (d == NULL)
        return;
    (void)vpx_codec_destroy(&d->codec);
    free(d);
}

static struct picture picture_of(const vpx_image_t *image)
{
    struct picture p = {
        .width = (uint16_t)image->d_w,
        .height = (uint16_t)image->d_h,
        .y = {image->planes[VPX_PLANE_Y], (size_t)image->stride[VPX_PLANE_Y]},
        .u = {image->planes[VPX_PLANE_U], (size_t)image->stride[VPX_PLANE_U]},
        .v = {image->planes[VPX_PLANE_V], (size_t)image->stride[VPX_PLANE_V]},
    };
    return p;
}

/* libvpx would make room for whatever size a key frame claims. */
static int check_frame(const struct video_decoder *d, struct bytes frame)
{
    struct vp8_frame head;
    if (vp8_frame_read(frame, &head) != 0)
        return CONCLAVE_ESYNTAX;
    if (frame.n > MEDIA_VIDEO_FRAME_MAX || head.width > MEDIA_WIDTH_MAX ||
        head.height > MEDIA_HEIGHT_MAX)
        return CONCLAVE_ELIMIT;
    return head.key || d->begun ? 0 : CONCLAVE_ESTATE;
}

int video_decoder_frame(struct video_decoder *d, struct bytes frame, struct picture *out)
{
    int rv = check_frame(d, frame);
    if (rv != 0)
        return rv;
    vpx_codec_err_t result = vpx_codec_decode(&d->codec, frame.p, (unsigned)frame.n, NULL, 0);
    d->begun = result == VPX_CODEC_OK;
    if (result != VPX_CODEC_OK) /* it has many words for damage, the most general one included */
        return result == VPX_CODEC_MEM_ERROR ? CONCLAVE_ENOMEM : CONCLAVE_ESYNTAX;
    vpx_codec_iter_t iterator = NULL;
    const vpx_image_t *image = vpx_codec_get_frame(&d->codec, &iterator);
    struct picture none = {0};
    *out = image == NULL ? none : picture_of(image);
    return 0;
}
