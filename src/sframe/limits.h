/* What bounds the use of SFrame keys and the memory that others can make us spend, and why. */
#ifndef SFRAME_LIMITS_H
#define SFRAME_LIMITS_H

#include <conclave/sframe.h>

/* One key seals at most 2^36 AES blocks (1 TiB): then the advantage against AES-GCM or AES-CTR is
 * below 2^-57, the margin that TLS 1.3 takes (RFC 8446 5.5). */
#define SFRAME_BLOCKS_MAX ((uint64_t)1 << 36)

/* Contexts under one leaf in one epoch: camera, screen and audio with three simulcast and three
 * scalability layers make 19, and a restart within an epoch takes 19 more. One's own sealing keys
 * have this limit alone, so that nobody else can use up their room. */
#define SFRAME_CONTEXTS_MAX 64

/* Keys that open, with their replay windows (about 250 bytes each): so many in the newest epoch,
 * and so many again in all those before it together, which are there for two seconds: 8 MB. 500
 * members with 19 contexts need 9,500 in an epoch, so one such epoch is followed beside the newest;
 * a switch sends each receiver a few dozen of them. Only frames that opened add one; but a member
 * can seal as any other, and fill the newest epoch's share with 256 leaves of 64 contexts. The
 * epoch after his removal has a share of its own; if what is followed then holds too much, its
 * oldest epochs go at once. */
#define SFRAME_KEYS_MAX 16384

/* Of all keys, so many have an AEAD made ready (about 1.2 kB each); the one used longest ago makes
 * room, and is derived anew when it is needed. */
#define SFRAME_READY_MAX 2048

/* The former keys a sender-key receiver keeps for frames that come late. */
#define SFRAME_CHAIN_KEPT 3

/* The most steps of its ratchet that a receiver takes for one frame, before it is authenticated: a
 * forged one costs two derivations a step, about 2 us. A sender takes one when somebody joins. */
#define SFRAME_CHAIN_AHEAD 8

/* SFRAME_GRACE_REMOVAL_US: a commit reaches members within half a second of each other, as
 * SFRAME_HOLD_US has it too, and a frame is under way for a quarter.
 * SFRAME_METADATA_MAX: a header extension and a codec's clear bytes, copied onto the stack.
 * SFRAME_PLAIN_MAX: a lossless key frame of a 4K screen.
 * SFRAME_GROUP_MAX: a byte for each leaf is kept for each epoch. */

#endif
