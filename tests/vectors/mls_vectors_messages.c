/* Every structure read, and written again to the byte (RFC 9420 2, 6, 7, 10, 12). */
#include "mls_vectors.h"

#include "mls/extension.h"
#include "mls_vectors_encode.h"
#include "wire/writer.h"

/* Reads the whole of `in` and writes it to `out` again; 0, or what is wrong with it. arg: the type
 * of a proposal, or of the content of a PublicMessage. */
typedef int transcode(struct vec *v, uint16_t arg, struct bytes in, struct buf *out);

static int end(const struct reader *r, int error)
{
    int rv = reader_end(r);
    return rv != 0 && error != 0 ? error : rv;
}

static int transcode_welcome(struct vec *v, uint16_t arg, struct bytes in, struct buf *out)
{
    struct mls_welcome_view w;
    int rv = mls_welcome_parse(in, &w);
    (void)v;
    (void)arg;
    mls_message_begin(out, MLS_WELCOME);
    if (rv == 0)
        encode_welcome(out, &w);
    return rv;
}

static int transcode_group_info(struct vec *v, uint16_t arg, struct bytes in, struct buf *out)
{
    struct mls_group_info_view info;
    int rv = mls_group_info_parse(in, &info);
    (void)v;
    (void)arg;
    mls_message_begin(out, MLS_GROUP_INFO);
    if (rv == 0)
        encode_group_info(out, &info);
    return rv;
}

static int transcode_key_package(struct vec *v, uint16_t arg, struct bytes in, struct buf *out)
{
    struct mls_key_package_view kp;
    int rv = mls_key_package_parse(in, &kp);
    (void)v;
    (void)arg;
    mls_message_begin(out, MLS_KEY_PACKAGE);
    if (rv == 0)
        encode_key_package(out, &kp);
    return rv;
}

static int transcode_tree(struct vec *v, uint16_t arg, struct bytes in, struct buf *out)
{
    struct mls_tree *t = vec_tree(v);
    struct reader r = reader_of(in);
    (void)arg;
    int rv = vec_ok(v) ? mls_tree_read(t, &r) : CONCLAVE_EINTERNAL;
    if (rv == 0)
        encode_tree(out, t);
    return rv != 0 ? rv : end(&r, 0);
}

static int transcode_group_secrets(struct vec *v, uint16_t arg, struct bytes in, struct buf *out)
{
    struct mls_group_secrets s;
    struct reader r = reader_of(in);
    (void)v;
    (void)arg;
    mls_group_secrets_read(&r, &s);
    int rv = end(&r, 0);
    if (rv == 0)
        encode_group_secrets(out, &s);
    return rv;
}

/* The files have the body of a proposal only; the library reads it with its type in front. */
static int transcode_proposal(struct vec *v, uint16_t arg, struct bytes in, struct buf *out)
{
    struct buf whole = {0};
    struct mls_proposal p;
    int error = 0;
    (void)v;
    write_u16(&whole, arg);
    buf_put(&whole, in);
    struct reader r = reader_of(buf_view(&whole));
    mls_proposal_read(&r, &p, &error);
    int rv = end(&r, error);
    if (rv == 0)
        encode_proposal_body(out, &p);
    buf_free(&whole);
    return rv;
}

static int transcode_commit(struct vec *v, uint16_t arg, struct bytes in, struct buf *out)
{
    struct mls_commit_view c;
    struct reader r = reader_of(in);
    int error = 0;
    (void)v;
    (void)arg;
    mls_commit_read(&r, &c, &error);
    int rv = end(&r, error);
    if (rv == 0)
        encode_commit(out, &c);
    return rv;
}

