/* What attackers do in more than one program of attacks: lies prepared, and ways to tell them. */
#ifndef TESTS_ATTACK_ATTACK_MOVES_H
#define TESTS_ATTACK_ATTACK_MOVES_H

#include "attack.h"

/* ---- Changes for a tap: ctx is what comes in the place of the true thing ---- */

/* What the server answers Rejoin with. */
struct attack_info {
    struct buf body, tree;
};
void attack_info_of(struct mls_group *g, struct attack_info *out);
void attack_info_free(struct attack_info *info);
bool attack_swap_info(void *ctx, struct stage_actor *a, struct signal_message *m);

/* ctx: a struct buf with another card. */
bool attack_swap_card(void *ctx, struct stage_actor *a, struct signal_message *m);
/* The organiser has signed such a card, too, at some time. */
void attack_sign_other_card(struct attack_scene *a, void (*change)(struct card_terms *terms),
                            struct buf *out);

/* ---- Groups ---- */

/* A second group of the same card, which mallory can found as well as anybody who may. */
struct mls_group *attack_second_group(struct attack_scene *a);
void attack_add_to(struct attack_scene *a, struct mls_group *g, struct bytes key_package,
                   struct buf *out_welcome);

/* The server's proposals to remove somebody, to all. */
void attack_propose_removals(struct attack_scene *a, struct stage_actor *const *whom, size_t n);

/* A change of the state, as a host makes it; free with meeting_extensions_fini(). */
struct mls_change attack_state_change(struct attack_scene *a, const struct meeting_state *state,
                                      struct meeting_extensions *e);

/* ---- Words ---- */

/* A chat in the epoch that somebody is in now, made past the participant. */
void attack_make_chat(struct stage_actor *by, uint8_t number, struct buf *out);

/* The server says this of everybody to everybody. */
void attack_say_presence(struct attack_scene *a, bool connected);

/* ---- Names ---- */

/* NOLINTNEXTLINE(misc-misleading-bidirectional): what is tested; right to left */
#define ATTACK_TURNED_NAME "Gus \xe2\x80\xaemoc.ynapmoc"

/* Writes another name over one of the same length, wherever it stands in a list of entries. */
size_t attack_rename_all(struct bytes list, const char *from, const char *to, struct buf *out);

/* A lobby's entry of somebody with this for a name, which the library would not seal. Appends. */
void attack_put_entry_named(struct attack_scene *a, const struct stage_actor *guest,
                            const char *name, struct buf *out);

#endif
