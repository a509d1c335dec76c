#include "attack_moves.h"

#include <string.h>

#include "crypto/aead.h"
#include "support/mls_forge.h"
#include "wire/writer.h"

/* ---- For a tap ---- */

void attack_info_of(struct mls_group *g, struct attack_info *out)
{
    assert_int_equal(mls_group_info(g, MLS_INFO_EXTERNAL_PUB, &out->body), 0);
    assert_int_equal(mls_group_tree(g, &out->tree), 0);
}

void attack_info_free(struct attack_info *info)
{
    buf_free(&info->body);
    buf_free(&info->tree);
}

bool attack_swap_info(void *ctx, struct stage_actor *a, struct signal_message *m)
{
    const struct attack_info *info = ctx;
    (void)a;
    if (m->type != SIGNAL_INFO_OF)
        return false;
    m->body = buf_view(&info->body);
    m->tree = buf_view(&info->tree);
    return true;
}

bool attack_swap_card(void *ctx, struct stage_actor *a, struct signal_message *m)
{
    const struct buf *card = ctx;
    (void)a;
    if (m->type != SIGNAL_CHALLENGE)
        return false;
    m->card = buf_view(card);
    return true;
}

void attack_sign_other_card(struct attack_scene *a, void (*change)(struct card_terms *terms),
                            struct buf *out)
{
    const struct meeting_person *organiser = a->s.world.organiser;
    struct card_terms terms = *card_terms(a->s.card);
    change(&terms);
    assert_int_equal(card_sign(organiser->signer, organiser->chain, 1, &terms, out), 0);
}

/* ---- Groups ---- */

struct mls_group *attack_second_group(struct attack_scene *a)
{
    uint8_t id[MEETING_GROUP_ID] = {0};
    const struct meeting_state fresh = {.started_at = a->s.now_us / STAGE_SECOND};
    struct meeting_extensions extensions;
    struct mls_group *g = NULL;
    memcpy(id, card_terms(a->s.card)->meeting_id, CARD_ID);
    assert_int_equal(meeting_extensions_init(&extensions, a->s.card, &fresh), 0);
    assert_int_equal(mls_group_new(a->mallory->p->client, bytes_of(id, sizeof id), extensions.list,
                                   MEETING_EXTENSIONS, a->s.now_us / STAGE_SECOND, &g),
                     0);
    meeting_extensions_fini(&extensions);
    return g;
}

void attack_add_to(struct attack_scene *a, struct mls_group *g, struct bytes key_package,
                   struct buf *out_welcome)
{
    const struct mls_change changes[] = {mls_add(key_package), attack_link_psk(&a->s)};
    struct buf commit = {0};
    assert_int_equal(mls_group_commit(g, changes, 2, NULL, a->s.now_us / STAGE_SECOND, &commit), 0);
    assert_int_equal(mls_group_merge_own(g, out_welcome), 0);
    buf_free(&commit);
}

void attack_propose_removals(struct attack_scene *a, struct stage_actor *const *whom, size_t n)
{
    struct mls_context context;
    struct buf messages[3] = {{0}};
    assert_true(n <= 3);
    mls_group_context(a->alice->p->group, &context);
    for (size_t i = 0; i < n; i++) {
        const struct mls_change change = mls_remove(stage_leaf(whom[i]));
        assert_int_equal(mls_external_propose(a->s.world.crypto, a->s.world.server, 0, &context,
                                              &change, &messages[i]),
                         0);
    }
    for (size_t i = 0; i < n; i++) {
        attack_deliver_all(&a->s, &(struct signal_message){.type = SIGNAL_PROPOSED,
                                                           .body = buf_view(&messages[i])});
        buf_free(&messages[i]);
    }
}

struct mls_change attack_state_change(struct attack_scene *a, const struct meeting_state *state,
                                      struct meeting_extensions *e)
{
    assert_int_equal(meeting_extensions_init(e, a->s.card, state), 0);
    return mls_set_extensions(e->list, MEETING_EXTENSIONS);
}

