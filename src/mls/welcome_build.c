/* RFC 9420 12.4.1, 12.4.3.1: the Welcome for the members that a commit adds. */
#include "crypto/labels.h"
#include "mls/group.h"
#include "mls/group_info.h"
#include "mls/welcome.h"
#include "wire/writer.h"

/* A GroupInfo of the new epoch, encrypted under the joiner secret's keys. */
static int encrypted_group_info(struct mls_group *g, struct mls_staged *s,
                                const struct secret *joiner, const struct secret *psk,
                                const struct mls_commit_options *options, struct buf *out)
{
    struct mls_staged_secrets *secrets = s->secrets;
    struct buf extensions = {0}, info = {0};
    struct secret key = {0}, nonce = {0};
    int rv = mls_group_info_extensions(g, &s->tree, g->client->policy.tree_in_welcome, NULL,
                                       options->group_info_extensions,
                                       options->n_group_info_extensions, &extensions);
    if (rv == 0)
        rv = mls_group_info_sign(secrets->signer, buf_view(&s->context), buf_view(&extensions),
                                 buf_view(&s->confirmation_tag), s->committer, &info);
    if (rv == 0)
        rv = mls_welcome_keys(g->crypto, joiner, psk, &key, &nonce);
    if (rv == 0)
        rv = crypto_aead_seal(g->crypto, &key, nonce.p, bytes_of(NULL, 0), buf_view(&info), out);
    secret_wipe(&key);
    secret_wipe(&nonce);
    buf_free(&extensions);
    buf_free(&info);
    return rv;
}

/* psks<V>, in the order of the proposals (RFC 9420 8.4-1, 12.4.1-8) */
static void write_psks(struct buf *b, const struct mls_staged *s)
{
    size_t mark = write_vec_begin(b);
    for (size_t i = 0; i < s->n_list; i++)
        if (s->list[i].p.type == MLS_PSK)
            buf_put(b, s->list[i].p.psk.raw);
    write_vec_end(b, mark);
}

/* One EncryptedGroupSecrets. */
static int write_joiner(struct mls_group *g, const struct mls_staged *s,
                        const struct mls_listed *added, const struct mls_path_secrets *path_secrets,
                        const struct secret *joiner, const struct hpke_info *info, struct buf *out)
{
    struct buf plain = {0}, sealed = {0};
    uint8_t ref[CRYPTO_HASH_MAX], enc[CRYPTO_PUBLIC_KEY_MAX];
    const struct secret *path =
        path_secrets == NULL ? NULL : mls_path_secret_for(&s->path, path_secrets, added->leaf);
    write_vec(&plain, secret_view(joiner));
    write_u8(&plain, path != NULL);
    if (path != NULL)
        write_vec(&plain, secret_view(path));
    write_psks(&plain, s);
    int rv = buf_check(&plain);
    if (rv == 0)
        rv = mls_key_package_ref(g->crypto, added->p.add.raw, ref);
    if (rv == 0)
        rv = hpke_seal(g->crypto, added->p.add.init_key, info, bytes_of(NULL, 0), buf_view(&plain),
                       enc, &sealed);
    if (rv == 0) {
        write_vec(out, bytes_of(ref, g->crypto->suite->nh));
        write_vec(out, bytes_of(enc, g->crypto->suite->npk));
        write_vec(out, buf_view(&sealed));
        rv = buf_check(out);
    }
    buf_free(&plain);
    buf_free(&sealed);
    return rv;
}

int mls_group_build_welcome(struct mls_group *g, struct mls_staged *s,
                            const struct mls_path_secrets *path_secrets,
                            const struct secret *joiner, const struct secret *psk,
                            const struct mls_commit_options *options, struct buf *out)
{
    struct buf group_info = {0};
    struct hpke_info info;
    int rv = encrypted_group_info(g, s, joiner, psk, options, &group_info);
    if (rv == 0) /* RFC 9420 12.4.3.1-4: the same context for all */
        rv = encrypt_info(g->crypto, "Welcome", buf_view(&group_info), &info);
    mls_message_begin(out, MLS_WELCOME);
    write_u16(out, crypto_suite(g->crypto));
    size_t mark = write_vec_begin(out);
    for (size_t i = 0; rv == 0 && i < s->n_list; i++) /* RFC 9420 12.4.1-9: everybody added */
        if (s->list[i].p.type == MLS_ADD)
            rv = write_joiner(g, s, &s->list[i], path_secrets, joiner, &info, out);
    write_vec_end(out, mark);
    write_vec(out, buf_view(&group_info));
    if (rv == 0)
        rv = buf_check(out);
    buf_free(&group_info);
    return rv;
}
