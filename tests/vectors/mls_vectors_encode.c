#include "mls_vectors_encode.h"

#include "mls/credential.h"
#include "mls/extension.h"
#include "wire/writer.h"

void encode_extensions(struct buf *b, struct bytes list)
{
    struct reader r = reader_of(list);
    struct mls_extension e;
    size_t mark = write_vec_begin(b);
    while (mls_extensions_next(&r, &e)) {
        write_u16(b, e.type);
        write_vec(b, e.data);
    }
    write_vec_end(b, mark);
}

static void encode_u16s(struct buf *b, struct bytes list)
{
    struct reader r = reader_of(list);
    size_t mark = write_vec_begin(b);
    while (reader_left(&r) != 0)
        write_u16(b, read_u16(&r));
    write_vec_end(b, mark);
}

static void encode_credential(struct buf *b, const struct mls_credential *c)
{
    struct bytes rest = c->certificates, der;
    if (c->type != MLS_X509) {
        mls_credential_write(b, c);
        return;
    }
    write_u16(b, c->type);
    size_t mark = write_vec_begin(b);
    while (mls_certificate_next(&rest, &der))
        write_vec(b, der);
    write_vec_end(b, mark);
}

void encode_leaf(struct buf *b, const struct mls_leaf *leaf)
{
    write_vec(b, leaf->encryption_key);
    write_vec(b, leaf->signature_key);
    encode_credential(b, &leaf->credential);
    encode_u16s(b, leaf->capabilities.versions);
    encode_u16s(b, leaf->capabilities.suites);
    encode_u16s(b, leaf->capabilities.extensions);
    encode_u16s(b, leaf->capabilities.proposals);
    encode_u16s(b, leaf->capabilities.credentials);
    write_u8(b, (uint8_t)leaf->source);
    if (leaf->source == LEAF_KEY_PACKAGE) {
        write_u64(b, leaf->not_before);
        write_u64(b, leaf->not_after);
    } else if (leaf->source == LEAF_COMMIT) {
        write_vec(b, leaf->parent_hash);
    }
    encode_extensions(b, leaf->extensions);
    write_vec(b, leaf->signature);
}

void encode_key_package(struct buf *b, const struct mls_key_package_view *kp)
{
    write_u16(b, kp->version);
    write_u16(b, kp->suite);
    write_vec(b, kp->init_key);
    encode_leaf(b, &kp->leaf);
    encode_extensions(b, kp->extensions);
    write_vec(b, kp->signature);
}

void encode_proposal_body(struct buf *b, const struct mls_proposal *p)
{
    switch (p->type) {
    case MLS_ADD:
        encode_key_package(b, &p->add);
        break;
    case MLS_UPDATE:
        encode_leaf(b, &p->update);
        break;
    case MLS_REMOVE:
        write_u32(b, p->removed);
        break;
    case MLS_PSK:
        mls_psk_id_write(b, &p->psk);
        break;
    case MLS_REINIT:
        write_vec(b, p->reinit.group_id);
        write_u16(b, p->reinit.version);
        write_u16(b, p->reinit.suite);
        encode_extensions(b, p->reinit.extensions);
        break;
    case MLS_EXTERNAL_INIT:
        write_vec(b, p->kem_output);
        break;
    case MLS_GROUP_CONTEXT_EXTENSIONS:
        encode_extensions(b, p->extensions);
        break;
    case MLS_SELF_REMOVE:
        break;
    default:
        write_vec(b, p->data);
    }
}

static void encode_proposal(struct buf *b, const struct mls_proposal *p)
{
    write_u16(b, p->type);
    encode_proposal_body(b, p);
}

static void encode_ciphertext(struct buf *b, const struct mls_ciphertext *ct)
{
    write_vec(b, ct->kem_output);
    write_vec(b, ct->ciphertext);
}

static void encode_path_node(struct buf *b, const struct mls_path_node *node)
{
    struct reader list = reader_of(node->ciphertexts);
    write_vec(b, node->encryption_key);
    size_t mark = write_vec_begin(b);
    while (reader_left(&list) != 0) {
        struct mls_ciphertext ct;
        mls_ciphertext_read(&list, &ct);
        encode_ciphertext(b, &ct);
    }
    write_vec_end(b, mark);
}

