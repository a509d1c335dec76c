#include "cmd/join_source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/audio_decoder.h"
#include "media/audio_encoder.h"
#include "media/reader.h"
#include "media/sound.h"
#include "media/synthetic.h"

/* Softer than this nobody speaks: of a file it is not known what is voice. */
#define VOICE_LEVEL 60

#define SYNTHETIC_FPS 30 /* of synthetic_defaults() */

struct join_source {
    struct join_source_config config;
    /* A file: */
    FILE *file;
    struct media_reader *reader;
    struct audio_decoder *decoder; /* to tell how loud it is */
    struct media_frame next;       /* the reader's; no data: there is none */
    struct buf held;               /* the one that was taken */
    struct join_source_fault fault;
    int failed;           /* what follows the next cannot be read */
    uint64_t offset, end; /* of this round, and where it would end; in units of the clock */
    /* Synthetic: */
    struct synthetic *synthetic;
    uint16_t height;
    uint64_t made; /* moments */
};

static enum media_codec codec_of(const struct join_source *s)
{
    return s->config.source == SIGNAL_AUDIO ? MEDIA_OPUS : MEDIA_VP8;
}

static uint64_t clock_of(const struct join_source *s)
{
    return codec_of(s) == MEDIA_OPUS ? MEDIA_AUDIO_CLOCK : MEDIA_VIDEO_CLOCK;
}

/* ---- Files ---- */

static int complain(struct join_source *s, const char *what, const char *cure)
{
    snprintf(s->fault.text, sizeof s->fault.text, "%s: %s; %s.", s->config.path, what, cure);
    return CONCLAVE_EINVAL;
}

static int complain_of(struct join_source *s)
{
    const struct media_fault *f = media_reader_fault(s->reader);
    char what[128];
    if (f == NULL)
        return CONCLAVE_ENOMEM;
    snprintf(what, sizeof what, "at byte %llu: %s", (unsigned long long)f->offset, f->what);
    return complain(s, what, f->cure);
}

static int give_piece(struct join_source *s)
{
    static const size_t piece = (size_t)1 << 16;
    _Static_assert(((size_t)1 << 16) <= MEDIA_PIECE_MAX, "a reader takes it at once");
    uint8_t *p = malloc(piece);
    if (p == NULL)
        return CONCLAVE_ENOMEM;
    size_t n = fread(p, 1, piece, s->file);
    int rv = 0;
    if (n != 0)
        rv = media_reader_input(s->reader, bytes_of(p, n));
    else if (ferror(s->file))
        rv = complain(s, strerror(errno), "check the file");
    else
        media_reader_end(s->reader);
    free(p);
    return rv;
}

/* The next frame of our codec; without data at the end. */
static int read_frame(struct join_source *s)
{
    enum media_event event = MEDIA_MORE;
    s->next = (struct media_frame){0};
    for (;;) {
        int rv = media_reader_next(s->reader, &event, &s->next);
        if (rv == CONCLAVE_ENOMEM)
            return rv;
        if (rv != 0)
            return complain_of(s);
        if (event == MEDIA_DONE) {
            s->next = (struct media_frame){0};
            return 0;
        }
        if (event == MEDIA_FRAME && s->next.codec == codec_of(s))
            return 0;
        rv = event == MEDIA_MORE ? give_piece(s) : 0;
        if (rv != 0)
            return rv;
    }
}

/* A picture is shown until the next; of the last of a round nobody knows how long. */
static uint64_t duration_of(const struct join_source *s, const struct media_frame *f)
{
    return f->duration != 0 ? f->duration : clock_of(s) / 30;
}

static int rewind_file(struct join_source *s)
{
    media_reader_free(s->reader);
    s->reader = NULL;
    rewind(s->file);
    s->offset = s->end;
    int rv = media_reader_new(&s->reader);
    return rv == 0 ? read_frame(s) : rv;
}

static int open_file(struct join_source *s)
{
    s->file = fopen(s->config.path, "rbe");
    if (s->file == NULL)
        return complain(s, strerror(errno), "check path and rights");
    int rv = media_reader_new(&s->reader);
    if (rv == 0)
        rv = read_frame(s);
    if (rv == 0 && s->next.data.n == 0)
        rv = complain(s, codec_of(s) == MEDIA_OPUS ? "no Opus in it" : "no VP8 in it",
                      "give a file that has some");
    if (rv == 0 && codec_of(s) == MEDIA_OPUS)
        rv = audio_decoder_new(1, &s->decoder);
    if (rv == 0)
        s->height = media_reader_info(s->reader).height;
    return rv;
}

/* Of silence, and of what is no sound after all, 127. */
static uint8_t level_of(struct join_source *s, struct bytes packet)
{
    int16_t samples[AUDIO_DECODED_MAX];
    size_t n = 0;
    if (audio_decoder_frame(s->decoder, packet, samples, &n) != 0)
        return 127;
    return sound_audio_level(samples, n);
}

/* To have its time, the frame after this one is read at once. */
static void read_ahead(struct join_source *s)
{
    s->failed = read_frame(s);
    if (s->failed == 0 && s->next.data.n == 0 && s->config.loop)
        s->failed = rewind_file(s);
}

