/* Meeting links and what their secret yields (docs/PROTOCOL.md section 2). */
#ifndef MEETING_LINK_H
#define MEETING_LINK_H

#include <conclave/bytes.h>

#include "meeting/card.h"

#define LINK_SECRET 32
#define LINK_NUMBER 10
#define LINK_HOST_MAX 255
#define LINK_TEXT_MAX 512

struct link {
    bool tls;                     /* https; http only for this machine */
    char host[LINK_HOST_MAX + 1]; /* as written, an IPv6 address without its brackets */
    uint16_t port;                /* 443 or 80 if none is written */
    char number[LINK_NUMBER + 1];
    bool has_secret;
    uint8_t secret[LINK_SECRET];
    bool has_hash;
    uint8_t card_hash[CARD_HASH];
};

/* EINVAL if the text is no meeting link (white space around it is fine); *out is then zero. */
int link_parse(const char *text, struct link *out) CONCLAVE_CHECKED;

/* Appends the text with a terminator not counted in n. EINVAL, ENOMEM. */
int link_print(const struct link *link, struct buf *out) CONCLAVE_CHECKED;

void link_wipe(struct link *link);

/* The three values of section 2. secret: LINK_SECRET bytes, or none for an open meeting. EINVAL for
 * other sizes, ECRYPTO. */
#define LINK_DERIVED 32
enum link_use { LINK_ACCESS, LINK_PSK, LINK_NAMES };
int link_derive(struct bytes secret, struct bytes card_hash, enum link_use use,
                uint8_t out[static LINK_DERIVED]) CONCLAVE_CHECKED;

#endif