void encode_commit(struct buf *b, const struct mls_commit_view *c)
{
    struct reader list = reader_of(c->proposals), nodes = reader_of(c->path_nodes);
    int error = 0;
    size_t mark = write_vec_begin(b);
    while (reader_left(&list) != 0) {
        struct mls_proposal_or_ref p;
        mls_proposal_or_ref_read(&list, &p, &error);
        write_u8(b, p.is_ref ? 2 : 1);
        if (p.is_ref)
            write_vec(b, p.ref);
        else
            encode_proposal(b, &p.proposal);
    }
    write_vec_end(b, mark);
    write_u8(b, c->has_path);
    if (!c->has_path)
        return;
    encode_leaf(b, &c->path_leaf);
    mark = write_vec_begin(b);
    while (reader_left(&nodes) != 0) {
        struct mls_path_node node;
        mls_path_node_read(&nodes, &node);
        encode_path_node(b, &node);
    }
    write_vec_end(b, mark);
}

void encode_group_info(struct buf *b, const struct mls_group_info_view *info)
{
    const struct mls_context *c = &info->context.view;
    write_u16(b, MLS_VERSION);
    write_u16(b, c->suite);
    write_vec(b, c->group_id);
    write_u64(b, c->epoch);
    write_vec(b, c->tree_hash);
    write_vec(b, c->confirmed_transcript_hash);
    encode_extensions(b, c->extensions);
    encode_extensions(b, info->extensions);
    write_vec(b, info->confirmation_tag);
    write_u32(b, info->signer);
    write_vec(b, info->signature);
}

void encode_group_secrets(struct buf *b, const struct mls_group_secrets *s)
{
    struct reader list = reader_of(s->psks);
    write_vec(b, s->joiner_secret);
    write_u8(b, s->has_path_secret);
    if (s->has_path_secret)
        write_vec(b, s->path_secret);
    size_t mark = write_vec_begin(b);
    while (reader_left(&list) != 0) {
        struct mls_psk_id id;
        mls_psk_id_read(&list, &id);
        mls_psk_id_write(b, &id);
    }
    write_vec_end(b, mark);
}

void encode_welcome(struct buf *b, const struct mls_welcome_view *w)
{
    struct reader list = reader_of(w->secrets);
    write_u16(b, w->suite);
    size_t mark = write_vec_begin(b);
    while (reader_left(&list) != 0) {
        struct mls_encrypted_secrets e;
        mls_encrypted_secrets_read(&list, &e);
        write_vec(b, e.new_member);
        encode_ciphertext(b, &e.secrets);
    }
    write_vec_end(b, mark);
    write_vec(b, w->encrypted_group_info);
}

static void encode_body(struct buf *b, const struct mls_content *c)
{
    struct reader r = reader_of(c->body);
    struct mls_proposal proposal;
    struct mls_commit_view commit;
    int error = 0;
    switch (c->type) {
    case CONTENT_APPLICATION:
        write_vec(b, c->body);
        break;
    case CONTENT_PROPOSAL:
        mls_proposal_read(&r, &proposal, &error);
        encode_proposal(b, &proposal);
        break;
    case CONTENT_COMMIT:
        mls_commit_read(&r, &commit, &error);
        encode_commit(b, &commit);
        break;
    }
}

void encode_public_message(struct buf *b, const struct mls_public_message *m)
{
    const struct mls_content *c = &m->auth_content.content;
    const struct mls_auth *auth = &m->auth_content.auth;
    write_vec(b, c->group_id);
    write_u64(b, c->epoch);
    write_u8(b, (uint8_t)c->sender.type);
    if (c->sender.type == MLS_SENDER_MEMBER || c->sender.type == MLS_SENDER_EXTERNAL)
        write_u32(b, c->sender.index);
    write_vec(b, c->authenticated_data);
    write_u8(b, (uint8_t)c->type);
    encode_body(b, c);
    mls_auth_write(b, c->type, auth->signature, auth->confirmation_tag);
    if (c->sender.type == MLS_SENDER_MEMBER)
        write_vec(b, m->membership_tag);
}

void encode_private_message(struct buf *b, const struct mls_private_message *m)
{
    write_vec(b, m->group_id);
    write_u64(b, m->epoch);
    write_u8(b, (uint8_t)m->type);
    write_vec(b, m->authenticated_data);
    write_vec(b, m->encrypted_sender_data);
    write_vec(b, m->ciphertext);
}

/* The leaves from their parts; parent nodes are stored in parts anyway. */
void encode_tree(struct buf *b, const struct mls_tree *t)
{
    uint32_t n = tm_node_count(t->width);
    while (n > 0 && mls_tree_is_blank(t, n - 1))
        n--;
    size_t mark = write_vec_begin(b);
    for (uint32_t i = 0; i < n; i++) {
        const struct mls_leaf *leaf = tm_is_leaf(i) ? mls_tree_leaf(t, tm_leaf(i)) : NULL;
        if (leaf == NULL) {
            mls_tree_write_node(t, i, b);
            continue;
        }
        write_u8(b, 1); /* present, and a leaf */
        write_u8(b, 1);
        encode_leaf(b, leaf);
    }
    write_vec_end(b, mark);
}
