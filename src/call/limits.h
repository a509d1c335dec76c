/* Every limit of src/call on what others can make large or often, with its reason. */
#ifndef CALL_LIMITS_H
#define CALL_LIMITS_H

#define CALL_MILLISECOND UINT64_C(1000) /* in microseconds, as all times here */
#define CALL_SECOND UINT64_C(1000000)

/* ---- Sending ---- */

/* Bytes of a payload without its descriptor. With 6 of that, 12 of RTP, 12 of extensions, 2 of RTX,
 * 16 of SRTP and 48 of UDP and IPv6 it is below the 1,280 bytes every path takes (RFC 8200 5). */
#define CALL_PAYLOAD 1150
/* Control packets of one datagram, for the same reason. */
#define CALL_CONTROL 1150
/* A frame, sealed: what rtc/assembler.h puts together at the other end. */
#define CALL_FRAME_MAX ((size_t)1 << 20)
/* A capture time further from now is a mistake. */
#define CALL_CAPTURE_US (60 * CALL_SECOND)
/* Packets of a layer that wait or may be asked for again: a second of video at 10 Mbit/s with room
 * for a key frame of CALL_FRAME_MAX; a second of sound. Powers of two. */
#define CALL_HISTORY_VIDEO 1024u
#define CALL_HISTORY_AUDIO 64u
/* Packets of video go out a millisecond apart, about 9 Mbit/s; when more wait, so close that all of
 * them would be gone in CALL_PACE_US. That keeps a key frame from filling a router's queue. */
#define CALL_PACE_GAP_US (1 * CALL_MILLISECOND)
#define CALL_PACE_US (20 * CALL_MILLISECOND)
/* A packet is sent again at most so often, and not within this of the last time: two NACKs that
 * crossed on the way ask for it once. */
#define CALL_RESENDS 8
#define CALL_RESEND_US (30 * CALL_MILLISECOND)
/* Packets asked for that wait to be sent again; those asked for beyond are asked for again. */
#define CALL_RESEND_QUEUE 256u
/* Key frames are large: however many ask, one in this time is enough. */
#define CALL_KEY_FRAME_US (300 * CALL_MILLISECOND)

/* ---- Receiving ---- */

/* Streams at a time: all pictures and voices a switch sends one receiver (sfu/limits.h: 49 and 16),
 * and as many again while it changes them. One that is silent makes room. */
#define CALL_STREAMS 128u
#define CALL_STREAM_SILENT_US (5 * CALL_SECOND)
/* Sound needs no long memory: 64 packets are more than a second. */
#define CALL_ASSEMBLER_PACKETS_AUDIO 64
#define CALL_ASSEMBLER_BYTES_AUDIO (1u << 16)
/* What follows a lost packet of sound waits so long for it: time to be asked for and sent again, if
 * the path is not long. Later it is of no use to a listener, who would hear all that follows late,
 * too. */
#define CALL_WAIT_SOUND_US (60 * CALL_MILLISECOND)
/* Frames that wait for their epoch (SFRAME_HOLD_US): of one stream, 120 a second; of all, as many
 * bytes as sixteen pictures of 5 Mbit/s bring in that time, and a few key frames. */
#define CALL_HELD 64u
#define CALL_HELD_BYTES ((size_t)8 << 20)
/* A gap that closes by itself within this was packets out of order; then it is asked for, and again
 * when an answer could have come. Numbers in one request. */
#define CALL_REORDER_US (10 * CALL_MILLISECOND)
#define CALL_NACK_US (40 * CALL_MILLISECOND)
#define CALL_NACKS 64u
/* A key frame that did not come is asked for again, as long as the stream is not silent. */
#define CALL_PLI_US (500 * CALL_MILLISECOND)
#define CALL_PLI_FOR_US (2 * CALL_SECOND)
/* Reports (RFC 3550 6.2 allows less than its 5 s on fast links), feedback on arrivals. */
#define CALL_REPORT_US (1 * CALL_SECOND)
#define CALL_FEEDBACK_US (50 * CALL_MILLISECOND)

#endif
