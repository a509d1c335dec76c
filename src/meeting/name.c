#include "meeting/name.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/aead.h"
#include "identity/text.h"
#include "meeting/state.h"
#include "wire/reader.h"
#include "wire/writer.h"

struct meeting_names {
    struct aead_engine *engine;
    struct aead *key;
};

static bool name_ok(struct bytes name)
{
    return name.n == 0 || (name.n <= MEETING_NAME_MAX && text_is_plain(name));
}

int meeting_names_new(const uint8_t key[static MEETING_NAME_KEY], struct meeting_names **out)
{
    struct meeting_names *names = calloc(1, sizeof *names);
    if (names == NULL)
        return CONCLAVE_ENOMEM;
    int rv = aead_engine_new(AEAD_OPENSSL, &names->engine);
    if (rv == 0)
        rv = aead_new(names->engine, AEAD_ALG_GCM256, AEAD_TAG, bytes_of(key, MEETING_NAME_KEY),
                      &names->key);
    if (rv != 0) {
        meeting_names_free(names);
        return rv;
    }
    *out = names;
    return 0;
}

void meeting_names_free(struct meeting_names *names)
{
    if (names == NULL)
        return;
    aead_free(names->key);
    aead_engine_free(names->engine);
    free(names);
}

int meeting_name_seal(struct meeting_names *names, struct crypto *c, struct bytes signature_key,
                      const char *name, struct buf *out)
{
    uint8_t nonce[AEAD_NONCE], sealed[MEETING_NAME_MAX + AEAD_TAG];
    struct bytes plain = bytes_str(name);
    if (!name_ok(plain))
        return CONCLAVE_EINVAL;
    int rv = crypto_random(c, nonce, sizeof nonce);
    if (rv == 0)
        rv = aead_seal(names->key, nonce, signature_key, plain, sealed, sealed + plain.n);
    if (rv == 0) {
        buf_put(out, bytes_of(nonce, sizeof nonce));
        write_vec(out, bytes_of(sealed, plain.n + AEAD_TAG));
        rv = buf_check(out);
    }
    return rv;
}

bool meeting_name_open(struct meeting_names *names, struct bytes signature_key,
                       struct bytes leaf_extensions, char out[static MEETING_NAME_MAX + 1])
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
    if (aead_open(names->key, nonce.p, signature_key, bytes_of(sealed.p, n), sealed.p + n, name) !=
        0)
        return false;
    if (name_ok(bytes_of(name, n))) {
        memcpy(out, name, n);
        out[n] = '\0';
    }
    return true;
}
