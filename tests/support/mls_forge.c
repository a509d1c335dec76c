#include "mls_forge.h"

#include <string.h>

#include "crypto/labels.h"
#include "mls/extension.h"
#include "wire/writer.h"

/* ---- Framing ---- */

struct forge forge_of(struct mls_group *as, enum mls_content_type type, struct bytes body)
{
    return (struct forge){.as = as,
                          .wire_format = MLS_PUBLIC_MESSAGE,
                          .content = {.group_id = as->pub.view.group_id,
                                      .epoch = as->pub.view.epoch,
                                      .sender = {MLS_SENDER_MEMBER, as->own_leaf},
                                      .type = type,
                                      .body = body},
                          .signer = as->signer,
                          .context = buf_view(&as->pub.context),
                          .confirmation_tag = buf_view(&as->pub.confirmation_tag)};
}

/* FramedContent and FramedContentAuthData */
static void encode(const struct forge *f, struct buf *content, struct buf *auth)
{
    struct buf signature = {0};
    mls_content_write(content, &f->content);
    if (f->has_signature)
        buf_put(&signature, f->signature);
    else
        assert_int_equal(mls_content_sign(f->signer, f->wire_format, f->content.sender.type,
                                          buf_view(content), f->context, &signature),
                         0);
    mls_auth_write(auth, f->content.type, buf_view(&signature), f->confirmation_tag);
    buf_free(&signature);
}

void forge_public(const struct forge *f, struct buf *out)
{
    struct buf content = {0}, auth = {0};
    uint8_t tag[CRYPTO_HASH_MAX];
    encode(f, &content, &auth);
    assert_int_equal(mls_membership_tag(f->as->crypto, &f->as->secrets.membership,
                                        buf_view(&content), buf_view(&auth), f->context, tag),
                     0);
    buf_clear(out);
    mls_public_message_write(out, buf_view(&content), f->content.sender.type, buf_view(&auth),
                             f->has_membership_tag ? f->membership_tag
                                                   : bytes_of(tag, f->as->crypto->suite->nh));
    assert_int_equal(buf_check(out), 0);
    buf_free(&content);
    buf_free(&auth);
}

void forge_proposal(struct mls_group *as, struct bytes proposal, struct buf *out)
{
    struct forge f = forge_of(as, CONTENT_PROPOSAL, proposal);
    forge_public(&f, out);
}

struct forge_private forge_private_of(const struct forge *f)
{
    return (struct forge_private){.leaf = f->as->own_leaf};
}

/* RFC 9420 6.3.1 and 6.3.2, written down once more. */
static void seal(const struct forge *f, const struct forge_private *p, struct bytes plain,
                 struct buf *out)
{
    struct crypto *c = f->as->crypto;
    struct mls_message_key key = {0};
    struct mls_ratchet_step *step = NULL;
    struct buf aad = {0}, data_aad = {0}, sealed = {0}, sender_data = {0}, data = {0};
    struct bytes shown = p->aad_data.p != NULL ? p->aad_data : f->content.authenticated_data;
    struct secret data_key = {.n = c->suite->nk}, data_nonce = {.n = c->suite->nn};
    uint32_t generation = p->generation;
    enum mls_ratchet_type type =
        f->content.type == CONTENT_APPLICATION ? RATCHET_APPLICATION : RATCHET_HANDSHAKE;
    if (p->has_generation)
        assert_int_equal(mls_ratchet_find(&f->as->secret_tree, c, f->as->own_leaf, type, generation,
                                          LIMIT_MLS_GENERATIONS, 0, &key, &step),
                         0);
    else
        assert_int_equal(mls_ratchet_next(&f->as->secret_tree, c, f->as->own_leaf, type,
                                          &generation, &key, &step),
                         0);
    write_vec(&data_aad, f->content.group_id);
    write_u64(&data_aad, f->content.epoch);
    write_u8(&data_aad, (uint8_t)f->content.type);
    buf_put(&aad, buf_view(&data_aad));
    write_vec(&aad, f->content.authenticated_data);
    assert_int_equal(crypto_aead_seal(c, &key.key, key.nonce.p, buf_view(&aad), plain, &sealed), 0);
    if (p->short_tag)
        sealed.n--;
    if (p->empty)
        sealed.n = 0;
    struct bytes sample = buf_view(&sealed);
    sample.n = sample.n < c->suite->nh ? sample.n : c->suite->nh;
    assert_int_equal(
        expand_with_label(c, &f->as->secrets.sender_data, "key", sample, data_key.n, data_key.p),
        0);
    assert_int_equal(expand_with_label(c, &f->as->secrets.sender_data, "nonce", sample,
                                       data_nonce.n, data_nonce.p),
                     0);
    write_u32(&data, p->leaf);
    write_u32(&data, generation);
    write_u32(&data, 0); /* a reuse guard that changes nothing */
    assert_int_equal(crypto_aead_seal(c, &data_key, data_nonce.p, buf_view(&data_aad),
                                      buf_view(&data), &sender_data),
                     0);
    buf_clear(out);
    mls_message_begin(out, MLS_PRIVATE_MESSAGE);
    buf_put(out, buf_view(&data_aad));
    write_vec(out, shown);
    write_vec(out, buf_view(&sender_data));
    write_vec(out, buf_view(&sealed));
    assert_int_equal(buf_check(out), 0);
    if (p->has_generation)
        mls_ratchet_step_free(step);
    else
        mls_ratchet_take(&f->as->secret_tree, step);
    buf_free(&aad);
    buf_free(&data_aad);
    buf_free(&sealed);
    buf_free(&sender_data);
    buf_free(&data);
}

