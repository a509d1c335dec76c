/* The life of a call, its epochs, and the doors of the module. */
#include <stdlib.h>

#include "call/inside.h"

static int check_config(const struct call_config *f)
{
    bool types = f->opus <= 127 && f->vp8 <= 127 && f->rtx <= 127 && f->opus != f->vp8 &&
                 f->opus != f->rtx && f->vp8 != f->rtx;
    return types && f->run < CALL_RUNS && f->wait_us <= ASSEMBLER_WAIT_MAX_US ? 0 : CONCLAVE_EINVAL;
}

int call_new(const struct call_config *config, struct call **out)
{
    int rv = check_config(config);
    if (rv != 0)
        return rv;
    struct call *c = calloc(1, sizeof *c);
    if (c == NULL)
        return CONCLAVE_ENOMEM;
    c->config = *config;
    rv =
        sframe_keys_new(SFRAME_AES_256_GCM_SHA512_128, config->epoch_bits, SFRAME_INSIDE, &c->keys);
    if (rv != 0)
        free(c);
    else
        *out = c;
    return rv;
}

void call_free(struct call *c)
{
    if (c == NULL)
        return;
    stream_fini(c);
    publish_fini(c);
    sframe_keys_free(c->keys);
    buf_free(&c->sealed);
    buf_free(&c->plain);
    buf_free(&c->out);
    buf_free(&c->scratch);
    free(c);
}

static void set_clock(struct call *c, uint64_t now_us)
{
    if (now_us > c->now_us)
        c->now_us = now_us;
}

int call_epoch(struct call *c, const struct call_epoch *epoch, uint64_t now_us)
{
    struct sframe_epoch e = {
        .id = epoch->id,
        .base_key = epoch->base_key,
        .group_size = epoch->group_size,
        .own_leaf = epoch->own_leaf,
        .change = epoch->n_removed != 0 ? SFRAME_SWITCH_NOW : SFRAME_SWITCH_LATER,
    };
    set_clock(c, now_us);
    int rv = sframe_keys_add_epoch(c->keys, &e, c->now_us);
    if (rv != 0)
        return rv;
    for (size_t i = 0; i < epoch->n_removed; i++)
        sframe_keys_bar_leaf(c->keys, epoch->removed[i], epoch->id);
    uint32_t ssrc;
    struct stream *s;
    for (size_t it = 0; (s = u32map_next(&c->streams, &it, &ssrc)) != NULL;)
        s->retry = true;
    return 0;
}

int call_input(struct call *c, struct bytes packet, uint64_t now_us)
{
    set_clock(c, now_us);
    if (!rtp_is_rtcp(packet))
        return stream_input(c, packet);
    hear_control(c, packet);
    return 0;
}

int call_next(struct call *c, uint64_t now_us, struct call_event *out)
{
    struct call_event e = {.what = CALL_NOTHING};
    int rv = 0;
    set_clock(c, now_us);
    sframe_keys_tick(c->keys, c->now_us);
    if (!publish_next_wish(c, &e)) {
        uint32_t ssrc;
        struct stream *s;
        for (size_t it = 0; rv == 0 && e.what == CALL_NOTHING &&
                            (s = u32map_next(&c->streams, &it, &ssrc)) != NULL;)
            rv = frame_next(c, s, &e);
    }
    if (rv == 0)
        *out = e;
    return rv;
}

int call_output(struct call *c, uint64_t now_us, struct call_packet *out)
{
    set_clock(c, now_us);
    buf_clear(&c->out);
    int rv = control_write(c);
    bool control = c->out.n != 0;
    if (rv == 0 && !control)
        rv = pace_next(c);
    if (rv == 0)
        *out = (struct call_packet){buf_view(&c->out), control};
    return rv;
}

uint64_t call_deadline(const struct call *c)
{
    uint64_t at = earlier(pace_deadline(c), control_deadline(c));
    at = earlier(earlier(at, publish_deadline(c)), sframe_keys_deadline(c->keys));
    uint32_t ssrc;
    const struct stream *s;
    for (size_t it = 0; (s = u32map_next(&c->streams, &it, &ssrc)) != NULL;)
        at = earlier(at, frame_deadline(s));
    return at;
}

void call_stats(const struct call *c, struct call_stats *out)
{
    *out = c->stats;
    out->streams = (uint32_t)c->streams.n;
}