/* ---- Words ---- */

void attack_make_chat(struct stage_actor *by, uint8_t number, struct buf *out)
{
    const uint8_t id[SIGNAL_CHAT_ID] = {number};
    struct buf content = {0};
    const struct signal_content chat = {
        .kind = SIGNAL_CHAT, .id = bytes_of(id, sizeof id), .text = bytes_str("I am still here")};
    assert_int_equal(signal_content_write(&chat, &content), 0);
    assert_int_equal(mls_group_protect(by->p->group, bytes_of(NULL, 0), buf_view(&content), out),
                     0);
    buf_free(&content);
}

void attack_say_presence(struct attack_scene *a, bool connected)
{
    struct buf list = {0};
    for (uint32_t leaf = 0; leaf < 4; leaf++)
        signal_put_presence(&list, (struct signal_presence){leaf, connected});
    for (size_t i = 0; i < a->s.n; i++)
        stage_inject(
            &a->s, a->s.actors[i],
            &(struct signal_message){.type = SIGNAL_PRESENCE, .presence = buf_view(&list)});
    buf_free(&list);
}

/* ---- Names ---- */

size_t attack_rename_all(struct bytes list, const char *from, const char *to, struct buf *out)
{
    size_t n = strlen(from), found = 0;
    buf_put(out, list);
    for (size_t i = 0; i + n <= out->n; i++)
        if (memcmp(out->p + i, from, n) == 0) {
            memcpy(out->p + i, to, n);
            found++;
        }
    return found;
}

/* The leaf extension of a name that the library would not seal. */
static void seal_anything(const struct stage_actor *of, const char *name, struct buf *out)
{
    uint8_t name_key[LINK_DERIVED], nonce[AEAD_NONCE] = {1}, sealed[64], tag[AEAD_TAG];
    struct bytes secret = bytes_of(of->p->link.secret, sizeof of->p->link.secret);
    struct aead_engine *engine = NULL;
    struct aead *key = NULL;
    const struct bytes plain = bytes_str(name);
    assert_true(plain.n <= sizeof sealed);
    assert_int_equal(link_derive(secret, card_hash(of->p->card), LINK_NAMES, name_key), 0);
    assert_int_equal(aead_engine_new(AEAD_OPENSSL, &engine), 0);
    assert_int_equal(
        aead_new(engine, AEAD_ALG_GCM256, AEAD_TAG, bytes_of(name_key, sizeof name_key), &key), 0);
    assert_int_equal(
        aead_seal(key, nonce, crypto_signer_public(of->person->signer), plain, sealed, tag), 0);
    buf_put(out, bytes_of(nonce, sizeof nonce));
    size_t mark = write_vec_begin(out);
    buf_put(out, bytes_of(sealed, plain.n));
    buf_put(out, bytes_of(tag, sizeof tag));
    write_vec_end(out, mark);
    assert_int_equal(buf_check(out), 0);
    aead_free(key);
    aead_engine_free(engine);
}

void attack_put_entry_named(struct attack_scene *a, const struct stage_actor *guest,
                            const char *name, struct buf *out)
{
    const uint64_t now = a->s.now_us / STAGE_SECOND;
    struct mls_key_package *kp = NULL;
    struct buf extension = {0}, extensions = {0}, message = {0};
    assert_int_equal(mls_key_package_new(guest->p->client, now - 60, now + MEETING_DAY, false, &kp),
                     0);
    struct forge_key_package f = forge_key_package_of(kp);
    seal_anything(guest, name, &extension);
    forge_extension(f.leaf.extensions, MEETING_EXT_NAME, buf_view(&extension), &extensions);
    f.leaf.extensions = buf_view(&extensions);
    forge_key_package(&f, &message);
    attack_put_entry(&a->s, buf_view(&message), out);
    mls_key_package_free(kp);
    buf_free(&extension);
    buf_free(&extensions);
    buf_free(&message);
}
