#include "media/checker.h"

#include <stdlib.h>

#include "media/audio_decoder.h"
#include "media/sound.h"
#include "media/synthetic.h"
#include "media/test_card.h"
#include "media/video_decoder.h"

/* A packet is silent below this: where a tone ends, encoding lets some of it linger. */
#define SILENT_BELOW (-50.0)
/* The tone has nearly all of the sound's energy. Where it begins or ends in the middle of a packet,
 * and so its level is another than the last packet's, less of it can be measured. */
#define TONE_WITHIN 2.0
#define TONE_WITHIN_EDGE 8.0
#define EDGE 2.0

struct checker {
    uint8_t sender;
    struct video_decoder *video_decoder;
    struct audio_decoder *audio_decoder;
    struct checker_video video;
    struct checker_audio audio;
    int16_t samples[AUDIO_DECODED_MAX];
};

int checker_new(uint8_t sender, struct checker **out)
{
    struct checker *c = calloc(1, sizeof *c);
    if (c == NULL)
        return CONCLAVE_ENOMEM;
    c->sender = sender;
    c->audio.level = SOUND_SILENCE;
    int rv = video_decoder_new(&c->video_decoder);
    if (rv == 0)
        rv = audio_decoder_new(1, &c->audio_decoder);
    if (rv != 0) {
        checker_free(c);
        return rv;
    }
    *out = c;
    return 0;
}

void checker_free(struct checker *c)
{
    if (c == NULL)
        return;
    video_decoder_free(c->video_decoder);
    audio_decoder_free(c->audio_decoder);
    free(c);
}

/* A picture of the sender's: where it is in the order of its numbers. */
static void count_number(struct checker_video *v, uint32_t number)
{
    if (v->pictures > 0 && number <= v->number) {
        v->backward++;
        return;
    }
    v->missing += v->pictures > 0 ? number - v->number - 1 : 0;
    v->pictures++;
    v->number = number;
}

static void look_at(struct checker *c, const struct picture *picture)
{
    struct test_card_label label;
    uint8_t colour;
    c->video.width = picture->width;
    c->video.height = picture->height;
    if (test_card_read(picture, &label) != 0)
        c->video.illegible++;
    else if (label.sender != c->sender || test_card_read_colour(picture, &colour) != 0 ||
             colour != c->sender % TEST_CARD_COLOURS)
        c->video.foreign++;
    else
        count_number(&c->video, label.number);
}

int checker_take_video(struct checker *c, struct bytes frame)
{
    struct picture picture;
    int rv = video_decoder_frame(c->video_decoder, frame, &picture);
    if (rv == CONCLAVE_ENOMEM)
        return rv;
    if (rv != 0)
        c->video.undecodable++;
    else if (picture.width != 0)
        look_at(c, &picture);
    return 0;
}

static void listen_to(struct checker *c, size_t n)
{
    double tone = sound_tone_level(synthetic_hz(c->sender), c->samples, n);
    double level = sound_level(c->samples, n), change = level - c->audio.level;
    bool edge = change > EDGE || change < -EDGE;
    c->audio.level = level;
    if (level < SILENT_BELOW)
        c->audio.silent++;
    else if (tone > level - (edge ? TONE_WITHIN_EDGE : TONE_WITHIN))
        c->audio.packets++;
    else
        c->audio.foreign++;
}

int checker_take_audio(struct checker *c, struct bytes packet)
{
    size_t n = 0;
    int rv = audio_decoder_frame(c->audio_decoder, packet, c->samples, &n);
    if (rv != 0)
        c->audio.undecodable++;
    else
        listen_to(c, n);
    return 0;
}

struct checker_video checker_video(const struct checker *c)
{
    return c->video;
}

struct checker_audio checker_audio(const struct checker *c)
{
    return c->audio;
}
