/* Everything about a meeting that an outsider could make large, and why it stops where it stops. */
#ifndef ROOM_LIMITS_H
#define ROOM_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#define ROOM_SECOND ((uint64_t)1000000) /* microseconds */
#define ROOM_MILLISECOND ((uint64_t)1000)

/* ---- People ---- */

/* docs/PROTOCOL.md section 8: connected or about to be added, and at the door, unless the
 * administrator says otherwise. */
#define ROOM_PARTICIPANTS 1000u
#define ROOM_WAITING 2000u

/* Connections beyond those two: whoever has just arrived, or comes back while the server still
 * believes in the old connection. */
#define ROOM_CONNECTIONS_SPARE 1000u

/* Key packages of all who wait: 2,000 of 3 kB are 6 MB, a single one may have 64 KiB. */
#define ROOM_WAITING_BYTES ((size_t)32 << 20)

/* ---- Connections ---- */

/* docs/PROTOCOL.md section 8: 50 messages a second, bursts of 200. A message counts once more for
 * each 64 KiB it has, because it is copied, hashed and verified whole. */
#define ROOM_MESSAGE_INTERVAL (20 * ROOM_MILLISECOND)
#define ROOM_MESSAGE_BURST (200 * ROOM_MESSAGE_INTERVAL)
#define ROOM_MESSAGE_BYTES ((size_t)64 << 10)

/* A commit counts for so many, because everybody has to follow it: 16 a second, where an honest
 * leader makes ten at most, and bursts of 66. */
#define ROOM_COMMIT_WEIGHT 3u

/* Frames that wait until their connection may speak again. The largest frame of a client has 16
 * MiB: one always fits, and all connections together have a few dozen of them. */
#define ROOM_SLOWED_FRAMES 512u
#define ROOM_SLOWED_BYTES ((size_t)17 << 20)
#define ROOM_SLOWED_TOTAL ((size_t)256 << 20)

/* From the Challenge to an opening that was taken: a browser signs in milliseconds, a token whose
 * PIN has to be typed takes as long as a person. */
#define ROOM_OPENING_TIME (60 * ROOM_SECOND)

/* docs/PROTOCOL.md section 5: three Rejoins of a leaf in ten minutes. Each costs a member a
 * signature and everybody a commit. */
#define ROOM_REJOIN_INTERVAL (200 * ROOM_SECOND)
#define ROOM_REJOIN_BURST (2 * ROOM_REJOIN_INTERVAL)

/* The founder's clock against ours: started_at decides when attendees may lock. */
#define ROOM_CLOCK_SECONDS 300u

/* Before another is asked, where one gave a GroupInfo that is of no use: they may all be behind. */
#define ROOM_INFO_PAUSE (250 * ROOM_MILLISECOND)

/* ---- Order ---- */

/* Proposals of one member in one epoch, the same one again included: hosts propose what they want
 * one by one, and commit it themselves where it is much. */
#define ROOM_PROPOSALS 256u

/* All proposals of an epoch: they are kept with its commit, so this bounds a record, too. */
#define ROOM_PROPOSALS_BYTES ((size_t)8 << 20)

/* Commits kept for those who come back. Whoever is away is removed after 30 seconds, so this is for
 * a restart of the server in a busy meeting; older ones are dropped. */
#define ROOM_HISTORY_COMMITS 1024u
#define ROOM_HISTORY_BYTES ((size_t)64 << 20)

/* A snapshot replaces the stored commits after so many, or so many bytes: that is what a restart
 * replays. It takes the newest commits along for those who have not received them yet. */
#define ROOM_SNAPSHOT_COMMITS 64u
#define ROOM_SNAPSHOT_BYTES ((size_t)4 << 20)
#define ROOM_SNAPSHOT_TAIL 16u
#define ROOM_SNAPSHOT_TAIL_BYTES ((size_t)1 << 20)

/* Messages of an epoch that has just ended are still relayed: their senders could not know. Members
 * open those of two past epochs. */
#define ROOM_APP_EPOCHS 2u

/* ---- Joining and leaving ---- */

/* Newcomers that one leader has in hand: their Welcomes carry the tree each, and a commit of them
 * has to stay far below the 16 MiB it may have. */
#define ROOM_JOINERS 128u
#define ROOM_JOINERS_BYTES ((size_t)4 << 20)

/* One Lobby frame: what a browser takes in without stuttering. */
#define ROOM_LOBBY_BYTES ((size_t)1 << 20)

/* docs/PROTOCOL.md section 5. */
#define ROOM_LEADER_TIME (3 * ROOM_SECOND)
#define ROOM_WELCOME_TIME (10 * ROOM_SECOND)
#define ROOM_AWAY_TIME (30 * ROOM_SECOND)
#define ROOM_EMPTY_TIME (600 * ROOM_SECOND)
/* The same while somebody waits who could begin the meeting anew. */
#define ROOM_EMPTY_WAITED_TIME (60 * ROOM_SECOND)

/* Messages kept for who is cut off for a moment: a minute of a lively chat, some seconds of a
 * thousand members' heartbeats. */
#define ROOM_RECENT 256u
#define ROOM_RECENT_BYTES ((size_t)1 << 20)
/* What was on its way when a connection broke: as long as a broken one may go unnoticed. */
#define ROOM_RECENT_MARGIN (30 * ROOM_SECOND)

/* Members the server proposes to remove in one epoch: each is a signature and a message to all.
 * After a network has broken down the rest waits for the next epoch. */
#define ROOM_REMOVALS 256u

/* Changes of presence are collected for so long, so that many at once are one message. */
#define ROOM_PRESENCE_TIME (100 * ROOM_MILLISECOND)

/* ---- Verdicts on identities ---- */

/* Cached: as many as a full meeting has members, 1 kB each; and for how long, so that an expired
 * certificate is noticed. */
#define ROOM_VERDICTS 2048u
#define ROOM_VERDICT_SECONDS 60u

/* ---- When memory runs out ---- */

/* What could not be said is tried again after so long. */
#define ROOM_RETRY_TIME (100 * ROOM_MILLISECOND)

#endif
