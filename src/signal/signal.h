/* Messages between client and server (docs/PROTOCOL.md section 5): one codec for both sides.
 *
 * A message is one WebSocket frame. Reading borrows from the frame; lists are checked whole when
 * read and then walked with signal_next_...(). Nothing here judges what is inside.
 */
#ifndef SIGNAL_SIGNAL_H
#define SIGNAL_SIGNAL_H

#include <conclave/bytes.h>

#define SIGNAL_VERSION 1
#define SIGNAL_NONCE 32
#define SIGNAL_HASH 32
#define SIGNAL_SUBPROTOCOL "conclave.1"

/* The largest frame of all, a Welcome with the tree of a full meeting; signal_limit() has each
 * type's. */
#define SIGNAL_FRAME_MAX ((size_t)64 << 20)

enum signal_type {
    /* from the client */
    SIGNAL_HELLO = 1,
    SIGNAL_FOUND = 2,
    SIGNAL_KNOCK = 3,
    SIGNAL_RESUME = 4,
    SIGNAL_REJOIN = 5,
    SIGNAL_PROPOSE = 6,
    SIGNAL_COMMIT = 7,
    SIGNAL_WELCOME = 8,
    SIGNAL_APP = 9,
    SIGNAL_INFO = 10,
    SIGNAL_REFUSE = 11,
    SIGNAL_COMPLAINT = 12,
    SIGNAL_LEAVE = 13,
    SIGNAL_MEDIA = 14,
    /* from the server */
    SIGNAL_CHALLENGE = 64,
    SIGNAL_WAITING = 65,
    SIGNAL_LOBBY = 66,
    SIGNAL_JOINERS = 67,
    SIGNAL_PROPOSED = 68,
    SIGNAL_COMMITTED = 69,
    SIGNAL_REJECTED = 70,
    SIGNAL_WELCOMED = 71,
    SIGNAL_APP_FROM = 72,
    SIGNAL_PRESENCE = 73,
    SIGNAL_INFO_REQUEST = 74,
    SIGNAL_INFO_OF = 75,
    SIGNAL_TAKEN = 76,
    SIGNAL_LIVE = 77,
    SIGNAL_UNDONE = 78,
    SIGNAL_FAULT = 79,
    SIGNAL_MEDIA_OF = 80,
};

enum signal_waiting { SIGNAL_WAIT_NOT_STARTED = 1, SIGNAL_WAIT_LOBBY = 2, SIGNAL_WAIT_ADDING = 3 };

/* Somebody who waits. */
struct signal_entry {
    struct bytes ref; /* KeyPackageRef */
    struct bytes key_package;
    uint64_t since; /* Unix seconds */
};

struct signal_presence {
    uint32_t leaf;
    bool connected;
};

/* One message; which fields count is said beside them. Views. */
struct signal_message {
    enum signal_type type;
    uint16_t version;     /* HELLO, CHALLENGE */
    struct bytes number;  /* HELLO */
    struct bytes access;  /* HELLO: SIGNAL_HASH bytes or none */
    struct bytes nonce;   /* CHALLENGE: SIGNAL_NONCE bytes */
    uint64_t server_time; /* CHALLENGE: Unix seconds */
    bool running;         /* CHALLENGE */
    struct bytes card;    /* CHALLENGE */
    /* the MLS message: FOUND (group_info), KNOCK (key package), PROPOSE, COMMIT, WELCOME, APP,
     * INFO, PROPOSED, COMMITTED, WELCOMED, APP_FROM, INFO_OF */
    struct bytes body;
    struct bytes tree;      /* FOUND, WELCOMED, INFO_OF */
    struct bytes signature; /* FOUND, KNOCK, RESUME, REJOIN */
    struct bytes group_id;  /* RESUME, REJOIN */
    uint32_t leaf;          /* RESUME, REJOIN, LIVE; UNDONE: the offender */
    uint64_t epoch;         /* RESUME, WELCOME, COMPLAINT, REJECTED, LIVE, UNDONE */
    struct bytes ref;       /* REFUSE */
    struct bytes hash;      /* COMPLAINT: SIGNAL_HASH bytes */
    uint16_t reason;        /* COMPLAINT, REJECTED, FAULT: enum reason */
    uint8_t waiting;        /* WAITING: enum signal_waiting */
    struct bytes entries;   /* LOBBY (added), JOINERS: encoded, see signal_next_entry() */
    struct bytes refs;      /* LOBBY (removed): encoded, see signal_next_ref() */
    struct bytes presence;  /* PRESENCE: encoded, see signal_next_presence() */
};