void forge_private(const struct forge *f, const struct forge_private *p, struct buf *out)
{
    struct buf content = {0}, auth = {0}, plain = {0};
    struct forge as = *f;
    as.wire_format = MLS_PRIVATE_MESSAGE;
    encode(&as, &content, &auth);
    mls_content_body_write(&plain, f->content.type, f->content.body);
    buf_put(&plain, buf_view(&auth));
    buf_put(&plain, p->padding);
    seal(f, p, buf_view(&plain), out);
    buf_free(&content);
    buf_free(&auth);
    buf_free(&plain);
}

void forge_ref(struct crypto *c, struct bytes message, uint8_t out[static CRYPTO_HASH_MAX])
{
    struct mls_message m;
    struct mls_public_message pm;
    assert_int_equal(mls_message_parse(message, &m), 0);
    assert_int_equal(mls_public_message_parse(m.body, &pm), 0);
    assert_int_equal(mls_proposal_ref(c, &pm.auth_content, out), 0);
}

/* ---- Commits ---- */

struct mls_leaf_content forge_leaf_content(const struct mls_leaf *leaf)
{
    return (struct mls_leaf_content){.encryption_key = leaf->encryption_key,
                                     .signature_key = leaf->signature_key,
                                     .credential = leaf->credential,
                                     .capabilities = leaf->capabilities,
                                     .source = leaf->source,
                                     .not_before = leaf->not_before,
                                     .not_after = leaf->not_after,
                                     .parent_hash = leaf->parent_hash,
                                     .extensions = leaf->extensions};
}

void forge_commit_open(struct bytes message, struct forge_commit *out)
{
    struct mls_message m;
    int error = 0;
    *out = (struct forge_commit){0};
    buf_put(&out->message, message);
    assert_int_equal(mls_message_parse(buf_view(&out->message), &m), 0);
    assert_int_equal(mls_public_message_parse(m.body, &out->m), 0);
    struct reader r = reader_of(out->m.auth_content.content.body);
    mls_commit_read(&r, &out->view, &error);
    assert_int_equal(reader_end(&r), 0);
    buf_put(&out->proposals, out->view.proposals);
    out->has_path = out->view.has_path;
    if (out->has_path) {
        buf_put(&out->leaf, out->view.path_leaf.raw);
        buf_put(&out->nodes, out->view.path_nodes);
        out->content = forge_leaf_content(&out->view.path_leaf);
    }
}

