#include "meeting/name.h"

#include <string.h>

#include "crypto/aead.h"
#include "identity/text.h"
#include "meeting/state.h"
#include "wire/reader.h"
#include "wire/writer.h"

static bool name_ok(struct bytes name)
{
    return name.n == 0 || (name.n <= MEETING_NAME_MAX && text_is_plain(name));
}

/* The engine lives as long as one name: names are sealed once and opened when somebody comes. */
static int key_init(struct bytes key, struct aead_engine **out_engine, struct aead **out_key)
{
    int rv = aead_engine_new(AEAD_OPENSSL, out_engine);
    return rv != 0 ? rv : aead_new(*out_engine, AEAD_ALG_GCM256, AEAD_TAG, key, out_key);
}

int meeting_name_seal(struct crypto *c, struct bytes key, struct bytes signature_key,
                      const char *name, struct buf *out)
{
    uint8_t nonce[AEAD_NONCE], sealed[MEETING_NAME_MAX + AEAD_TAG];
    struct aead_engine *engine = NULL;
    struct aead *aead = NULL;
    struct bytes plain = bytes_str(name);
    if (key.n != MEETING_NAME_KEY || !name_ok(plain))
        return CONCLAVE_EINVAL;
    int rv = key_init(key, &engine, &aead);
    if (rv == 0)
        rv = crypto_random(c, nonce, sizeof nonce);
    if (rv == 0)
        rv = aead_seal(aead, nonce, signature_key, plain, sealed, sealed + plain.n);
    if (rv == 0) {
        buf_put(out, bytes_of(nonce, sizeof nonce));
        write_vec(out, bytes_of(sealed, plain.n + AEAD_TAG));
        rv = buf_check(out);
    }
    aead_free(aead);
    aead_engine_free(engine);
    return rv;
}

/* Opens into out, which has room for MEETING_NAME_MAX bytes. */
static bool open_name(struct bytes key, struct bytes signature_key, struct bytes nonce,
                      struct bytes sealed, uint8_t *out)
{
    struct aead_engine *engine = NULL;
    struct aead *aead = NULL;
    size_t n = sealed.n - AEAD_TAG;
    bool ok =
        key_init(key, &engine, &aead) == 0 &&
        aead_open(aead, nonce.p, signature_key, bytes_of(sealed.p, n), sealed.p + n, out) == 0;
    aead_free(aead);
    aead_engine_free(engine);
    return ok;
}

bool meeting_name_open(struct bytes key, struct bytes signature_key, struct bytes leaf_extensions,
                       char out[static MEETING_NAME_MAX + 1])
{
    uint8_t name[MEETING_NAME_MAX];
    struct bytes data;
    out[0] = '\0';
    if (mls_extension_find(leaf_extensions, MEETING_EXT_NAME, &data) != 0)
        return false;
    struct reader r = reader_of(data);
    struct bytes nonce = read_bytes(&r, AEAD_NONCE), sealed = read_vec(&r);
    if (reader_end(&r) != 0 || sealed.n < AEAD_TAG || sealed.n > MEETING_NAME_MAX + AEAD_TAG)
        return false;
    size_t n = sealed.n - AEAD_TAG;
    if (!open_name(key, signature_key, nonce, sealed, name))
        return false;
    if (name_ok(bytes_of(name, n))) {
        memcpy(out, name, n);
        out[n] = '\0';
    }
    return true;
}
