/* The public group, asked: who somebody is, what the state says, what a GroupInfo holds. */
#include <stdlib.h>

#include "crypto/labels.h"
#include "room/inside.h"

/* docs/PROTOCOL.md section 3: members have certificates. Who may come in is the policy's to say. */
static int check_identity(void *ctx, const struct mls_identity_check *check)
{
    (void)ctx;
    return check->credential.type == MLS_X509 || check->event == MLS_IDENTITY_EXTERNAL_SENDER
               ? 0
               : CONCLAVE_ECREDENTIAL;
}

/* The verdict on a credential by itself: for the key that its own certificate holds. */
static bool identity_of(struct room *r, const struct mls_credential *credential,
                        struct identity *out)
{
    struct crypto_certificate certificate;
    struct bytes rest = credential->certificates, der;
    if (!mls_certificate_next(&rest, &der) || crypto_certificate(r->crypto, der, &certificate) != 0)
        return false;
    struct bytes key = bytes_of(certificate.public_key, certificate.public_key_n);
    return room_verdict_get(&r->verdicts, &r->terms, credential, key, room_seconds(r), out) == 0;
}

/* A renewed certificate is another credential of the same person. */
static bool same_identity(void *ctx, const struct mls_credential *a, const struct mls_credential *b)
{
    struct identity last, next;
    if (a->type != MLS_X509 || b->type != MLS_X509)
        return false;
    if (bytes_equal(a->certificates, b->certificates))
        return true;
    return identity_of(ctx, b, &last) && identity_of(ctx, a, &next) && identity_same(&last, &next);
}

struct mls_callbacks room_group_callbacks(struct room *r)
{
    return (struct mls_callbacks){
        .ctx = r, .check_identity = check_identity, .same_identity = same_identity};
}

int room_group_identity(struct room *r, const struct mls_member *m, struct identity *out)
{
    return room_verdict_get(&r->verdicts, &r->terms, &m->credential, m->signature_key,
                            room_seconds(r), out);
}

int room_group_state(const struct room *r, struct meeting_state *out)
{
    struct bytes data;
    int rv = mls_extension_find(r->group->view.extensions, MEETING_EXT_STATE, &data);
    return rv != 0 ? rv : meeting_state_read(data, out);
}

uint64_t room_group_epoch(const struct room *r)
{
    return r->group->view.epoch;
}

int room_group_clone(const struct room *r, struct mls_public_group **out)
{
    const struct mls_public_group *g = r->group;
    struct mls_public_group *copy = calloc(1, sizeof *copy);
    struct mls_tree tree;
    if (copy == NULL)
        return CONCLAVE_ENOMEM;
    copy->crypto = r->crypto;
    copy->callbacks = g->callbacks;
    copy->policy = g->policy;
    mls_tree_clone(&g->tree, &tree);
    int rv =
        mls_public_group_set(copy, &tree, buf_view(&g->context), buf_view(&g->confirmation_tag));
    if (rv != 0) {
        mls_tree_fini(&tree);
        mls_public_group_free(copy);
        return rv;
    }
    *out = copy;
    return 0;
}

/* ---- GroupInfo (RFC 9420 12.4.3) ---- */

int room_group_info_read(struct bytes message, struct group_info *out)
{
    struct reader r = reader_of(message);
    struct mls_group_context context;
    int error = 0;
    if (read_u16(&r) != MLS_VERSION || read_u16(&r) != MLS_GROUP_INFO)
        return CONCLAVE_ESYNTAX;
    const uint8_t *start = r.p;
    mls_group_context_read(&r, &context, &error);
    struct group_info info = {.context = context.raw};
    info.extensions = read_vec(&r);
    info.confirmation_tag = read_vec(&r);
    info.signer = read_u32(&r);
    info.tbs = read_since(&r, start);
    info.signature = read_vec(&r);
    if (reader_end(&r) != 0)
        return CONCLAVE_ESYNTAX;
    *out = info;
    return 0;
}

bool room_group_info_has(const struct group_info *info, uint16_t extension)
{
    struct bytes data;
    return mls_extension_find(info->extensions, extension, &data) == 0;
}

int room_group_info_check(const struct room *r, const struct group_info *info)
{
    const struct mls_public_group *g = r->group;
    struct mls_member signer;
    if (!bytes_equal(info->context, buf_view(&g->context)) ||
        !bytes_equal(info->confirmation_tag, buf_view(&g->confirmation_tag)))
        return CONCLAVE_EEPOCH;
    int rv = mls_public_group_member(g, info->signer, &signer);
    if (rv == 0)
        rv = verify_with_label(r->crypto, signer.signature_key, "GroupInfoTBS", &info->tbs, 1,
                               info->signature);
    return rv;
}
