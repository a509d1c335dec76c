#include "mls/welcome.h"

#include "base/limits.h"
#include "wire/writer.h"

void mls_encrypted_secrets_read(struct reader *r, struct mls_encrypted_secrets *out)
{
    out->new_member = read_vec(r);
    mls_ciphertext_read(r, &out->secrets);
}

void mls_welcome_read(struct reader *r, struct mls_welcome_view *out)
{
    struct mls_encrypted_secrets unused;
    *out = (struct mls_welcome_view){.suite = read_u16(r)};
    out->secrets = read_vec(r);
    out->encrypted_group_info = read_vec(r);
    struct reader list = reader_of(out->secrets);
    for (; reader_left(&list) != 0; out->n_secrets++)
        mls_encrypted_secrets_read(&list, &unused);
    if (reader_end(&list) != 0)
        reader_fail(r);
}

void mls_group_secrets_read(struct reader *r, struct mls_group_secrets *out)
{
    struct mls_psk_id unused;
    *out = (struct mls_group_secrets){.joiner_secret = read_vec(r)};
    out->has_path_secret = read_optional(r);
    if (out->has_path_secret)
        out->path_secret = read_vec(r);
    out->psks = read_vec(r);
    struct reader list = reader_of(out->psks);
    while (reader_left(&list) != 0)
        mls_psk_id_read(&list, &unused);
    if (reader_end(&list) != 0)
        reader_fail(r);
}

int mls_welcome_parse(struct bytes message, struct mls_welcome_view *out)
{
    struct bytes body;
    struct mls_welcome_view w;
    int rv = mls_message_expect(message, MLS_WELCOME, &body);
    if (rv != 0)
        return rv;
    struct reader r = reader_of(body);
    mls_welcome_read(&r, &w);
    rv = reader_end(&r);
    if (rv == 0 && w.n_secrets > LIMIT_MLS_LEAVES)
        rv = CONCLAVE_ELIMIT;
    if (rv == 0)
        *out = w;
    return rv;
}

int mls_welcome_find(const struct mls_welcome_view *w, struct bytes ref,
                     struct mls_encrypted_secrets *out)
{
    struct reader list = reader_of(w->secrets);
    while (reader_left(&list) != 0) {
        struct mls_encrypted_secrets e;
        mls_encrypted_secrets_read(&list, &e);
        if (bytes_equal(e.new_member, ref)) {
            *out = e;
            return 0;
        }
    }
    return CONCLAVE_ENOTFORME; /* RFC 9420 12.4.3.1-2 */
}

/* ---- Server aids ---- */

/* A Welcome with one entry. */
static int write_slice(uint16_t suite, const struct mls_encrypted_secrets *e,
                       struct bytes group_info, struct buf *out)
{
    struct buf b = {0};
    mls_message_begin(&b, MLS_WELCOME);
    write_u16(&b, suite);
    size_t mark = write_vec_begin(&b);
    write_vec(&b, e->new_member);
    write_vec(&b, e->secrets.kem_output);
    write_vec(&b, e->secrets.ciphertext);
    write_vec_end(&b, mark);
    write_vec(&b, group_info);
    int rv = buf_check(&b);
    if (rv == 0)
        buf_move(out, &b);
    buf_free(&b);
    return rv;
}

int mls_welcome_open(struct bytes welcome, struct mls_welcome_walk *out)
{
    struct mls_welcome_view w;
    int rv = mls_welcome_parse(welcome, &w);
    if (rv == 0)
        *out = (struct mls_welcome_walk){w.suite, w.n_secrets, w.secrets, w.encrypted_group_info};
    return rv;
}

int mls_welcome_next(struct mls_welcome_walk *walk, struct bytes *out_ref, struct buf *out_slice)
{
    struct reader r = reader_of(walk->rest);
    struct mls_encrypted_secrets e;
    if (reader_left(&r) == 0)
        return CONCLAVE_ENOTFOUND;
    mls_encrypted_secrets_read(&r, &e);
    int rv = out_slice == NULL ? 0 : write_slice(walk->suite, &e, walk->group_info, out_slice);
    if (rv != 0)
        return rv;
    walk->rest = bytes_of(r.p, reader_left(&r));
    *out_ref = e.new_member;
    return 0;
}

int mls_welcome_slice(struct bytes welcome, struct bytes key_package_ref, struct buf *out)
{
    struct mls_welcome_view w;
    struct mls_encrypted_secrets e;
    int rv = mls_welcome_parse(welcome, &w);
    if (rv == 0)
        rv = mls_welcome_find(&w, key_package_ref, &e);
    return rv != 0 ? rv : write_slice(w.suite, &e, w.encrypted_group_info, out);
}
