#include "media/video_encoder.h"

#include <stdlib.h>

#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

#include "media/limits.h"
#include "media/vpx_error.h"

/* VP8E_SET_CPUUSED: below zero, the speed is fixed; above, libvpx chooses it by the clock, and no
 * two runs are alike. */
#define SPEED (-8)

struct video_encoder {
    vpx_codec_ctx_t codec;
    vpx_codec_enc_cfg_t config;
    bool ready; /* codec is to be destroyed */
    bool begun;
    uint64_t first, last; /* pts */
    uint32_t duration;
    struct buf frame;
};

static bool bitrate_valid(uint32_t kbps)
{
    return kbps >= VIDEO_KBPS_MIN && kbps <= VIDEO_KBPS_MAX;
}

static bool config_valid(const struct video_encoder_config *c)
{
    return c->width >= MEDIA_WIDTH_MIN && c->width <= MEDIA_WIDTH_MAX &&
           c->height >= MEDIA_HEIGHT_MIN && c->height <= MEDIA_HEIGHT_MAX && c->fps >= 1 &&
           c->fps <= VIDEO_FPS_MAX && bitrate_valid(c->kbps);
}

/* As for a call: no look-ahead, a steady rate, no picture left out, frames that can be decoded
 * though one before them was lost. */
static void configure(vpx_codec_enc_cfg_t *to, const struct video_encoder_config *c)
{
    to->g_w = c->width;
    to->g_h = c->height;
    to->g_timebase.num = 1;
    to->g_timebase.den = MEDIA_VIDEO_CLOCK;
    to->g_threads = 1;
    to->g_lag_in_frames = 0;
    to->g_error_resilient = VPX_ERROR_RESILIENT_DEFAULT;
    to->rc_end_usage = VPX_CBR;
    to->rc_target_bitrate = c->kbps;
    to->rc_dropframe_thresh = 0;
    to->rc_resize_allowed = 0;
    to->rc_min_quantizer = 4;
    to->rc_max_quantizer = 56;
    to->kf_mode = c->key_interval == 0 ? VPX_KF_DISABLED : VPX_KF_AUTO;
    to->kf_min_dist = 0;
    to->kf_max_dist = c->key_interval;
}

static int open_codec(struct video_encoder *e, const struct video_encoder_config *config)
{
    vpx_codec_iface_t *vp8 = vpx_codec_vp8_cx();
    int rv = vpx_error(vpx_codec_enc_config_default(vp8, &e->config, 0));
    if (rv != 0)
        return rv;
    configure(&e->config, config);
    rv = vpx_error(vpx_codec_enc_init(&e->codec, vp8, &e->config, 0));
    if (rv != 0)
        return rv;
    e->ready = true;
    return vpx_error(vpx_codec_control(&e->codec, VP8E_SET_CPUUSED, SPEED));
}

int video_encoder_new(const struct video_encoder_config *config, struct video_encoder **out)
{
    if (!config_valid(config))
        return CONCLAVE_EINVAL;
    struct video_encoder *e = calloc(1, sizeof *e);
    if (e == NULL)
        return CONCLAVE_ENOMEM;
    int rv = open_codec(e, config);
    if (rv != 0) {
        video_encoder_free(e);
        return rv;
    }
    e->duration = MEDIA_VIDEO_CLOCK / config->fps;
    *out = e;
    return 0;
}

void video_encoder_free(struct video_encoder *e)
{
    if (e == NULL)
        return;
    if (e->ready)
        (void)vpx_codec_destroy(&e->codec);
    buf_free(&e->frame);
    free(e);
}

/* libvpx takes planes it may write to, and does not write to them. */
static vpx_image_t image_of(const struct picture *p)
{
    vpx_image_t image;
    (void)vpx_img_wrap(&image, VPX_IMG_FMT_I420, p->width, p->height, 1, (unsigned char *)p->y.p);
    image.planes[VPX_PLANE_Y] = (unsigned char *)p->y.p;
    image.planes[VPX_PLANE_U] = (unsigned char *)p->u.p;
    image.planes[VPX_PLANE_V] = (unsigned char *)p->v.p;
    image.stride[VPX_PLANE_Y] = (int)p->y.stride;
    image.stride[VPX_PLANE_U] = (int)p->u.stride;
    image.stride[VPX_PLANE_V] = (int)p->v.stride;
    return image;
}

/* One picture in, one frame out, since there is no look-ahead. */
static int take_frame(struct video_encoder *e, bool *out_key)
{
    vpx_codec_iter_t iterator = NULL;
    const vpx_codec_cx_pkt_t *packet;
    buf_clear(&e->frame);
    while ((packet = vpx_codec_get_cx_data(&e->codec, &iterator)) != NULL) {
        if (packet->kind != VPX_CODEC_CX_FRAME_PKT)
            continue;
        buf_put(&e->frame, bytes_of(packet->data.frame.buf, packet->data.frame.sz));
        *out_key = (packet->data.frame.flags & VPX_FRAME_IS_KEY) != 0;
    }
    if (buf_check(&e->frame) != 0)
        return CONCLAVE_ENOMEM;
    return e->frame.n == 0 ? CONCLAVE_EINTERNAL : 0;
}

int video_encoder_frame(struct video_encoder *e, const struct picture *picture, uint64_t pts,
                        bool key, struct media_frame *out)
{
    if (picture->width != e->config.g_w || picture->height != e->config.g_h ||
        (e->begun && (pts <= e->last || pts - e->first > MEDIA_PTS_MAX)))
        return CONCLAVE_EINVAL;
    uint64_t first = e->begun ? e->first : pts;
    vpx_image_t image = image_of(picture);
    int rv =
        vpx_error(vpx_codec_encode(&e->codec, &image, (vpx_codec_pts_t)(pts - first), e->duration,
                                   key ? VPX_EFLAG_FORCE_KF : 0, VPX_DL_REALTIME));
    bool is_key = false;
    if (rv == 0)
        rv = take_frame(e, &is_key);
    if (rv != 0)
        return rv;
    e->first = first;
    e->last = pts;
    e->begun = true;
    *out = (struct media_frame){
        .codec = MEDIA_VP8, .pts = pts, .key = is_key, .data = buf_view(&e->frame)};
    return 0;
}

int video_encoder_set_bitrate(struct video_encoder *e, uint32_t kbps)
{
    if (!bitrate_valid(kbps))
        return CONCLAVE_EINVAL;
    vpx_codec_enc_cfg_t next = e->config;
    next.rc_target_bitrate = kbps;
    int rv = vpx_error(vpx_codec_enc_config_set(&e->codec, &next));
    if (rv == 0)
        e->config = next;
    return rv;
}
