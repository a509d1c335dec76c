/* What a member and the media switch agree on (docs/PROTOCOL.md section 9): the body of the
 * messages MEDIA and MEDIA_OF. Views into what was read; every list has a small limit.
 */
#ifndef SIGNAL_MEDIA_H
#define SIGNAL_MEDIA_H

#include <conclave/bytes.h>

#define SIGNAL_MEDIA_MAX 4000 /* a member's message */
#define SIGNAL_EPOCH_BITS 8   /* RFC 9605 5.2: the E of every group's key ids */
#define SIGNAL_FINGERPRINT 32 /* SHA-256 of a DTLS certificate */
#define SIGNAL_UFRAG_MAX 32
#define SIGNAL_PWD_MAX 256 /* RFC 8839 5.4 */
#define SIGNAL_RID_MAX 16
#define SIGNAL_MID_MAX 16
#define SIGNAL_LAYERS_MAX 3
#define SIGNAL_TRACKS_MAX 8      /* of one member: ids are 0 to 7 */
#define SIGNAL_TRANSPORTS_MAX 2  /* of one member: ids are 0 and 1 */
#define SIGNAL_EXTENSIONS_MAX 14 /* RFC 8285 4.2: ids of the one-byte form */
#define SIGNAL_SLOTS_MAX 64      /* for sound, and for pictures */
#define SIGNAL_WANTS_MAX 64
#define SIGNAL_CANDIDATES_MAX 8
#define SIGNAL_FLOWS_MAX 256 /* in one message */
#define SIGNAL_SPEAKERS_MAX 16

enum signal_media_kind {
    /* from the member */
    SIGNAL_MEDIA_OPEN = 1,
    SIGNAL_MEDIA_PUBLISH = 2,
    SIGNAL_MEDIA_UNPUBLISH = 3,
    SIGNAL_MEDIA_SUBSCRIBE = 4,
    SIGNAL_MEDIA_CLOSE = 5,
    SIGNAL_MEDIA_LOGIN = 6,
    /* from the switch */
    SIGNAL_MEDIA_ANSWER = 64,
    SIGNAL_MEDIA_FLOWS = 65,
    SIGNAL_MEDIA_SPEAKERS = 66,
    SIGNAL_MEDIA_DEMAND = 67,
    SIGNAL_MEDIA_STATE = 68,
};

enum signal_source { SIGNAL_AUDIO = 1, SIGNAL_CAMERA = 2, SIGNAL_SCREEN = 3 };

/* What the switch can see of a track's packets. */
enum signal_format { SIGNAL_OPUS = 1, SIGNAL_VP8 = 2, SIGNAL_SFRAME = 3 };

/* What a member does on a transport: bits. */
enum signal_role { SIGNAL_SENDS = 1, SIGNAL_RECEIVES = 2 };

/* Of a transport, as the switch sees it. */
enum signal_state { SIGNAL_CONNECTED = 1, SIGNAL_LOST = 2, SIGNAL_REFUSED = 3 };

/* Why nothing may come under an SSRC for now. */
enum signal_flow_state {
    SIGNAL_FLOW_WAITING = 1, /* for a key frame, or for the sender */
    SIGNAL_FLOW_RUNNING = 2,
    SIGNAL_FLOW_NARROW = 3, /* bandwidth is short; it comes back by itself */
};

/* By which id a transport's packets have a header extension; which: its id in docs/RTC.md. */
struct signal_extension {
    uint8_t id, which;
};

/* A stream to a member, in which it sees or hears one after another. rtx: of retransmissions, or 0.
 */
struct signal_slot {
    uint32_t ssrc, rtx;
};

/* One encoding of a track. ssrc 0: found by mid and rid. rtx: the SSRC of retransmissions, or 0:
 * none, or found by repaired-rid. height: 0 for audio. */
struct signal_layer {
    uint32_t ssrc, rtx;
    uint16_t height;
    struct bytes rid; /* empty, if told apart by SSRC alone */
};

/* The pictures a member wants to see, and how large; 0: not now. */
struct signal_want {
    uint32_t leaf;
    uint8_t source;
    uint16_t height;
};

struct signal_candidate {
    struct bytes address; /* 4 or 16 bytes */
    uint16_t port;
};

/* Under which SSRC, one of the slots, a member gets somebody's track; gone: nothing any more, and
 * the leaf may be SIGNAL_NOBODY. */
#define SIGNAL_NOBODY UINT32_MAX
struct signal_flow {
    uint32_t leaf;
    uint8_t source;
    bool gone;
    uint8_t state; /* enum signal_flow_state */
    uint32_t ssrc, rtx;
};

struct signal_media {
    enum signal_media_kind kind;
    uint8_t transport;        /* OPEN, CLOSE, LOGIN, PUBLISH, SUBSCRIBE, ANSWER, STATE */
    struct bytes ufrag, pwd;  /* OPEN, where both empty: not known; LOGIN, ANSWER */
    struct bytes fingerprint; /* OPEN, ANSWER */
    uint8_t roles;            /* OPEN: enum signal_role */
    uint8_t audio, video;     /* OPEN: payload types to receive with */
    uint8_t track;            /* PUBLISH, UNPUBLISH, DEMAND */
    uint8_t source;           /* PUBLISH */
    uint8_t format;           /* PUBLISH: enum signal_format */
    uint8_t payload_type;     /* PUBLISH */
    uint8_t rtx;              /* OPEN, PUBLISH: payload type of retransmissions; 0: none */
    struct bytes mid;         /* PUBLISH: empty, if told apart by SSRC alone */
    uint8_t layers;           /* DEMAND: a bit for each that anybody wants */
    uint8_t state;            /* STATE: enum signal_state */
    /* Encoded lists, to be walked with signal_next_...(): */
    struct bytes list;                     /* OPEN: extensions, none: the ids of docs/RTC.md;
                                            * PUBLISH: layers; SUBSCRIBE: wants; ANSWER: candidates;
                                            * FLOWS; SPEAKERS: leaves, the loudest first */
    struct bytes audio_slots, video_slots; /* ANSWER */
};

/* ESYNTAX, ELIMIT. */
int signal_media_read(struct bytes body, struct signal_media *out) CONCLAVE_CHECKED;
/* Appends. EINVAL for what breaks a rule of the format, ENOMEM; then out is as it was. */
int signal_media_write(const struct signal_media *m, struct buf *out) CONCLAVE_CHECKED;
bool signal_media_from_member(enum signal_media_kind kind);

/* Lists are written into a buf of their own, which then is the message's list. */
void signal_put_layer(struct buf *b, const struct signal_layer *layer);
void signal_put_want(struct buf *b, const struct signal_want *want);
void signal_put_candidate(struct buf *b, const struct signal_candidate *candidate);
void signal_put_flow(struct buf *b, const struct signal_flow *flow);
void signal_put_leaf(struct buf *b, uint32_t leaf);
void signal_put_extension(struct buf *b, const struct signal_extension *extension);
void signal_put_slot(struct buf *b, const struct signal_slot *slot);

/* The next of *rest, which is shortened; false at the end. For lists of signal_media_read(). */
bool signal_next_layer(struct bytes *rest, struct signal_layer *out);
bool signal_next_want(struct bytes *rest, struct signal_want *out);
bool signal_next_candidate(struct bytes *rest, struct signal_candidate *out);
bool signal_next_flow(struct bytes *rest, struct signal_flow *out);
bool signal_next_leaf(struct bytes *rest, uint32_t *out);
bool signal_next_extension(struct bytes *rest, struct signal_extension *out);
bool signal_next_slot(struct bytes *rest, struct signal_slot *out);

#endif
