/* What a server, or a member, could make a participant keep or do, and where it stops. */
#ifndef PARTICIPANT_LIMITS_H
#define PARTICIPANT_LIMITS_H

/* Entries of the lobby a host is shown; the server's own limit is 2,000. */
#define PARTICIPANT_LOBBY_LIMIT 4096u
/* Newcomers handed to us as the leader and not yet committed. */
#define PARTICIPANT_JOINERS_LIMIT 4096u
/* Key packages of all of them: as much as the server keeps of those who wait. */
#define PARTICIPANT_CALLERS_BYTES ((size_t)32 << 20)
/* Adds in one commit, and bytes of their key packages: it has to stay far below the 16 MiB it may
 * have, and a path through it below a second. */
#define PARTICIPANT_ADDS_LIMIT 1024u
#define PARTICIPANT_ADDS_BYTES ((size_t)4 << 20)
/* A person's wishes that have not come about; admit-all of a full lobby is one each. */
#define PARTICIPANT_WISHES_LIMIT 8192u
/* Wishes that are proposed for the leader to commit; with more it is better to commit them at once
 * ourselves: "admit all" is one message then, and not a thousand. */
#define PARTICIPANT_PROPOSE_LIMIT 16u
/* Names that are compared with each other, to say that two look alike. */
#define PARTICIPANT_LIKE_LIMIT 100u
/* Chats that have not come back. */
#define PARTICIPANT_UNSENT_LIMIT 256u
/* Ids of chats seen, so that a repeated one is shown once. */
#define PARTICIPANT_CHAT_IDS 512u
/* Verdicts remembered by a trust: one meeting of the largest usual kind, several times. */
#define PARTICIPANT_VERDICTS_LIMIT 16384u
/* Provider roots and organisations a trust has anchors for. */
#define PARTICIPANT_REALMS_LIMIT 64u
/* A delta log is replaced by a snapshot once it is larger than this and twice the snapshot. */
#define PARTICIPANT_DELTAS_BYTES ((size_t)256 << 10)
/* External commits to resume a leaf, in a row, before a person is asked. */
#define PARTICIPANT_REJOINS_LIMIT 3u

#endif
