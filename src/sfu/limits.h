/* Everything about the media switch that an outsider could make large, and why it stops where it
 * stops. What a packet may look like is limited in rtc/limits.h. */
#ifndef SFU_LIMITS_H
#define SFU_LIMITS_H

#include <stdint.h>

#define SFU_SECOND ((uint64_t)1000000) /* microseconds */
#define SFU_MILLISECOND ((uint64_t)1000)

/* ---- Who and what there is ---- */

/* Of one worker, that is of one core: at 1,000 packets a second each that is what one core can
 * open at most. */
#define SFU_PEERS 4096u
#define SFU_MEETINGS 4096u

/* Leaves of a group, as in docs/PROTOCOL.md section 8. */
#define SFU_LEAVES ((uint32_t)1 << 16)

/* Transports of one member: browsers have one to send and one to receive, and for a moment two more
 * after a reload. */
#define SFU_LEAF_PEERS 4u

/* Addresses from which a peer may send, and the table of all of them: twice as many places as one
 * each, a power of two. */
#define SFU_WAYS 8u
#define SFU_WAY_BUCKETS 8192u

/* Simulcast layers of a track: browsers offer three. */
#define SFU_LAYERS 3u

/* Streams of sound that a receiver gets at a time. More than a few voices at once nobody follows;
 * eight leave room for those who have just spoken. */
#define SFU_AUDIO_SLOTS 16u
#define SFU_AUDIO_SLOTS_DEFAULT 8u

/* Pictures that a receiver gets at a time: the largest gallery is 7 x 7, less one's own. With the
 * voices they fill the bits of a word. */
#define SFU_VIDEO_SLOTS 48u
#define SFU_VIDEO_SLOTS_DEFAULT 25u

/* Wishes in one list: they are compared with each other. */
#define SFU_WANTS 256u

/* Identifiers of layers and media sections, as rtc/rtp_ext.h reads them. */
#define SFU_RID 16u
#define SFU_MID 16u

/* ---- Packets ---- */

/* Larger ones would be cut by IP on the way out: what a path of 1,500 bytes takes over IPv6 with
 * some tunnel around it, before SRTP adds its tag. */
#define SFU_PACKET 1400u

/* What goes around a payload on its way to a receiver: RTP with extensions, and SRTP. */
#define SFU_OVERHEAD 36u

/* One block of outgoing packets to one receiver: eight of full size. With UDP segmentation offload
 * a packet of eight costs a third of one alone; sixteen save little more. */
#define SFU_BLOCK 12288u
/* Packets of one group: the kernel takes so many at a time. */
#define SFU_SEGMENTS 64u

/* Blocks of a worker, 48 MB of which only what is used is ever touched: one for each peer that can
 * be there. */
#define SFU_BLOCKS 4096u

/* Of these the last fraction is kept for what matters more: once a quarter is left video is no
 * longer put in, once a sixteenth is left sound neither, so that control always finds room. */
#define SFU_BLOCKS_VIDEO_LEFT (SFU_BLOCKS / 4)
#define SFU_BLOCKS_AUDIO_LEFT (SFU_BLOCKS / 16)

/* Groups that wait to be sent: two a block. A power of two. */
#define SFU_GROUPS 8192u

/* ---- Loss ---- */

/* Missing packets of a stream that are followed: a second of 2 Mbit/s at 20 % loss has 40. */
#define SFU_MISSING 128u
/* A leap over more numbers than that is a sender that began anew, not loss. */
#define SFU_GAP 512

/* A packet may be late by so much before it is asked for; asked for again after 1.5 round trips but
 * not sooner than SFU_NACK_AGAIN; until a round trip is known SFU_NACK_RTT counts. */
#define SFU_NACK_WAIT (10 * SFU_MILLISECOND)
#define SFU_NACK_RTT (100 * SFU_MILLISECOND)
#define SFU_NACK_AGAIN (30 * SFU_MILLISECOND)
/* Receivers wait half a second for a frame (ASSEMBLER_WAIT_US): later it is of no use. */
#define SFU_NACK_TIMES 10u
#define SFU_NACK_GIVE_UP (600 * SFU_MILLISECOND)

/* Key frames asked of a sender: each costs it and all its receivers as much as a second of
 * pictures. Unanswered questions become rarer, up to eight times. A receiver may ask for one every
 * SFU_KEY_SLOT_INTERVAL on each of its streams. */
