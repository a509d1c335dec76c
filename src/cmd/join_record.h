/* What came of others' media: numbers for each sender and source, and, if there is a folder for
 * them, files that play: IVF with VP8, Ogg with Opus. A sender is known by its leaf, which the key
 * ID of each frame proves (docs/MEDIA.md), and by the name it goes by.
 *
 * A file holds the frames as their sender's encoder made them, from the first key frame on. Frames
 * that no decoder could use are left out and counted: a picture after a loss, up to the next key
 * frame. No file is ever overwritten.
 */
#ifndef CMD_JOIN_RECORD_H
#define CMD_JOIN_RECORD_H

#include "call/call.h"
#include "media/report.h"
#include "signal/media.h"

/* Senders come and go; beyond so many nothing more is noted. */
#define JOIN_RECORD_TRACKS 4096u
/* Streams whose state is kept: as many as call/limits.h has. */
#define JOIN_RECORD_FLOWS CALL_STREAMS
/* Written to disk in pieces of so many bytes, or after so long. */
#define JOIN_RECORD_PIECE ((size_t)64 << 10)
#define JOIN_RECORD_FLUSH_US UINT64_C(1000000)

struct join_record;

/* folder: NULL for numbers alone; made if it is not there. ESTORE: errno says why; ENOMEM. */
int join_record_new(const char *folder, struct join_record **out) CONCLAVE_CHECKED;
/* Files are finished. */
void join_record_free(struct join_record *r);

/* Whether the next frame of this sender and source is to come with a name. */
bool join_record_wants_name(const struct join_record *r, uint32_t leaf, uint8_t source);

/* A frame of call/call.h that opened. name: of its sender, as it calls itself now; NULL if it is
 * not wanted. ESTORE: it could not be written, and nothing more will be; the numbers go on. ELIMIT,
 * ENOMEM. */
int join_record_frame(struct join_record *r, const struct call_event *frame, const char *name,
                      uint64_t now_us) CONCLAVE_CHECKED;

/* Whatever comes stops for a reason: we are cut off. */
void join_record_pause(struct join_record *r);
/* What the switch says of a stream: that nothing more comes by it for a reason, as muted, not
 * wanted, somebody else's turn; or that it runs again. */
void join_record_flow(struct join_record *r, const struct signal_flow *flow);
/* The member is gone: whoever comes on its leaf is somebody else. */
void join_record_gone(struct join_record *r, uint32_t leaf);

/* Puts on disk what is complete. Errors as join_record_frame(). */
int join_record_flush(struct join_record *r, uint64_t now_us) CONCLAVE_CHECKED;
/* The files are complete, and nothing is written any more. */
int join_record_finish(struct join_record *r) CONCLAVE_CHECKED;

struct join_record_entry {
    uint32_t leaf;
    uint8_t source;
    bool gone;
    const char *name;
    const char *file;  /* in the folder; NULL: none was begun */
    uint64_t unusable; /* frames left out of the file */
    struct report_numbers numbers;
};

/* The entry at *at, which becomes the next to ask for; false at the end. */
bool join_record_next(const struct join_record *r, size_t *at, uint64_t now_us,
                      struct join_record_entry *out);

/* "sound", "camera", "screen". */
const char *join_source_name(uint8_t source);
/* Among what a participant says that it sends: of PARTICIPANT_SENDS_... */
uint8_t join_source_bit(uint8_t source);

#endif