static int take_file(struct join_source *s, struct join_moment *out)
{
    struct media_frame *f = &out->layers[0];
    if (s->failed != 0)
        return s->failed;
    if (s->next.data.n == 0)
        return CONCLAVE_ENOTFOUND;
    *f = s->next;
    f->pts += s->offset;
    buf_clear(&s->held);
    buf_put(&s->held, f->data);
    if (buf_check(&s->held) != 0)
        return CONCLAVE_ENOMEM;
    f->data = buf_view(&s->held);
    s->end = f->pts + duration_of(s, f);
    if (s->decoder != NULL) {
        out->level = level_of(s, f->data);
        out->voice = out->level < VOICE_LEVEL;
    }
    read_ahead(s);
    return 0;
}

/* ---- Synthetic ---- */

static int open_synthetic(struct join_source *s)
{
    struct synthetic_config c = synthetic_defaults(s->config.sender);
    if (s->config.source != SIGNAL_AUDIO && s->config.layers > 1)
        c.layers = s->config.layers;
    s->height = c.height;
    return synthetic_new(&c, &s->synthetic);
}

static int take_synthetic(struct join_source *s, struct join_moment *out)
{
    int rv = 0;
    if (codec_of(s) == MEDIA_OPUS) {
        rv = synthetic_audio(s->synthetic, &out->layers[0], &out->level);
        out->voice = out->level < VOICE_LEVEL;
    } else {
        rv = synthetic_video(s->synthetic, out->layers);
    }
    s->made++; /* one that could not be made is left out */
    return rv;
}

/* ---- Both ---- */

static void say_fault(const struct join_source *s, int rv, struct join_source_fault *out)
{
    if (rv == CONCLAVE_EINVAL)
        *out = s->fault;
}

int join_source_new(const struct join_source_config *config, struct join_source **out,
                    struct join_source_fault *out_fault)
{
    struct join_source *s = calloc(1, sizeof *s);
    if (s == NULL)
        return CONCLAVE_ENOMEM;
    s->config = *config;
    int rv = config->path != NULL ? open_file(s) : open_synthetic(s);
    if (rv == 0) {
        *out = s;
        return 0;
    }
    say_fault(s, rv, out_fault);
    join_source_free(s);
    return rv;
}

void join_source_free(struct join_source *s)
{
    if (s == NULL)
        return;
    media_reader_free(s->reader);
    audio_decoder_free(s->decoder);
    synthetic_free(s->synthetic);
    buf_free(&s->held);
    if (s->file != NULL)
        (void)fclose(s->file); /* only read */
    free(s);
}

static uint64_t us_of(const struct join_source *s, uint64_t pts)
{
    uint64_t clock = clock_of(s); /* in two steps, since times are long */
    return pts / clock * 1000000 + pts % clock * 1000000 / clock;
}

uint64_t join_source_due(const struct join_source *s)
{
    if (s->synthetic != NULL)
        return codec_of(s) == MEDIA_OPUS ? s->made * 20000 : s->made * 1000000 / SYNTHETIC_FPS;
    if (s->failed != 0)
        return us_of(s, s->end);
    return s->next.data.n == 0 ? UINT64_MAX : us_of(s, s->next.pts + s->offset);
}

int join_source_take(struct join_source *s, struct join_moment *out,
                     struct join_source_fault *out_fault)
{
    struct join_moment m = {.at_us = join_source_due(s)};
    int rv = s->synthetic != NULL ? take_synthetic(s, &m) : take_file(s, &m);
    if (rv == 0)
        *out = m;
    say_fault(s, rv, out_fault);
    return rv;
}

void join_source_skip(struct join_source *s, uint64_t now_us)
{
    if (s->synthetic == NULL || codec_of(s) == MEDIA_OPUS || now_us < JOIN_SOURCE_LATE_US)
        return;
    uint64_t passed = (now_us - JOIN_SOURCE_LATE_US) * SYNTHETIC_FPS / 1000000;
    if (passed <= s->made)
        return;
    synthetic_video_skip(s->synthetic, passed - s->made);
    s->made = passed;
}

uint8_t join_source_layers(const struct join_source *s)
{
    return s->synthetic != NULL && s->config.source != SIGNAL_AUDIO && s->config.layers > 1
               ? s->config.layers
               : 1;
}

uint16_t join_source_height(const struct join_source *s, uint8_t layer)
{
    if (s->config.source == SIGNAL_AUDIO)
        return 0;
    return (uint16_t)(s->height >> (join_source_layers(s) - 1 - layer));
}

void join_source_want_key(struct join_source *s, uint8_t layer)
{
    if (s->synthetic != NULL)
        synthetic_request_key(s->synthetic, layer);
}

void join_source_demand(struct join_source *s, uint8_t layers)
{
    for (uint8_t i = 0; s->synthetic != NULL && i < join_source_layers(s); i++)
        synthetic_switch_layer(s->synthetic, i, (layers >> i & 1) != 0);
}