/* The most bytes a frame of this type may have; 0 if there is no such type. */
size_t signal_limit(enum signal_type type);
bool signal_from_client(enum signal_type type);
/* "HELLO"; "?" if there is no such type. */
const char *signal_name(enum signal_type type);

/* Views into frame. ELIMIT if it is larger than its type may be, ESYNTAX. */
int signal_read(struct bytes frame, struct signal_message *out) CONCLAVE_CHECKED;

/* Appends the frame. EINVAL for an unknown type or a field of the wrong size, ELIMIT if it would be
 * too large, ENOMEM. On failure out is as it was. */
int signal_write(const struct signal_message *m, struct buf *out) CONCLAVE_CHECKED;

/* The same but for the bytes of the last field, which has no fixed size: for a frame whose end is
 * kept elsewhere, once for many. EINVAL also for a message that does not end so. */
int signal_write_head(const struct signal_message *m, struct buf *out) CONCLAVE_CHECKED;

/* Lists are written into a buf of their own, which then is the message's entries, refs or
 * presence. */
void signal_put_entry(struct buf *b, const struct signal_entry *entry);
void signal_put_ref(struct buf *b, struct bytes ref);
void signal_put_presence(struct buf *b, struct signal_presence change);

/* The next of *rest, which is shortened; false at the end. For lists that signal_read() gave. */
bool signal_next_entry(struct bytes *rest, struct signal_entry *out);
bool signal_next_ref(struct bytes *rest, struct bytes *out);
bool signal_next_presence(struct bytes *rest, struct signal_presence *out);

/* What a client signs to show that it holds the key (label SIGNAL_CONNECT_LABEL): appends it.
 * EINVAL for a nonce of another size, ENOMEM. */
#define SIGNAL_CONNECT_LABEL "Conclave Connect"
int signal_connect_tbs(struct bytes nonce, enum signal_type type, struct bytes subject,
                       struct buf *out) CONCLAVE_CHECKED;

/* ---- Content of private messages (section 6) ---- */

enum signal_content_kind {
    SIGNAL_CHAT = 1,
    SIGNAL_REACTION = 2,
    SIGNAL_HAND = 3,
    SIGNAL_HEARTBEAT = 4,
    SIGNAL_ASK_MUTE = 5,
};

#define SIGNAL_CHAT_ID 16
#define SIGNAL_CHAT_MAX 4000
#define SIGNAL_EMOJI_MAX 32

struct signal_content {
    uint8_t kind;
    struct bytes id;     /* CHAT */
    struct bytes text;   /* CHAT; REACTION: the emoji */
    bool raised;         /* HAND */
    uint64_t epoch;      /* HEARTBEAT */
    struct bytes digest; /* HEARTBEAT: SIGNAL_HASH bytes */
    uint8_t sends;       /* HEARTBEAT: a bit for each source, SIGNAL_AUDIO's the lowest */
    uint32_t leaf;       /* ASK_MUTE */
};

/* Views into data. Texts are not looked into: they may be no UTF-8, and what may be shown is for
 * who shows it to know. ESYNTAX, ELIMIT; EUNSUPPORTED for a kind that is not known: ignore it. */
int signal_content_read(struct bytes data, struct signal_content *out) CONCLAVE_CHECKED;
/* Appends. EINVAL, ENOMEM. */
int signal_content_write(const struct signal_content *c, struct buf *out) CONCLAVE_CHECKED;

#endif