static int transcode_public(struct vec *v, uint16_t arg, struct bytes in, struct buf *out)
{
    struct mls_message m;
    struct mls_public_message pub;
    int rv = mls_message_parse(in, &m);
    (void)v;
    if (rv == 0 && m.wire_format != MLS_PUBLIC_MESSAGE)
        rv = CONCLAVE_EWIREFORMAT;
    if (rv == 0)
        rv = mls_public_message_parse(m.body, &pub);
    if (rv == 0 && pub.auth_content.content.type != arg)
        rv = CONCLAVE_EWIREFORMAT;
    mls_message_begin(out, MLS_PUBLIC_MESSAGE);
    if (rv == 0)
        encode_public_message(out, &pub);
    return rv;
}

static int transcode_private(struct vec *v, uint16_t arg, struct bytes in, struct buf *out)
{
    struct mls_message m;
    struct mls_private_message priv;
    int rv = mls_message_parse(in, &m);
    (void)v;
    (void)arg;
    if (rv == 0 && m.wire_format != MLS_PRIVATE_MESSAGE)
        rv = CONCLAVE_EWIREFORMAT;
    if (rv == 0)
        rv = mls_private_message_parse(m.body, &priv);
    mls_message_begin(out, MLS_PRIVATE_MESSAGE);
    if (rv == 0)
        encode_private_message(out, &priv);
    return rv;
}

static const struct part {
    const char *name;
    transcode *transcode;
    uint16_t arg;
} parts[] = {
    {"mls_welcome", transcode_welcome, 0},
    {"mls_group_info", transcode_group_info, 0},
    {"mls_key_package", transcode_key_package, 0},
    {"ratchet_tree", transcode_tree, 0},
    {"group_secrets", transcode_group_secrets, 0},
    {"add_proposal", transcode_proposal, MLS_ADD},
    {"update_proposal", transcode_proposal, MLS_UPDATE},
    {"remove_proposal", transcode_proposal, MLS_REMOVE},
    {"pre_shared_key_proposal", transcode_proposal, MLS_PSK},
    {"re_init_proposal", transcode_proposal, MLS_REINIT},
    {"external_init_proposal", transcode_proposal, MLS_EXTERNAL_INIT},
    {"group_context_extensions_proposal", transcode_proposal, MLS_GROUP_CONTEXT_EXTENSIONS},
    {"commit", transcode_commit, 0},
    {"public_message_application", transcode_public, CONTENT_APPLICATION},
    {"public_message_proposal", transcode_public, CONTENT_PROPOSAL},
    {"public_message_commit", transcode_public, CONTENT_COMMIT},
    {"private_message", transcode_private, 0}};

/* No byte may be missing at the end, none too many. */
static void check_cut(struct vec *v, const struct part *part, struct bytes in)
{
    struct buf *out = vec_buf(v), *longer = vec_buf(v);
    uint8_t zero = 0;
    buf_put(longer, in);
    buf_put(longer, bytes_of(&zero, 1));
    vec_true(v, in.n == 0 || part->transcode(v, part->arg, bytes_of(in.p, in.n - 1), out) != 0,
             "the last byte can be left out");
    vec_true(v, part->transcode(v, part->arg, buf_view(longer), out) != 0,
             "a byte too many is read");
}

/* A field may be null, but not missing. The tree tells no suite: any will do to read it. */
void vec_messages(struct vec *v, const json_t *e)
{
    json_t *first = json_pack("{s:i}", "cipher_suite", CRYPTO_P521_AES256GCM_SHA512_P521);
    vec_suite(v, first);
    json_decref(first);
    for (size_t i = 0; vec_ok(v) && i < sizeof parts / sizeof parts[0]; i++) {
        const struct part *part = &parts[i];
        struct buf *out = vec_buf(v);
        if (json_is_null(json_object_get(e, part->name)))
            continue;
        struct bytes in = vec_hex(v, e, part->name);
        if (!vec_ok(v) || !vec_rv(v, part->transcode(v, part->arg, in, out), part->name) ||
            !vec_rv(v, buf_check(out), part->name))
            return;
        vec_same(v, buf_view(out), in, part->name);
        vec_scope(v, "%s", part->name);
        check_cut(v, part, in);
        vec_scope(v, "%s", "");
    }
}