#define SFU_KEY_INTERVAL (500 * SFU_MILLISECOND)
#define SFU_KEY_DOUBLINGS 4u
#define SFU_KEY_SLOT_INTERVAL SFU_SECOND

/* Retransmissions to a receiver: so much of its bandwidth (a fraction), at least so many bytes a
 * second, with so many at once; and a packet not twice within three quarters of a round trip, but
 * for jitter the time in which the first could arrive. Numbers resent of a stream are remembered in
 * a table of this size, a power of two. */
#define SFU_RESEND_SHARE 4u
#define SFU_RESEND_LEAST 16000u
#define SFU_RESEND_BURST 60000u
#define SFU_RESEND_AGAIN (20 * SFU_MILLISECOND)
#define SFU_RESENT 64u

/* What is kept to be sent again, for each stream of video: a second. Packets: 5 Mbit/s of 1,200 B;
 * a power of two. Bytes begin small, since most layers are; a power of two. */
#define SFU_HISTORY_US SFU_SECOND
#define SFU_HISTORY_PACKETS 512u
#define SFU_HISTORY_BYTES ((size_t)32 << 10)
#define SFU_HISTORY_BYTES_MAX ((size_t)1 << 20)

/* ---- Time ---- */

/* How often there is something to do by the clock: as long as a packet may be late. */
#define SFU_TICK_US (10 * SFU_MILLISECOND)

/* Feedback on transport-wide numbers; reports (RFC 3550 6.2 allows less than its 5 s where sessions
 * are small); the choice of layers; and how long a layer that nobody wants any more is still asked
 * for, since people change their minds. */
#define SFU_FEEDBACK_US (50 * SFU_MILLISECOND)
#define SFU_REPORT_US SFU_SECOND
#define SFU_CHOOSE_US (100 * SFU_MILLISECOND)
#define SFU_DEMAND_US (2 * SFU_SECOND)

/* One RTCP datagram. */
#define SFU_RTCP_BYTES 1200u
/* Numbers of one NACK of ours, and of one that is listened to: no more than is remembered. */
#define SFU_NACK_MAX 64u
#define SFU_NACK_HEARD 512u

/* A round trip beyond that is no round trip. */
#define SFU_RTT_MAX (10 * SFU_SECOND)
/* Clocks drift apart by no more than one part in so many. */
#define SFU_DRIFT 4096u

/* The least step between timestamps of two sources on one stream: a frame at 30 a second. */
#define SFU_FRAME_US 33333u

/* ---- Bandwidth: see sfu/bandwidth.h ---- */

/* bit/s. A few small pictures and voices, to begin with; a voice; and what one core could send to
 * one receiver. */
#define SFU_BANDWIDTH_START 1000000u
#define SFU_BANDWIDTH_MIN 50000u
#define SFU_BANDWIDTH_MAX 50000000u

/* A fraction of a layer's rate that has to be free above it before the layer begins: 1/5. */
#define SFU_CHOOSE_SPARE 5u

/* Packets sent whose fate is not known: three seconds at 600 a second. A power of two. */
#define SFU_SENT 2048u

/* Signed, as differences of times are. */
#define SFU_QUEUE_HIGH 60000
#define SFU_QUEUE_LOW 25000
/* More than that is no queue but a clock that jumped. */
#define SFU_QUEUE_ODD 10000000
/* The shortest way is that of the last one to two windows: long enough to see an empty queue, short
 * enough that clocks drift by less than a millisecond. */
#define SFU_QUEUE_WINDOW (10 * SFU_SECOND)

/* A step down has to show before the next: a round trip and a message. */
#define SFU_LOWER_INTERVAL (300 * SFU_MILLISECOND)
#define SFU_LOSS_WINDOW SFU_SECOND
#define SFU_LOSS_PACKETS 50u
#define SFU_SILENCE (1500 * SFU_MILLISECOND)

/* Probes: so long, at least so many packets, each with as much padding as RTP knows (RFC 3550 5.1),
 * and so far apart. */
#define SFU_PROBE_US (60 * SFU_MILLISECOND)
#define SFU_PROBE_PACKETS 10u
#define SFU_PADDING 255u
#define SFU_PROBE_INTERVAL SFU_SECOND
#define SFU_PROBE_INTERVAL_MAX (8 * SFU_SECOND)

#endif
