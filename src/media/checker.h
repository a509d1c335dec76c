/* Looks at what one synthetic sender's media have become (media/synthetic.h): are these its
 * pictures and its tone, and which of them are missing?
 *
 * Give it the frames that would be shown, in order. It decodes them, so it costs what a viewer
 * costs.
 */
#ifndef MEDIA_CHECKER_H
#define MEDIA_CHECKER_H

#include <conclave/bytes.h>

struct checker_video {
    uint64_t pictures;    /* decoded, the sender's, and in order */
    uint64_t undecodable; /* damaged, or without a key frame before */
    uint64_t illegible;   /* decoded, but no test card */
    uint64_t foreign;     /* of another sender, or of the wrong colour */
    uint64_t missing;     /* numbers passed over */
    uint64_t backward;    /* numbers shown already, or earlier than one that was */
    uint32_t number;      /* of the last picture */
    uint16_t width, height;
};

struct checker_audio {
    uint64_t packets; /* with the sender's tone */
    uint64_t silent;  /* with none */
    uint64_t undecodable;
    uint64_t foreign; /* with another sound, or one beside the sender's */
    double level;     /* dBov, of the last packet */
};

struct checker;

/* ENOMEM, EUNSUPPORTED, EINTERNAL. */
int checker_new(uint8_t sender, struct checker **out) CONCLAVE_CHECKED;
void checker_free(struct checker *c);

/* A VP8 frame, an Opus packet. What is wrong with it is counted and no failure. ENOMEM. */
int checker_take_video(struct checker *c, struct bytes frame) CONCLAVE_CHECKED;
int checker_take_audio(struct checker *c, struct bytes packet) CONCLAVE_CHECKED;

struct checker_video checker_video(const struct checker *c);
struct checker_audio checker_audio(const struct checker *c);

#endif
