/* RFC 9420 12.4.3.2: joining by an external commit. */
#include <stdlib.h>

#include "base/limits.h"
#include "crypto/hpke.h"
#include "mls/extension.h"
#include "mls/group.h"
#include "mls/group_info.h"
#include "wire/writer.h"

/* RFC 9420 8.3-1: the key to encapsulate to. */
static int external_pub(const struct mls_group_info_view *info, struct bytes *out)
{
    struct bytes data;
    if (mls_extension_find(info->extensions, MLS_EXT_EXTERNAL_PUB, &data) != 0)
        return CONCLAVE_EEXTENSION;
    struct reader r = reader_of(data);
    *out = read_vec(&r);
    return reader_end(&r) == 0 ? 0 : CONCLAVE_EEXTENSION;
}

static int make_init(struct mls_group *g, const struct mls_group_info_view *info,
                     struct secret *out_init, struct buf *proposals)
{
    struct bytes pub;
    struct hpke_info empty;
    uint8_t enc[CRYPTO_PUBLIC_KEY_MAX];
    int rv = external_pub(info, &pub);
    if (rv == 0)
        rv = hpke_info_init(g->crypto, NULL, 0, &empty);
    if (rv == 0)
        rv =
            hpke_send_export(g->crypto, pub, &empty, "MLS 1.0 external init secret", enc, out_init);
    if (rv == 0) {
        write_u8(proposals, 1); /* by value, as all in an external commit */
        mls_proposal_write_external_init(proposals, bytes_of(enc, g->crypto->suite->npk));
    }
    return rv;
}

static int write_proposals(struct mls_group *g, const struct mls_group_info_view *info,
                           uint32_t resume_leaf, const struct bytes *psk_ids, size_t n_psks,
                           struct secret *out_init, struct buf *out)
{
    int rv = make_init(g, info, out_init, out);
    if (rv == 0 && resume_leaf != MLS_NO_LEAF) {
        write_u8(out, 1);
        mls_proposal_write_remove(out, resume_leaf);
    }
    for (size_t i = 0; rv == 0 && i < n_psks; i++) {
        struct mls_change change = mls_external_psk(psk_ids[i]);
        write_u8(out, 1);
        rv = mls_psk_write_change(g->crypto, &change, out);
    }
    return rv != 0 ? rv : buf_check(out);
}

static int stage(struct mls_group *g, struct bytes proposals, uint64_t now, struct mls_staged **out)
{
    struct mls_sender sender = {MLS_SENDER_NEW_MEMBER_COMMIT, MLS_NO_LEAF};
    int rv = mls_staged_begin(&g->pub, sender, proposals, out);
    if (rv == 0)
        rv = mls_staged_apply(&g->pub, *out, now);
    if (rv != 0)
        return rv;
    struct mls_staged_secrets *secrets = calloc(1, sizeof *secrets);
    if (secrets == NULL)
        return CONCLAVE_ENOMEM;
    secrets->own_leaf = (*out)->committer; /* RFC 9420 12.4.1-2 */
    secrets->signer = g->signer;
    (*out)->secrets = secrets;
    (*out)->secrets_free = mls_staged_secrets_free;
    return 0;
}

/* The commit with its path, signed by the newcomer itself (RFC 9420 12.4.3.2-1,
 * 12.4.3.2-4, 12.4.3.2-7). */
static int build(struct mls_group *g, struct mls_staged *s, struct bytes proposals,
                 const struct secret *init, struct buf *out)
{
    struct buf path = {0}, body = {0}, encoded = {0}, auth = {0};
    struct mls_path_secrets path_secrets = {0};
    struct mls_staged_secrets *secrets = s->secrets;
    struct secret commit_secret = {0}, psk = {0};
    struct mls_ratchet_step *none = NULL;
    int rv = mls_group_build_path(g, s, NULL, &path, &path_secrets, &commit_secret);
    if (rv == 0)
        rv = mls_staged_check_tree(&g->pub, s);
    write_vec(&body, proposals);
    write_u8(&body, 1);
    buf_put(&body, buf_view(&path));
    if (rv == 0)
        rv = buf_check(&body);
    struct mls_content content = {.group_id = g->pub.view.group_id,
                                  .epoch = g->pub.view.epoch,
                                  .sender = s->sender,
                                  .type = CONTENT_COMMIT,
                                  .body = buf_view(&body)};
    if (rv == 0)
        rv = mls_group_psk_secret(g, s, &psk);
    if (rv == 0)
        rv = mls_group_seal_commit(g, s, &content, false, init, &commit_secret, &psk, &encoded,
                                   &auth, NULL);
    if (rv == 0)
        rv = mls_group_frame(g, &content, buf_view(&encoded), buf_view(&auth), false, out, &none);
    buf_put(&secrets->message, buf_view(out));
    if (rv == 0)
        rv = buf_check(&secrets->message);
    buf_free(&path);
    buf_free(&body);
    buf_free(&encoded);
    buf_free(&auth);
    wipe(&path_secrets, sizeof path_secrets);
    secret_wipe(&commit_secret);
    secret_wipe(&psk);
    return rv;
}

static int join(struct mls_group *g, const struct mls_group_info_view *info, struct bytes tree,
                uint32_t resume_leaf, const struct bytes *psk_ids, size_t n_psks, uint64_t now,
                struct buf *out_commit)
{
    struct buf proposals = {0};
    struct secret init = {0};
    struct mls_staged *s = NULL;
    g->joining = true;
    int rv = mls_client_supports(g->client, info->context.view.extensions);
    if (rv == 0)
        rv = mls_public_group_load(&g->pub, info, tree, now);
    if (rv == 0)
        rv = write_proposals(g, info, resume_leaf, psk_ids, n_psks, &init, &proposals);
    if (rv == 0)
        rv = stage(g, buf_view(&proposals), now, &s);
    if (rv == 0)
        rv = build(g, s, buf_view(&proposals), &init, out_commit);
    if (rv == 0)
        g->pending = s;
    else
        mls_staged_free(s);
    secret_wipe(&init);
    buf_free(&proposals);
    return rv;
}

int mls_group_join_external(struct mls_client *c, struct bytes group_info, struct bytes tree,
                            uint32_t resume_leaf, const struct bytes *psk_ids, size_t n_psks,
                            uint64_t now, struct mls_group **out, struct buf *out_commit)
{
    struct mls_group_info_view info;
    struct buf commit = {0};
    if (n_psks > LIMIT_MLS_PSKS)
        return CONCLAVE_EINVAL;
    int rv = mls_group_info_parse(group_info, &info);
    if (rv != 0)
        return rv;
    struct mls_group *g = mls_group_alloc(c);
    if (g == NULL)
        return CONCLAVE_ENOMEM;
    rv = join(g, &info, tree, resume_leaf, psk_ids, n_psks, now, &commit);
    if (rv != 0) {
        mls_group_free(g);
        buf_free(&commit);
        return rv;
    }
    *out = g;
    buf_move(out_commit, &commit);
    return 0;
}
