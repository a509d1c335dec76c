#include "mls/framing_private.h"

#include <string.h>

#include "base/ct.h"
#include "crypto/labels.h"
#include "wire/writer.h"

int mls_private_message_parse(struct bytes body, struct mls_private_message *out)
{
    struct reader r = reader_of(body);
    struct mls_private_message m;
    m.group_id = read_vec(&r);
    m.epoch = read_u64(&r);
    m.type = (enum mls_content_type)read_u8(&r);
    m.authenticated_data = read_vec(&r);
    m.encrypted_sender_data = read_vec(&r);
    m.ciphertext = read_vec(&r);
    if (reader_end(&r) != 0 || m.type < CONTENT_APPLICATION || m.type > CONTENT_COMMIT)
        return CONCLAVE_ESYNTAX;
    *out = m;
    return 0;
}

/* SenderDataAAD; PrivateContentAAD is the same with authenticated_data behind */
static void write_aad(struct buf *b, struct bytes group_id, uint64_t epoch,
                      enum mls_content_type type)
{
    write_vec(b, group_id);
    write_u64(b, epoch);
    write_u8(b, (uint8_t)type);
}

/* RFC 9420 6.3.2: from a sample of the ciphertext */
static int sender_data_keys(struct crypto *c, const struct secret *secret, struct bytes ciphertext,
                            struct mls_message_key *out)
{
    size_t n = ciphertext.n < c->suite->nh ? ciphertext.n : c->suite->nh;
    struct bytes sample = bytes_of(ciphertext.p, n);
    out->key.n = c->suite->nk;
    out->nonce.n = c->suite->nn;
    int rv = expand_with_label(c, secret, "key", sample, out->key.n, out->key.p);
    if (rv == 0)
        rv = expand_with_label(c, secret, "nonce", sample, out->nonce.n, out->nonce.p);
    return rv;
}

/* RFC 9420 6.3.1-4 */
static void apply_guard(struct secret *nonce, const uint8_t guard[static 4])
{
    for (unsigned i = 0; i < 4; i++)
        nonce->p[i] ^= guard[i];
}

static int seal_sender_data(struct crypto *c, const struct secret *secret,
                            const struct mls_content *content, const struct mls_sender_data *data,
                            struct bytes ciphertext, struct buf *out)
{
    struct mls_message_key key = {0};
    struct buf aad = {0}, plain = {0};
    write_aad(&aad, content->group_id, content->epoch, content->type);
    write_u32(&plain, data->leaf); /* RFC 9420 6.3.2-1 */
    write_u32(&plain, data->generation);
    buf_put(&plain, bytes_of(data->reuse_guard, 4)); /* RFC 9420 6.3.1-5 */
    int rv = aad.failed || plain.failed ? CONCLAVE_ENOMEM : 0;
    if (rv == 0)
        rv = sender_data_keys(c, secret, ciphertext, &key);
    if (rv == 0)
        rv = crypto_aead_seal(c, &key.key, key.nonce.p, buf_view(&aad), buf_view(&plain), out);
    wipe(&key, sizeof key);
    buf_free(&aad);
    buf_free(&plain);
    return rv;
}

/* PrivateMessageContent under the key of the next generation */
static int seal_content(struct crypto *c, struct mls_message_key *key,
                        const struct mls_content *content, struct bytes auth, size_t padding,
                        const uint8_t guard[static 4], struct buf *out)
{
    struct buf aad = {0}, plain = {0};
    write_aad(&aad, content->group_id, content->epoch, content->type);
    write_vec(&aad, content->authenticated_data);
    mls_content_body_write(&plain, content->type, content->body);
    buf_put(&plain, auth);
    buf_put_zero(&plain, padding); /* RFC 9420 6.3.1-1 */
    apply_guard(&key->nonce, guard);
    int rv = aad.failed || plain.failed ? CONCLAVE_ENOMEM : 0;
    if (rv == 0)
        rv = crypto_aead_seal(c, &key->key, key->nonce.p, buf_view(&aad), buf_view(&plain), out);
    buf_free(&aad);
    buf_free(&plain);
    return rv;
}

