#include "mls/seal.h"

#include "wire/reader.h"
#include "wire/writer.h"

/* The first byte tells plain from sealed; a blob that was sealed must not be taken in as plain. */
enum { PLAIN = 0, SEALED = 1 };

int mls_seal_state(struct crypto *c, struct bytes key, const char *what, const struct buf *plain,
                   struct buf *out)
{
    struct buf b = {0};
    struct secret k = {0};
    uint8_t nonce[CRYPTO_NONCE];
    int rv = key.n == 0 || key.n == SEAL_KEY ? 0 : CONCLAVE_EINVAL;
    write_u8(&b, key.n == 0 ? PLAIN : SEALED);
    if (rv == 0 && key.n == 0) {
        buf_put(&b, buf_view(plain));
    } else if (rv == 0) {
        rv = crypto_random(c, nonce, sizeof nonce);
        buf_put(&b, bytes_of(nonce, sizeof nonce));
        if (rv == 0 && secret_set(&k, key))
            rv = crypto_aead_seal(c, &k, nonce, bytes_str(what), buf_view(plain), &b);
    }
    if (rv == 0)
        rv = buf_check(&b);
    if (rv == 0)
        buf_move(out, &b);
    secret_wipe(&k);
    buf_free(&b);
    return rv;
}

int mls_open_state(struct crypto *c, struct bytes key, const char *what, struct bytes sealed,
                   struct buf *out)
{
    struct reader r = reader_of(sealed);
    struct secret k = {0};
    uint8_t kind = read_u8(&r);
    if (!reader_ok(&r) || kind > SEALED)
        return CONCLAVE_ESYNTAX;
    if (key.n != 0 && key.n != SEAL_KEY)
        return CONCLAVE_EINVAL;
    if ((kind == SEALED) != (key.n != 0))
        return CONCLAVE_EDECRYPT;
    if (kind == PLAIN) {
        buf_put(out, bytes_of(r.p, reader_left(&r)));
        return buf_check(out);
    }
    struct bytes nonce = read_bytes(&r, CRYPTO_NONCE);
    int rv = reader_ok(&r) ? 0 : CONCLAVE_ESYNTAX;
    if (rv == 0 && secret_set(&k, key))
        rv = crypto_aead_open(c, &k, nonce.p, bytes_str(what), bytes_of(r.p, reader_left(&r)), out);
    secret_wipe(&k);
    return rv;
}
