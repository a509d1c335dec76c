/* Attacks, each carried out for real: real participants, the real room, and a server, a member or a
 * network that lies. A test shows that the forged thing arrived, and then that it had no effect
 * (refused) or that people are told (visible). Where the honest variant is cheap it is shown, too.
 */
#ifndef TESTS_ATTACK_ATTACK_H
#define TESTS_ATTACK_ATTACK_H

#include "attack_rows.h"
#include "participant/inner.h"
#include "support/meeting_stage.h"

/* ---- The one in the way: server or network ---- */

#define ATTACK_WITHHELD_MAX 16
#define ATTACK_TYPES ((size_t)SIGNAL_FAULT + 1)

struct attack_withheld {
    const struct stage_actor *who; /* NULL: everybody */
    enum signal_type type;         /* which also tells the direction */
};

/* Sees all frames of a stage, keeps the last of each type, holds back some and changes others. */
struct attack_tap {
    struct attack_withheld withheld[ATTACK_WITHHELD_MAX];
    size_t n_withheld;
    unsigned seen[ATTACK_TYPES], dropped[ATTACK_TYPES];
    struct buf last[ATTACK_TYPES];
    const struct stage_actor *last_of[ATTACK_TYPES];
    /* Changes *m, whose views are of the frame, or of what ctx owns; false: let it through. */
    bool (*change)(void *ctx, struct stage_actor *a, struct signal_message *m);
    void *ctx;
    unsigned changed;
};

void attack_tap_init(struct attack_tap *t, struct stage *s);
void attack_tap_fini(struct attack_tap *t);
void attack_withhold(struct attack_tap *t, const struct stage_actor *who, enum signal_type type);
void attack_let_through(struct attack_tap *t);
/* The last frame of this type that came by, withheld or not, read; there must be one. */
struct signal_message attack_last(const struct attack_tap *t, enum signal_type type);

/* ---- A meeting to be attacked ---- */

/* Alice, the organiser, on leaf 0; bob and mallory, colleagues of hers. */
struct attack_scene {
    struct stage s;
    struct attack_tap tap;
    struct stage_actor *alice, *bob, *mallory;
};

/* The three are in, and have heard each other. */
void attack_open(struct attack_scene *a);
/* With another card. */
void attack_open_terms(struct attack_scene *a, void (*change)(struct card_terms *terms));
/* The card lets colleagues found, and mallory was first: she is on leaf 0, the leader. */
void attack_open_led_by_mallory(struct attack_scene *a);
void attack_close(struct attack_scene *a);
struct stage_actor *attack_colleague(struct attack_scene *a, const char *identifier,
                                     const char *name);
struct stage_actor *attack_guest(struct attack_scene *a, const char *name);

/* ---- What stays as it was ---- */

struct attack_standing {
    uint64_t epoch;
    uint8_t authenticator[64];
    size_t authenticator_n, roster;
};
struct attack_standing attack_standing_of(struct stage_actor *a);
/* Same epoch, same secrets, so same code; same people. */
void attack_assert_unmoved(struct stage_actor *a, const struct attack_standing *before);
bool attack_same_epoch(const struct stage_actor *a, const struct stage_actor *b);

/* ---- Lying ---- */

/* The server says this to somebody; on return it has arrived. */
void attack_deliver(struct stage *s, struct stage_actor *to, const struct signal_message *m);
void attack_deliver_all(struct stage *s, const struct signal_message *m);
void attack_deliver_mls(struct stage *s, struct stage_actor *to, enum signal_type type,
                        struct bytes message);
/* A modified client says this to the room; on return it has arrived, and so has the answer. */
void attack_send(struct stage *s, struct stage_actor *from, enum signal_type type,
                 struct bytes message);

/* A commit of a modified member, made with the group's real keys and without what others proposed.
 * Its honest half knows nothing of it: it is dropped again. */
void attack_make_commit(struct stage *s, struct stage_actor *by, const struct mls_change *changes,
                        size_t n, struct buf *out);
/* The same, and it stays pending, so that the member follows it when it comes back. */
void attack_pend_commit(struct stage *s, struct stage_actor *by, const struct mls_change *changes,
                        size_t n, struct buf *out);
/* Pending, and sent to the room. */
void attack_commit(struct stage *s, struct stage_actor *by, const struct mls_change *changes,
                   size_t n);
/* The proof of the link's secret that goes with Adds. */
struct mls_change attack_link_psk(const struct stage *s);

/* ---- Somebody without the link ---- */

/* A client with a certificate of the provider's and without the link's secret: what a server can
 * make up by itself, or take from another meeting. Its name is sealed under another name key. */
struct attack_outsider {
    struct mls_client *client;
    struct mls_key_package *kp;
    struct buf entries; /* of a Joiners or Lobby frame */
};
void attack_outsider_init(struct attack_outsider *o, struct stage *s,
                          const struct meeting_person *person);
void attack_outsider_fini(struct attack_outsider *o);

/* ---- Key packages ---- */

/* With which somebody knocked last; the tap must have seen it. */
struct bytes attack_knocked(const struct attack_tap *t);
/* An entry of Joiners or Lobby, with this key package's own ref or another. Appends. */
void attack_put_entry(struct stage *s, struct bytes key_package, struct buf *out);
void attack_put_entry_ref(struct bytes ref, struct bytes key_package, struct buf *out);

/* ---- Seeing ---- */

/* A notice of this reason and severity. */
bool attack_told(const struct stage_actor *a, int reason, enum participant_severity severity);
void attack_forget_notices(struct stage_actor *a);
/* Somebody says something and all in `to` hear it: the meeting works. */
void attack_assert_heard(struct stage *s, struct stage_actor *from, struct stage_actor *const *to,
                         size_t n, const char *text);
/* The roster's or the lobby's entry of somebody, by signature key or by name; fails if none. */
struct participant_person attack_roster_entry(struct stage_actor *in,
                                              const struct stage_actor *whom);
/* Whether a text occurs in a frame. */
bool attack_occurs(struct bytes in, const char *text);
bool attack_lobby_find(struct stage_actor *in, const char *name, struct participant_person *out);

#endif