void forge_commit_of(struct mls_group *as, const struct mls_change *changes, size_t n,
                     struct forge_commit *out)
{
    struct mls_commit_options options = {.force_path = true};
    struct buf message = {0};
    struct buf provisional = {0};
    assert_int_equal(mls_group_commit(as, changes, n, &options, WORLD_NOW, &message), 0);
    assert_int_equal(mls_staged_provisional(&as->pub, as->pending, &provisional), 0);
    assert_int_equal(mls_group_drop_own(as), 0);
    forge_commit_open(buf_view(&message), out);
    buf_move(&out->provisional, &provisional);
    buf_free(&message);
}

void forge_commit_free(struct forge_commit *c)
{
    buf_free(&c->message);
    buf_free(&c->proposals);
    buf_free(&c->leaf);
    buf_free(&c->nodes);
    buf_free(&c->provisional);
}

struct mls_path_node forge_commit_node(const struct forge_commit *c, size_t i)
{
    struct reader r = reader_of(buf_view(&c->nodes));
    struct mls_path_node node = {0};
    for (size_t k = 0; k <= i; k++)
        mls_path_node_read(&r, &node);
    assert_true(reader_ok(&r));
    return node;
}

void forge_commit_set_node(struct forge_commit *c, size_t i, const struct bytes *key,
                           const struct bytes *ciphertexts)
{
    struct buf nodes = {0};
    struct reader r = reader_of(buf_view(&c->nodes));
    for (size_t k = 0; reader_left(&r) != 0; k++) {
        struct mls_path_node node;
        mls_path_node_read(&r, &node);
        write_vec(&nodes, k == i && key != NULL ? *key : node.encryption_key);
        write_vec(&nodes, k == i && ciphertexts != NULL ? *ciphertexts : node.ciphertexts);
    }
    buf_move(&c->nodes, &nodes);
}

void forge_ciphertext(struct mls_group *as, struct bytes to, struct bytes context,
                      struct bytes path_secret, struct buf *out)
{
    struct hpke_info info;
    struct buf sealed = {0};
    uint8_t enc[CRYPTO_PUBLIC_KEY_MAX];
    assert_int_equal(encrypt_info(as->crypto, "UpdatePathNode", context, &info), 0);
    assert_int_equal(hpke_seal(as->crypto, to, &info, bytes_of(NULL, 0), path_secret, enc, &sealed),
                     0);
    write_vec(out, bytes_of(enc, as->crypto->suite->npk));
    write_vec(out, buf_view(&sealed));
    buf_free(&sealed);
}

void forge_commit_sign_leaf(struct forge_commit *c, struct mls_group *as, struct bytes group_id,
                            uint32_t index, struct crypto_signer *signer)
{
    (void)as;
    buf_clear(&c->leaf);
    assert_int_equal(mls_leaf_sign(&c->content, signer, group_id, index, &c->leaf), 0);
}

void forge_commit_body(const struct forge_commit *c, struct buf *out)
{
    write_vec(out, buf_view(&c->proposals));
    write_u8(out, c->has_path);
    if (c->has_path) {
        buf_put(out, buf_view(&c->leaf));
        write_vec(out, buf_view(&c->nodes));
    }
    assert_int_equal(buf_check(out), 0);
}

void forge_commit_public(const struct forge_commit *c, struct mls_group *as, struct buf *out)
{
    struct buf body = {0};
    forge_commit_body(c, &body);
    struct forge f = forge_of(as, CONTENT_COMMIT, buf_view(&body));
    f.content.sender = c->m.auth_content.content.sender;
    f.confirmation_tag = c->m.auth_content.auth.confirmation_tag;
    forge_public(&f, out);
    buf_free(&body);
}

void forge_put(struct buf *list, struct bytes proposal)
{
    write_u8(list, 1);
    buf_put(list, proposal);
}

void forge_put_ref(struct buf *list, struct bytes ref)
{
    write_u8(list, 2);
    write_vec(list, ref);
}

void forge_put_change(struct buf *list, struct mls_change change)
{
    write_u8(list, 1);
    assert_int_equal(mls_proposal_write_change(list, &change), 0);
}

/* ---- Key packages ---- */