int mls_private_message_seal(struct crypto *c, const struct secret *sender_data_secret,
                             struct mls_secret_tree *t, const struct mls_content *content,
                             struct bytes auth, size_t padding, struct buf *out,
                             struct mls_ratchet_step **out_step)
{
    struct mls_sender_data data = {.leaf = content->sender.index};
    struct mls_message_key key = {0};
    struct mls_ratchet_step *step = NULL;
    struct buf ciphertext = {0}, sender_data = {0};
    enum mls_ratchet_type type =
        content->type == CONTENT_APPLICATION ? RATCHET_APPLICATION : RATCHET_HANDSHAKE;
    int rv = content->sender.type == MLS_SENDER_MEMBER ? 0 : CONCLAVE_ESENDER;
    if (rv == 0)
        rv = crypto_random(c, data.reuse_guard, sizeof data.reuse_guard);
    if (rv == 0)
        rv = mls_ratchet_next(t, c, data.leaf, type, &data.generation, &key, &step);
    if (rv == 0)
        rv = seal_content(c, &key, content, auth, padding, data.reuse_guard, &ciphertext);
    if (rv == 0)
        rv = seal_sender_data(c, sender_data_secret, content, &data, buf_view(&ciphertext),
                              &sender_data);
    if (rv == 0) {
        mls_message_begin(out, MLS_PRIVATE_MESSAGE);
        write_aad(out, content->group_id, content->epoch, content->type);
        write_vec(out, content->authenticated_data);
        write_vec(out, buf_view(&sender_data));
        write_vec(out, buf_view(&ciphertext));
        rv = buf_check(out);
    }
    if (rv == 0)
        *out_step = step;
    else
        mls_ratchet_step_free(step);
    wipe(&key, sizeof key);
    buf_free(&ciphertext);
    buf_free(&sender_data);
    return rv;
}

int mls_sender_data_open(struct crypto *c, const struct secret *sender_data_secret,
                         const struct mls_private_message *m, struct mls_sender_data *out)
{
    struct mls_message_key key = {0};
    struct buf aad = {0}, plain = {0};
    write_aad(&aad, m->group_id, m->epoch, m->type);
    int rv = buf_check(&aad);
    if (rv == 0)
        rv = sender_data_keys(c, sender_data_secret, m->ciphertext, &key);
    if (rv == 0)
        rv = crypto_aead_open(c, &key.key, key.nonce.p, buf_view(&aad), m->encrypted_sender_data,
                              &plain);
    if (rv == 0) {
        struct reader r = reader_of(buf_view(&plain));
        out->leaf = read_u32(&r);
        out->generation = read_u32(&r);
        struct bytes guard = read_bytes(&r, 4);
        rv = reader_end(&r);
        if (rv == 0)
            memcpy(out->reuse_guard, guard.p, sizeof out->reuse_guard);
    }
    wipe(&key, sizeof key);
    buf_free(&aad);
    buf_free(&plain);
    return rv;
}

/* Splits PrivateMessageContent and puts it together as FramedContent and auth data. */
static int decode(const struct mls_private_message *m, const struct mls_sender_data *sender,
                  struct bytes plain, struct buf *storage, struct mls_authenticated *out)
{
    struct reader r = reader_of(plain);
    struct mls_auth auth;
    int error = 0;
    struct mls_content content = {.group_id = m->group_id,
                                  .epoch = m->epoch,
                                  .sender = {MLS_SENDER_MEMBER, sender->leaf},
                                  .authenticated_data = m->authenticated_data,
                                  .type = m->type};
    content.body = mls_content_body_read(&r, m->type, &error);
    mls_auth_read(&r, m->type, &auth);
    if (!reader_ok(&r))
        return error != 0 ? error : CONCLAVE_ESYNTAX;
    if (!ct_is_zero(bytes_of(r.p, reader_left(&r)))) /* RFC 9420 6.3.1-2 */
        return CONCLAVE_EPADDING;
    write_u16(storage, MLS_PRIVATE_MESSAGE);
    mls_content_write(storage, &content);
    buf_put(storage, auth.raw);
    int rv = buf_check(storage);
    if (rv != 0)
        return rv;
    struct reader again = reader_of(buf_view(storage));
    mls_authenticated_read(&again, out, &error);
    return reader_end(&again);
}

int mls_private_message_open(struct crypto *c, struct mls_message_key *key,
                             const struct mls_private_message *m,
                             const struct mls_sender_data *sender, struct buf *storage,
                             struct mls_authenticated *out)
{
    struct buf aad = {0}, plain = {0};
    write_aad(&aad, m->group_id, m->epoch, m->type);
    write_vec(&aad, m->authenticated_data);
    apply_guard(&key->nonce, sender->reuse_guard);
    int rv = buf_check(&aad);
    if (rv == 0)
        rv = crypto_aead_open(c, &key->key, key->nonce.p, buf_view(&aad), m->ciphertext, &plain);
    if (rv == 0)
        rv = decode(m, sender, buf_view(&plain), storage, out);
    buf_free(&aad);
    buf_free(&plain);
    return rv;
}
