/* Every limit of src/media on what a file or a sender can make large, with its reason. */
#ifndef MEDIA_LIMITS_H
#define MEDIA_LIMITS_H

/* A VP8 frame. What is larger no receiver could put together: ASSEMBLER_BYTES_MAX of rtc/limits.h
 * is 1 MiB, descriptors and seals included. */
#define MEDIA_VIDEO_FRAME_MAX ((size_t)1000 << 10)
/* An Opus packet: three frames of the largest size and their lengths (RFC 6716 3.2.5), 60 ms at
 * 510 kbit/s, which is the most that encoders make. */
#define MEDIA_AUDIO_FRAME_MAX ((size_t)3 * 1275 + 7)

/* The tags of an Ogg Opus file, which are skipped: room for a small picture of a cover. */
#define MEDIA_TAGS_MAX ((size_t)1 << 20)

/* Of a WebM file: its header; what it says of itself; its tracks, with what codecs want to be told
 * (fonts are kept elsewhere). */
#define MEDIA_WEBM_HEADER_MAX ((size_t)4 << 10)
#define MEDIA_WEBM_INFO_MAX ((size_t)64 << 10)
#define MEDIA_WEBM_TRACKS_MAX ((size_t)1 << 20)

/* Bytes that a reader takes at once, and so the most that wait beside an unfinished frame. */
#define MEDIA_PIECE_MAX ((size_t)1 << 20)

/* A time in a file: 99 years of the video clock, and far from any overflow. */
#define MEDIA_PTS_MAX ((uint64_t)1 << 48)

/* Pictures: the code of media/picture.h needs cells of 4 x 4 pixels and 16 of them side by side,
 * and a decoder spends 12 MB and 20 ms on a frame of the largest size. */
#define MEDIA_WIDTH_MIN 64
#define MEDIA_HEIGHT_MIN 32
#define MEDIA_WIDTH_MAX 3840
#define MEDIA_HEIGHT_MAX 2160

#endif
