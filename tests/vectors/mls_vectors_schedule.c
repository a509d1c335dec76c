/* The key schedule, PSKs and transcript hashes (RFC 9420 8). */
#include "mls_vectors.h"

#include <string.h>

#include "crypto/labels.h"
#include "mls/framing.h"
#include "mls/psk.h"
#include "mls/schedule.h"

static void same_secret(struct vec *v, const struct secret *got, const json_t *o, const char *name)
{
    struct bytes want = vec_hex(v, o, name);
    if (vec_ok(v))
        vec_same(v, secret_view(got), want, name);
}

/* -- Key schedule --------------------------------------------------------------------------- */

/* The library goes from joiner_secret to welcome_key and welcome_nonce at once; the file's
 * welcome_secret must lead to the same. */
static void check_welcome_secret(struct vec *v, const json_t *e, const struct secret *joiner,
                                 const struct secret *psk)
{
    struct secret welcome = vec_secret(v, e, "welcome_secret"), key = {0}, nonce = {0};
    struct bytes none = bytes_of(NULL, 0);
    uint8_t want[SECRET_MAX];
    if (!vec_ok(v) || !vec_rv(v, mls_welcome_keys(v->crypto, joiner, psk, &key, &nonce), "welcome"))
        return;
    if (vec_rv(v, expand_with_label(v->crypto, &welcome, "key", none, key.n, want), "welcome_key"))
        vec_same(v, secret_view(&key), bytes_of(want, key.n), "welcome_secret (its key)");
    if (vec_rv(v, expand_with_label(v->crypto, &welcome, "nonce", none, nonce.n, want),
               "welcome_nonce"))
        vec_same(v, secret_view(&nonce), bytes_of(want, nonce.n), "welcome_secret (its nonce)");
}

static void check_external_pub(struct vec *v, const json_t *e, const struct secret *external)
{
    uint8_t pub[CRYPTO_PUBLIC_KEY_MAX];
    struct secret priv = {0};
    struct bytes want = vec_hex(v, e, "external_pub");
    if (vec_ok(v) && vec_rv(v, hpke_derive_key_pair(v->crypto, secret_view(external), &priv, pub),
                            "external_pub"))
        vec_same(v, bytes_of(pub, v->crypto->suite->npk), want, "external_pub");
}

static void check_exporter(struct vec *v, const json_t *e, const struct secret *exporter)
{
    const json_t *o = vec_object(v, e, "exporter");
    const char *label = vec_string(v, o, "label");
    struct bytes context = vec_hex(v, o, "context"), want = vec_hex(v, o, "secret");
    uint16_t length = vec_u16(v, o, "length");
    if (!vec_ok(v))
        return;
    uint8_t *out = vec_alloc(v, length);
    if (vec_rv(v, mls_exporter(v->crypto, exporter, label, context, length, out), "exporter"))
        vec_same(v, bytes_of(out, length), want, "exporter");
}

static void check_epoch(struct vec *v, const json_t *e, struct bytes group_id, uint64_t epoch,
                        struct secret *init)
{
    struct secret commit = vec_secret(v, e, "commit_secret"), psk = vec_secret(v, e, "psk_secret");
    struct bytes tree_hash = vec_hex(v, e, "tree_hash");
    struct bytes confirmed = vec_hex(v, e, "confirmed_transcript_hash");
    struct secret joiner = {0}, encryption = {0};
    struct mls_epoch_secrets s = {0};
    if (!vec_ok(v))
        return;
    struct bytes context = vec_context(v, group_id, epoch, tree_hash, confirmed);
    vec_same(v, context, vec_hex(v, e, "group_context"), "group_context");
    if (!vec_ok(v) ||
        !vec_rv(v, mls_joiner_secret(v->crypto, init, &commit, context, &joiner), "joiner_secret"))
        return;
    same_secret(v, &joiner, e, "joiner_secret");
    check_welcome_secret(v, e, &joiner, &psk);
    if (!vec_ok(v) ||
        !vec_rv(v, mls_epoch_derive(v->crypto, &joiner, &psk, context, &s, &encryption),
                "epoch secrets"))
        return;
    same_secret(v, &s.init, e, "init_secret");
    same_secret(v, &s.sender_data, e, "sender_data_secret");
    same_secret(v, &encryption, e, "encryption_secret");
    same_secret(v, &s.exporter, e, "exporter_secret");
    same_secret(v, &s.authenticator, e, "epoch_authenticator");
    same_secret(v, &s.external, e, "external_secret");
    same_secret(v, &s.confirmation, e, "confirmation_key");
    same_secret(v, &s.membership, e, "membership_key");
    same_secret(v, &s.resumption, e, "resumption_psk");
    check_external_pub(v, e, &s.external);
    check_exporter(v, e, &s.exporter);
    *init = s.init;
}

