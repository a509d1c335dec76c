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

/* Transports of one member: browsers have one to send and one to receive, and for a moment two more
 * after a reload. */
#define SFU_LEAF_PEERS 4u

/* Simulcast layers of a track: browsers offer three. */
#define SFU_LAYERS 3u

/* Streams of sound that a receiver gets at a time. More than a few voices at once nobody follows;
 * eight leave room for those who have just spoken. */
#define SFU_AUDIO_SLOTS 16u
#define SFU_AUDIO_SLOTS_DEFAULT 8u

/* Pictures that a receiver gets at a time: the largest gallery is 7 x 7. */
#define SFU_VIDEO_SLOTS 49u
#define SFU_VIDEO_SLOTS_DEFAULT 25u

/* Identifiers of layers and media sections, as rtc/rtp_ext.h reads them. */
#define SFU_RID 16u
#define SFU_MID 16u

/* ---- Packets ---- */

/* Larger ones would be cut by IP on the way out: what a path of 1,500 bytes takes over IPv6 with
 * some tunnel around it, before SRTP adds its tag. */
#define SFU_PACKET 1400u

/* One block of outgoing packets to one receiver: 16 of full size. With UDP segmentation offload a
 * packet of 16 costs a quarter of one alone; 32 hardly save more. */
#define SFU_BLOCK 24576u

/* Blocks of a worker: 24 MB. A burst of four packets to 500 receivers fits, and their answers. */
#define SFU_BLOCKS 1024u

/* Of these the last fraction is kept for what matters more: once a quarter is left video is no
 * longer put in, once a sixteenth is left sound neither, so that control always finds room. */
#define SFU_BLOCKS_VIDEO_LEFT (SFU_BLOCKS / 4)
#define SFU_BLOCKS_AUDIO_LEFT (SFU_BLOCKS / 16)

/* Groups handed to the driver in one go. */
#define SFU_GROUPS 4096u

#endif
