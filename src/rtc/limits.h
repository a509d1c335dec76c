/* Every limit of src/rtc on what an outsider can make large, with its reason. */
#ifndef RTC_LIMITS_H
#define RTC_LIMITS_H

/* What a header extension or a control packet may list. */

/* Spatial layers times temporal layers times a few dependency patterns; the descriptor's six-bit
 * template id allows no more. */
#define DD_TEMPLATES_MAX 64
/* The five-bit count of the descriptor allows no more. */
#define DD_TARGETS_MAX 32
#define DD_CHAINS_MAX 32
/* Frames that one frame refers to. AV1 has 7 references; a template can name 16 distances. */
#define DD_FDIFFS_MAX 16

/* RFC 3550: the five-bit counts of reports, chunks and sources allow no more. */
#define RTCP_COUNT_MAX 31
/* The eight-bit count of REMB allows 255 streams; nobody sends one participant that many. */
#define RTCP_REMB_SSRCS_MAX 64

/* Transport feedback covers at most so many packets: about one second at 20 Mbit/s. Arrivals
 * older than that are forgotten. A power of two. */
#define TRANSPORT_CC_WINDOW 2048
/* Feedback must fit a packet of 1,200 B beside its other headers. */
#define TRANSPORT_CC_BYTES_MAX 1000

/* Frame assembler: packets and bytes that may wait for a missing one. 2,048 packets of 1,200 B
 * are two seconds at 10 Mbit/s, and a key frame of 1 MiB. Powers of two. */
#define ASSEMBLER_PACKETS_MAX 2048
#define ASSEMBLER_BYTES_MAX (1u << 20)
/* A retransmission takes a round trip or two; after half a second a meeting has moved on. */
#define ASSEMBLER_WAIT_US 500000
#define ASSEMBLER_WAIT_MAX_US 2000000

/* STUN: an ICE check of ours has at most 610 bytes, with names of the greatest length; browsers add
 * a few attributes of their own. */
#define STUN_MESSAGE_MAX 1280
/* Required attributes that are unknown: one is enough to answer with 420. */
#define STUN_UNKNOWN_MAX 8
/* ICE: two fragments of 256 characters and a colon (RFC 8839 5.4, RFC 8445 7.2.2). */
#define STUN_USERNAME_MAX 513

/* ICE credentials: RFC 8839 5.4. */
#define ICE_UFRAG_MIN 4
#define ICE_PWD_MIN 22
#define ICE_CREDENTIAL_MAX 256
/* Addresses of one client that are remembered at once: two families, two interfaces, and as many
 * again after a move. One more takes the place of the one silent for longest. */
#define ICE_PATHS_MAX 8
/* Addresses of one server that a client checks. */
#define ICE_CANDIDATES_MAX 8
/* Checks a second with the peer's name that are looked at closely (an HMAC each), on average and in
 * a burst: from addresses known to be the peer's, and from all others, so that these cannot crowd
 * out those. A browser makes about twenty a second while it looks for a path. Those with another
 * name are answered at the second rate, apart from both. */
#define ICE_CHECKS_PER_SECOND 100
#define ICE_CHECKS_BURST 200
#define ICE_STRANGERS_PER_SECOND 50
#define ICE_STRANGERS_BURST 100
/* What may go to an address that has not yet shown that it receives it: so many times what came
 * from there (as in RFC 9000 8.1), with the IP and UDP headers of each datagram. */
#define ICE_AMPLIFICATION 3
#define ICE_DATAGRAM_OVERHEAD 28

/* No datagram that reaches us is larger (IPv6 minimum MTU up to an Ethernet jumbo frame). */
#define RTP_PACKET_MAX 9000

#endif
