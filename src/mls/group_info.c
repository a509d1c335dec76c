#include "mls/group_info.h"

#include "crypto/labels.h"
#include "mls/extension.h"
#include "wire/writer.h"

void mls_group_info_read(struct reader *r, struct mls_group_info_view *out, int *error)
{
    const uint8_t *start = r->p;
    *out = (struct mls_group_info_view){0};
    mls_group_context_read(r, &out->context, error);
    out->extensions = mls_extensions_read(r, error);
    out->confirmation_tag = read_vec(r);
    out->signer = read_u32(r);
    out->tbs = read_since(r, start);
    out->signature = read_vec(r);
}

int mls_group_info_parse(struct bytes message, struct mls_group_info_view *out)
{
    struct bytes body;
    struct mls_group_info_view info;
    int error = 0;
    int rv = mls_message_expect(message, MLS_GROUP_INFO, &body);
    if (rv != 0)
        return rv;
    struct reader r = reader_of(body);
    mls_group_info_read(&r, &info, &error);
    if (reader_end(&r) != 0)
        return error != 0 ? error : CONCLAVE_ESYNTAX;
    *out = info;
    return 0;
}

int mls_group_info_verify(struct crypto *c, const struct mls_group_info_view *info,
                          const struct mls_tree *tree)
{
    const struct mls_leaf *signer = mls_tree_leaf(tree, info->signer);
    if (signer == NULL) /* RFC 9420 12.4.3.1-8 */
        return CONCLAVE_ESENDER;
    /* RFC 9420 12.4.3-4, 12.4.3.1-9 */
    return verify_with_label(c, signer->signature_key, "GroupInfoTBS", &info->tbs, 1,
                             info->signature);
}

int mls_group_info_sign(struct crypto_signer *signer, struct bytes context, struct bytes extensions,
                        struct bytes confirmation_tag, uint32_t signer_leaf, struct buf *out)
{
    struct buf signature = {0};
    size_t start = out->n;
    buf_put(out, context);
    write_vec(out, extensions);
    write_vec(out, confirmation_tag);
    write_u32(out, signer_leaf);
    int rv = buf_check(out);
    struct bytes tbs = bytes_of(out->p + start, out->n - start);
    if (rv == 0)
        rv = sign_with_label(signer, "GroupInfoTBS", &tbs, 1, &signature);
    if (rv == 0) {
        write_vec(out, buf_view(&signature));
        rv = buf_check(out);
    }
    buf_free(&signature);
    return rv;
}

int mls_group_info_tree(const struct mls_group_info_view *info, struct bytes apart,
                        struct bytes *out)
{
    if (apart.n != 0) {
        *out = apart;
        return 0;
    }
    /* RFC 9420 12.4.3.1-1 */
    return mls_extension_find(info->extensions, MLS_EXT_RATCHET_TREE, out) == 0 ? 0
                                                                                : CONCLAVE_ETREE;
}

int mls_public_group_load(struct mls_public_group *g, const struct mls_group_info_view *info,
                          struct bytes apart, uint64_t now)
{
    struct mls_tree tree = {0};
    struct bytes encoded;
    if (info->context.view.suite != crypto_suite(g->crypto)) /* RFC 9420 12.4.3.1-11 */
        return CONCLAVE_ESUITE;
    int rv = mls_group_info_tree(info, apart, &encoded);
    if (rv == 0)
        rv = mls_tree_load(g, &info->context.view, encoded, now, &tree);
    if (rv == 0)
        rv = mls_group_info_verify(g->crypto, info, &tree);
    if (rv == 0) /* RFC 9420 5.3.1-7 */
        rv = mls_external_senders_validate(g, info->context.view.extensions, bytes_of(NULL, 0),
                                           g->policy.accept_expired_tree, now);
    if (rv == 0)
        rv = mls_public_group_set(g, &tree, info->context.raw, info->confirmation_tag);
    mls_tree_fini(&tree);
    return rv;
}