struct forge_key_package forge_key_package_of(const struct mls_key_package *kp)
{
    return (struct forge_key_package){.message_version = MLS_VERSION,
                                      .version = kp->view.version,
                                      .suite = kp->view.suite,
                                      .init_key = kp->view.init_key,
                                      .leaf = forge_leaf_content(&kp->view.leaf),
                                      .leaf_signer = kp->client->signer,
                                      .signer = kp->client->signer,
                                      .extensions = kp->view.extensions};
}

void forge_key_package(const struct forge_key_package *f, struct buf *out)
{
    struct buf tbs = {0}, sig = {0};
    write_u16(&tbs, f->version);
    write_u16(&tbs, f->suite);
    write_vec(&tbs, f->init_key);
    assert_int_equal(mls_leaf_sign(&f->leaf, f->leaf_signer, bytes_str("the group"), 0, &tbs), 0);
    write_vec(&tbs, f->extensions);
    struct bytes part = buf_view(&tbs);
    assert_int_equal(sign_with_label(f->signer, "KeyPackageTBS", &part, 1, &sig), 0);
    buf_clear(out);
    write_u16(out, f->message_version);
    write_u16(out, MLS_KEY_PACKAGE);
    buf_put(out, buf_view(&tbs));
    write_vec(out, buf_view(&sig));
    assert_int_equal(buf_check(out), 0);
    buf_free(&tbs);
    buf_free(&sig);
}

/* ---- GroupInfo and Welcome ---- */

struct forge_info forge_info_of(const struct mls_group_info_view *v, struct crypto_signer *signer)
{
    return (struct forge_info){.context = v->context.view,
                               .version = MLS_VERSION,
                               .extensions = v->extensions,
                               .confirmation_tag = v->confirmation_tag,
                               .signer_leaf = v->signer,
                               .signer = signer};
}

void forge_info(const struct forge_info *f, struct buf *out)
{
    struct buf context = {0};
    mls_group_context_write(&context, &f->context);
    context.p[0] = (uint8_t)(f->version >> 8);
    context.p[1] = (uint8_t)f->version;
    assert_int_equal(mls_group_info_sign(f->signer, buf_view(&context), f->extensions,
                                         f->confirmation_tag, f->signer_leaf, out),
                     0);
    buf_free(&context);
}

void forge_info_message(const struct forge_info *f, struct buf *out)
{
    buf_clear(out);
    mls_message_begin(out, MLS_GROUP_INFO);
    forge_info(f, out);
}

void forge_welcome_secrets(struct bytes welcome, const struct mls_key_package *kp, struct buf *out,
                           struct mls_group_secrets *out_view)
{
    struct crypto *c = kp->client->crypto;
    struct mls_welcome_view w;
    struct mls_encrypted_secrets e;
    struct hpke_info info;
    assert_int_equal(mls_welcome_parse(welcome, &w), 0);
    assert_int_equal(mls_welcome_find(&w, bytes_of(kp->ref, c->suite->nh), &e), 0);
    assert_int_equal(encrypt_info(c, "Welcome", w.encrypted_group_info, &info), 0);
    assert_int_equal(hpke_open(c, &kp->init_priv, e.secrets.kem_output, &info, bytes_of(NULL, 0),
                               e.secrets.ciphertext, out),
                     0);
    struct reader r = reader_of(buf_view(out));
    mls_group_secrets_read(&r, out_view);
    assert_int_equal(reader_end(&r), 0);
}

void forge_welcome_open(struct bytes welcome, const struct mls_key_package *kp,
                        struct crypto_signer *signer, const struct secret *psk,
                        struct forge_welcome *out)
{
    struct crypto *c = kp->client->crypto;
    struct mls_welcome_view w;
    struct secret joiner = {0}, key = {0}, nonce = {0};
    int error = 0;
    *out = (struct forge_welcome){0};
    secret_zero(&out->psk, c->suite->nh);
    if (psk != NULL)
        out->psk = *psk;
    forge_welcome_secrets(welcome, kp, &out->secrets_bytes, &out->secrets);
    assert_int_equal(mls_welcome_parse(welcome, &w), 0);
    out->suite = w.suite;
    assert_true(secret_set(&joiner, out->secrets.joiner_secret));
    assert_int_equal(mls_welcome_keys(c, &joiner, &out->psk, &key, &nonce), 0);
    assert_int_equal(crypto_aead_open(c, &key, nonce.p, bytes_of(NULL, 0), w.encrypted_group_info,
                                      &out->info_bytes),
                     0);
    struct reader r = reader_of(buf_view(&out->info_bytes));
    mls_group_info_read(&r, &out->view, &error);
    assert_int_equal(reader_end(&r), 0);
    out->info = forge_info_of(&out->view, signer);
}

