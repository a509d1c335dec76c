/* Media of a native participant: what its files, its encoders and its reports are about.
 *
 * A frame is what one call of an encoder makes: a VP8 picture or an Opus packet, in clear. Its time
 * is in units of its codec's RTP clock, counted from the start of a file or a stream, and never
 * wraps; who sends it adds a random start and keeps the low 32 bits (RFC 3550 5.1).
 *
 * All of src/media is sans-IO: bytes and numbers come in, bytes and numbers go out. It is a library
 * of its own, for programs, since libconclave needs no codec. docs/MEDIA.md tells how the parts go
 * together.
 */
#ifndef MEDIA_MEDIA_H
#define MEDIA_MEDIA_H

#include <conclave/bytes.h>

enum media_codec { MEDIA_VP8, MEDIA_OPUS };

#define MEDIA_VIDEO_CLOCK 90000u /* VP8, RFC 7741 4.1 */
#define MEDIA_AUDIO_CLOCK 48000u /* Opus, RFC 7587 4.1 */

struct media_frame {
    enum media_codec codec;
    uint64_t pts;      /* when it is shown or heard */
    uint32_t duration; /* in the same units; 0: not known, as is usual for VP8 */
    bool key;          /* a decoder may begin here: a VP8 key frame, any Opus packet */
    struct bytes data;
};

/* What is wrong with a file: where, in bytes from its start, and what to do about it. The strings
 * are constants, two clauses without a full stop. */
struct media_fault {
    uint64_t offset;
    const char *what;
    const char *cure;
};

#endif
