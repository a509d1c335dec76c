/* RTP header extensions (RFC 8285): the elements, their two encodings, and those Conclave uses.
 *
 * An extension block is what rtp_header.extension holds; its profile says which form it has: one
 * byte of id and length (ids 1..14, 1..16 bytes) or two (ids 1..255, 0..255 bytes). A block of
 * another profile has no elements. rtp_ext_next() walks any block; rtp_exts_read() picks what
 * Conclave knows by its ids on this transport, checks each, and leaves the rest alone. The ids are
 * Conclave's own (docs/RTC.md) where it offers; who answers a browser's offer keeps the browser's
 * (RFC 8285 5) and says so in a struct rtp_ext_map.
 */
#ifndef RTC_RTP_EXT_H
#define RTC_RTP_EXT_H

#include "rtc/rtp.h"

#define RTP_EXT_ONE_BYTE 0xbede
#define RTP_EXT_TWO_BYTE 0x1000 /* the low four bits are the application's: written as 0 */

/* The extensions, by the ids they have where Conclave offers; all fit the one-byte form. */
enum rtp_ext_id {
    RTP_EXT_MID = 1,
    RTP_EXT_RID = 2,
    RTP_EXT_REPAIRED_RID = 3,
    RTP_EXT_ABS_SEND_TIME = 4,
    RTP_EXT_TRANSPORT_CC = 5,
    RTP_EXT_DEPENDENCY_DESCRIPTOR = 8,
    RTP_EXT_AUDIO_LEVEL = 10,
};

/* The URI an extension is negotiated by; NULL for an id that is not of the enum. */
const char *rtp_ext_uri(enum rtp_ext_id id);

/* Which id of a transport stands for which extension; begin with {0}: none is known. */
#define RTP_EXT_MAPPED_MAX 14 /* RFC 8285 4.2: ids of the one-byte form */
struct rtp_ext_map {
    uint8_t meaning[RTP_EXT_MAPPED_MAX + 1]; /* by id: an enum rtp_ext_id, or 0 */
};

/* One a=extmap of an offer. An unknown URI has no meaning: 0, and the id stays free. EINVAL: an id
 * not of 1 to RTP_EXT_MAPPED_MAX; EDUPLICATE: an id or a URI that is mapped already. */
int rtp_ext_map_add(struct rtp_ext_map *map, unsigned id, struct bytes uri) CONCLAVE_CHECKED;

struct rtp_ext_element {
    uint8_t id;
    struct bytes data;
};

struct rtp_ext_walk {
    struct bytes left;
    bool two_byte;
    bool failed;
};

/* Good as long as the packet is. */
struct rtp_ext_walk rtp_ext_walk_of(const struct rtp_header *h);

/* false at the end, at an element that ends the block by RFC 8285 4.2 (ids 0 and 15 of the one-byte
 * form), and at one that is cut off; rtp_ext_walk_end() tells: 0, or ESYNTAX for cut off. */
bool rtp_ext_next(struct rtp_ext_walk *w, struct rtp_ext_element *out);
int rtp_ext_walk_end(const struct rtp_ext_walk *w) CONCLAVE_CHECKED;

/* Empty views: not there. */
struct rtp_exts {
    struct bytes mid;          /* RFC 8843 15: a token */
    struct bytes rid;          /* RFC 8852: letters and digits */
    struct bytes repaired_rid; /* RFC 8852 */
    struct bytes dependency_descriptor;
    bool has_abs_send_time;
    bool has_transport_cc;
    bool has_audio_level;
    bool voice;             /* RFC 6464: the V bit */
    uint8_t audio_level;    /* RFC 6464: -dBov, 0 the loudest, 127 silence */
    uint16_t transport_cc;  /* transport-wide sequence number */
    uint32_t abs_send_time; /* seconds in 6.18 fixed point, wraps every 64 s */
};

/* map: NULL for Conclave's own ids. ESYNTAX: a block cut off, or an element of the wrong size or
 * alphabet for what its id stands for; other ids may hold anything. EDUPLICATE: one that the map
 * has occurs twice. */
int rtp_exts_read(const struct rtp_header *h, const struct rtp_ext_map *map,
                  struct rtp_exts *out) CONCLAVE_CHECKED;

/* Appends a block (a multiple of 4 bytes; none at all if there is nothing to say) and tells its
 * profile. What the map has no id for is left out: the peer did not ask for it. EINVAL: a value
 * that could not be read back. ENOMEM. After a failure out is what it was. */
int rtp_exts_write(const struct rtp_exts *e, const struct rtp_ext_map *map, struct buf *out,
                   uint16_t *out_profile) CONCLAVE_CHECKED;

/* abs-send-time of a clock in microseconds. */
uint32_t rtp_abs_send_time(uint64_t now_us);

#endif
