/* Everything an outsider could make large, and why it stops where it stops. */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

/* A ratchet tree of a meeting: 65,536 members are 16 levels, a tree of about 30 MB. */
#define LIMIT_MLS_LEAVES (1u << 16)
#define LIMIT_MLS_LEVELS 17 /* levels of such a tree, the leaf's included */

/* One MLSMessage: the largest honest one is a Welcome with tree, or a path to a bare tree, of
 * LIMIT_MLS_LEAVES members with certificate chains. */
#define LIMIT_MLS_MESSAGE (256u << 20)

/* RFC 9420 suggests nh bytes; applications use names. */
#define LIMIT_MLS_GROUP_ID 1024u

/* Entries of one capability list; the registries hold fewer than 50 values, GREASE included. */
#define LIMIT_MLS_CAPABILITIES 512u

/* Extensions in one list: checked for doubles pair by pair. */
#define LIMIT_MLS_EXTENSIONS 128u

/* Certificates in one chain; public CAs use 2 to 4. */
#define LIMIT_MLS_CHAIN 10u

/* Entries of external_senders. */
#define LIMIT_MLS_EXTERNAL_SENDERS 64u

/* Proposals in one commit: enough to fill a whole tree at once. */
#define LIMIT_MLS_PROPOSALS LIMIT_MLS_LEAVES

/* Proposals kept for a commit to refer to: an epoch's worth; the oldest is not dropped, the next
 * is refused, so that a flood cannot push out what honest members proposed. */
#define LIMIT_MLS_CACHED_PROPOSALS 4096u
#define LIMIT_MLS_CACHED_BYTES ((size_t)32 << 20)
/* Of them from outside the group, so that outsiders cannot crowd out members. */
#define LIMIT_MLS_CACHED_OUTSIDE 1024u

/* PSKs in one commit, each a lookup in the application. */
#define LIMIT_MLS_PSKS 64u

/* Ratchet steps at once and keys kept, whatever the policy asks for: each step is three HMACs. */
#define LIMIT_MLS_GENERATIONS (1u << 16)

/* RFC 9420 15.2-1: messages under one epoch's keys. Each generation has a key of its own, so the
 * AEAD's bound is per message; this bounds the 32-bit generation counter. */
#define LIMIT_MLS_GENERATION_MAX 0xfffffff0u

/* Past epochs, whatever the policy asks for: each holds a secret tree. */
#define LIMIT_MLS_PAST_EPOCHS 64u

#endif