void forge_welcome_confirm(struct forge_welcome *f, struct crypto *c, uint8_t *tag)
{
    struct buf context = {0};
    struct secret joiner = {0}, encryption = {0};
    struct mls_epoch_secrets epoch = {0};
    mls_group_context_write(&context, &f->info.context);
    assert_true(secret_set(&joiner, f->secrets.joiner_secret));
    assert_int_equal(mls_epoch_derive(c, &joiner, &f->psk, buf_view(&context), &epoch, &encryption),
                     0);
    assert_int_equal(mls_confirmation_tag(c, &epoch.confirmation,
                                          f->info.context.confirmed_transcript_hash, tag),
                     0);
    f->info.confirmation_tag = bytes_of(tag, c->suite->nh);
    buf_free(&context);
}

void forge_welcome_free(struct forge_welcome *f)
{
    buf_free(&f->secrets_bytes);
    buf_free(&f->info_bytes);
}

void forge_welcome(const struct forge_welcome *f, const struct mls_key_package *kp, struct buf *out)
{
    struct crypto *c = kp->client->crypto;
    struct buf info_plain = {0}, info_sealed = {0}, plain = {0}, sealed = {0};
    struct secret joiner = {0}, key = {0}, nonce = {0};
    struct hpke_info info;
    uint8_t enc[CRYPTO_PUBLIC_KEY_MAX];
    forge_info(&f->info, &info_plain);
    assert_true(secret_set(&joiner, f->secrets.joiner_secret));
    assert_int_equal(mls_welcome_keys(c, &joiner, &f->psk, &key, &nonce), 0);
    assert_int_equal(
        crypto_aead_seal(c, &key, nonce.p, bytes_of(NULL, 0), buf_view(&info_plain), &info_sealed),
        0);
    write_vec(&plain, f->secrets.joiner_secret);
    write_u8(&plain, f->secrets.has_path_secret);
    if (f->secrets.has_path_secret)
        write_vec(&plain, f->secrets.path_secret);
    write_vec(&plain, f->secrets.psks);
    assert_int_equal(encrypt_info(c, "Welcome", buf_view(&info_sealed), &info), 0);
    assert_int_equal(
        hpke_seal(c, kp->view.init_key, &info, bytes_of(NULL, 0), buf_view(&plain), enc, &sealed),
        0);
    buf_clear(out);
    mls_message_begin(out, MLS_WELCOME);
    write_u16(out, f->suite);
    size_t mark = write_vec_begin(out);
    write_vec(out, bytes_of(kp->ref, c->suite->nh));
    write_vec(out, bytes_of(enc, c->suite->npk));
    write_vec(out, buf_view(&sealed));
    write_vec_end(out, mark);
    write_vec(out, buf_view(&info_sealed));
    assert_int_equal(buf_check(out), 0);
    buf_free(&info_plain);
    buf_free(&info_sealed);
    buf_free(&plain);
    buf_free(&sealed);
}

void forge_extension(struct bytes list, uint16_t type, struct bytes data, struct buf *out)
{
    struct reader r = reader_of(list);
    struct mls_extension e;
    buf_clear(out);
    while (mls_extensions_next(&r, &e)) {
        if (e.type == type)
            continue;
        write_u16(out, e.type);
        write_vec(out, e.data);
    }
    if (data.p != NULL) {
        write_u16(out, type);
        write_vec(out, data);
    }
    assert_int_equal(buf_check(out), 0);
}