void vec_key_schedule(struct vec *v, const json_t *e)
{
    if (!vec_suite(v, e))
        return;
    struct bytes group_id = vec_hex(v, e, "group_id");
    struct secret init = vec_secret(v, e, "initial_init_secret");
    const json_t *epochs = vec_list(v, e, "epochs");
    for (size_t i = 0; vec_ok(v) && i < json_array_size(epochs); i++) {
        vec_scope(v, "epoch %zu", i);
        check_epoch(v, json_array_get(epochs, i), group_id, i, &init);
    }
}

/* -- PSK secret (RFC 9420 8.4) -------------------------------------------------------------- */

static void read_psk(struct vec *v, const json_t *o, struct mls_psk *out)
{
    struct mls_psk_id id = {
        .type = PSK_EXTERNAL, .id = vec_hex(v, o, "psk_id"), .nonce = vec_hex(v, o, "psk_nonce")};
    struct buf *encoded = vec_buf(v);
    mls_psk_id_write(encoded, &id);
    out->value = vec_hex(v, o, "psk");
    vec_rv(v, buf_check(encoded), "PreSharedKeyID");
    out->id = buf_view(encoded);
}

void vec_psk_secret(struct vec *v, const json_t *e)
{
    if (!vec_suite(v, e))
        return;
    const json_t *list = vec_list(v, e, "psks");
    struct bytes want = vec_hex(v, e, "psk_secret");
    size_t n = json_array_size(list);
    struct mls_psk *psks = vec_alloc(v, n * sizeof *psks);
    struct secret got = {0};
    for (size_t i = 0; i < n; i++) {
        vec_scope(v, "psk %zu", i);
        read_psk(v, json_array_get(list, i), &psks[i]);
    }
    vec_scope(v, "%s", "");
    if (vec_ok(v) && vec_rv(v, mls_psk_secret(v->crypto, psks, n, &got), "psk_secret"))
        vec_same(v, secret_view(&got), want, "psk_secret");
}

/* -- Transcript hashes (RFC 9420 8.2) ------------------------------------------------------- */

void vec_transcript_hashes(struct vec *v, const json_t *e)
{
    if (!vec_suite(v, e))
        return;
    struct secret confirmation = vec_secret(v, e, "confirmation_key");
    struct bytes encoded = vec_hex(v, e, "authenticated_content");
    struct bytes before = vec_hex(v, e, "interim_transcript_hash_before");
    struct bytes confirmed_after = vec_hex(v, e, "confirmed_transcript_hash_after");
    struct bytes interim_after = vec_hex(v, e, "interim_transcript_hash_after");
    struct reader r = reader_of(encoded);
    struct mls_authenticated a;
    uint8_t out[CRYPTO_HASH_MAX];
    int error = 0;
    if (!vec_ok(v))
        return;
    size_t nh = v->crypto->suite->nh;
    mls_authenticated_read(&r, &a, &error);
    if (reader_end(&r) != 0) {
        vec_rv(v, error != 0 ? error : CONCLAVE_ESYNTAX, "authenticated_content");
        return;
    }
    vec_true(v, a.content.type == CONTENT_COMMIT, "authenticated_content is no commit");
    if (vec_rv(v,
               mls_confirmed_hash(v->crypto, before, a.wire_format, a.content.raw, a.auth.signature,
                                  out),
               "confirmed transcript hash"))
        vec_same(v, bytes_of(out, nh), confirmed_after, "confirmed_transcript_hash_after");
    if (vec_rv(v, mls_interim_hash(v->crypto, confirmed_after, a.auth.confirmation_tag, out),
               "interim transcript hash"))
        vec_same(v, bytes_of(out, nh), interim_after, "interim_transcript_hash_after");
    if (vec_rv(v, mls_confirmation_tag(v->crypto, &confirmation, confirmed_after, out),
               "confirmation tag"))
        vec_same(v, bytes_of(out, nh), a.auth.confirmation_tag, "confirmation_tag");
}
