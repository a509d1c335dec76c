/* Where a participant without camera and microphone has its frames from: a media file, played at
 * its own pace, or a synthetic sender (media/synthetic.h).
 *
 * A source gives one track: the pictures of a file, or its sound. Times are counted from its start;
 * a file that is looped goes on counting.
 */
#ifndef CMD_JOIN_SOURCE_H
#define CMD_JOIN_SOURCE_H

#include "media/media.h"
#include "signal/media.h"

struct join_source;

/* What is wrong with a file and what to do about it: a sentence. */
struct join_source_fault {
    char text[512];
};

struct join_source_config {
    uint8_t source;   /* enum signal_source: sound, or pictures */
    const char *path; /* NULL: synthetic */
    bool loop;        /* begin again at the end of the file */
    uint8_t sender;   /* synthetic: its number */
    uint8_t layers;   /* synthetic pictures: 1 to 3 */
};

/* Reads up to the first frame. EINVAL: the file cannot be used, and out_fault says why. ENOMEM,
 * EINTERNAL. */
int join_source_new(const struct join_source_config *config, struct join_source **out,
                    struct join_source_fault *out_fault) CONCLAVE_CHECKED;
void join_source_free(struct join_source *s);

/* One moment of a track, in all its layers: one that is switched off has no data. */
struct join_moment {
    uint64_t at_us; /* since the start */
    struct media_frame layers[SIGNAL_LAYERS_MAX];
    uint8_t level; /* of sound: RFC 6464 */
    bool voice;
};

/* When the next moment is due, since the start; UINT64_MAX: there is none. */
uint64_t join_source_due(const struct join_source *s);
/* The next moment, good until the next call. ENOTFOUND: there is none. EINVAL: the file is damaged
 * from here on (out_fault); ENOMEM, EINTERNAL. */
int join_source_take(struct join_source *s, struct join_moment *out,
                     struct join_source_fault *out_fault) CONCLAVE_CHECKED;

/* Now, since the start. Synthetic pictures that are later than JOIN_SOURCE_LATE_US are not made any
 * more: a machine too slow for all of them would do nothing else. What a file has is needed, and
 * costs nothing. */
#define JOIN_SOURCE_LATE_US 200000u
void join_source_skip(struct join_source *s, uint64_t now_us);

uint8_t join_source_layers(const struct join_source *s);
/* Of the pictures; 0: the file does not say. */
uint16_t join_source_height(const struct join_source *s, uint8_t layer);

/* A key frame, as soon as can be: a file has them where it has them. */
void join_source_want_key(struct join_source *s, uint8_t layer);
/* Which layers anybody wants, a bit for each: what a file has is sent all the same. */
void join_source_demand(struct join_source *s, uint8_t layers);

#endif
