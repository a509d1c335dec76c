#include "crypto/aead.h"

#include <stdlib.h>
#include <string.h>

#include "base/wipe.h"
#include "crypto/provider.h"

#define ALIGNMENT AEAD_LINE /* the multi-buffer library wants its keys so */

struct aead_engine {
    const struct aead_provider *fast; /* GCM */
    const struct aead_provider *base; /* everything else */
    void *fast_shared, *base_shared;
    struct mix_seed seed;
};

static int open_fast(enum aead_choice choice, struct aead_engine *e)
{
    e->fast = e->base;
    e->fast_shared = e->base_shared;
    if (choice == AEAD_OPENSSL)
        return 0;
#if defined(CONCLAVE_HAVE_IPSECMB)
    void *shared = NULL;
    int rv = aead_provider_ipsecmb.open(&shared);
    if (rv == 0) {
        e->fast = &aead_provider_ipsecmb;
        e->fast_shared = shared;
        return 0;
    }
#else
    int rv = CONCLAVE_EUNSUPPORTED;
#endif
    return choice == AEAD_BEST && rv == CONCLAVE_EUNSUPPORTED ? 0 : rv;
}

int aead_engine_new(enum aead_choice choice, struct aead_engine **out)
{
    struct aead_engine *e = calloc(1, sizeof *e);
    if (e == NULL)
        return CONCLAVE_ENOMEM;
    e->base = &PROVIDER_MEDIA;
    int rv = e->base->open(&e->base_shared);
    if (rv != 0)
        goto out;
    rv = e->base->random((uint8_t *)&e->seed, sizeof e->seed);
    if (rv == 0)
        rv = open_fast(choice, e);
out:
    if (rv != 0) {
        aead_engine_free(e);
        return rv;
    }
    *out = e;
    return 0;
}

void aead_engine_free(struct aead_engine *e)
{
    if (e == NULL)
        return;
    if (e->fast_shared != NULL && e->fast != e->base)
        e->fast->close(e->fast_shared);
    if (e->base_shared != NULL)
        e->base->close(e->base_shared);
    wipe(e, sizeof *e);
    free(e);
}

const char *aead_engine_name(const struct aead_engine *e)
{
    return e->fast->name;
}

struct mix_seed aead_engine_seed(const struct aead_engine *e)
{
    return e->seed;
}

size_t aead_key_size(enum aead_alg alg)
{
    static const uint8_t sizes[] = {[AEAD_ALG_GCM128] = 16,
                                    [AEAD_ALG_GCM256] = 32,
                                    [AEAD_ALG_CTR128_SHA256] = 16 + 32,
                                    [AEAD_ALG_CTR256_SHA512] = 32 + 64};
    return sizes[alg];
}

static bool tag_size_ok(enum aead_alg alg, size_t tag_n)
{
    if (alg == AEAD_ALG_GCM128 || alg == AEAD_ALG_GCM256)
        return tag_n == AEAD_TAG;
    return tag_n >= 4 && tag_n <= AEAD_TAG;
}

int aead_new(struct aead_engine *e, enum aead_alg alg, size_t tag_n, struct bytes key,
             struct aead **out)
{
    if (key.n != aead_key_size(alg) || !tag_size_ok(alg, tag_n))
        return CONCLAVE_EINVAL;
    const struct aead_provider *p = e->fast;
    void *shared = e->fast_shared;
    size_t state_n = p->state_size(alg);
    if (state_n == 0) {
        p = e->base;
        shared = e->base_shared;
        state_n = p->state_size(alg);
    }
    size_t n = sizeof(struct aead) + state_n + ALIGNMENT - 1;
    uint8_t *block = calloc(1, n);
    if (block == NULL)
        return CONCLAVE_ENOMEM;
    size_t shift = (ALIGNMENT - (uintptr_t)block % ALIGNMENT) % ALIGNMENT;
    struct aead *a = (struct aead *)(void *)(block + shift);
    a->block = block;
    a->block_n = n;
    a->tag_n = tag_n;
    int rv = p->init(shared, a, alg, key);
    if (rv != 0) {
        aead_free(a);
        return rv;
    }
    *out = a;
    return 0;
}

void aead_free(struct aead *a)
{
    if (a == NULL)
        return;
    if (a->fini != NULL)
        a->fini(a);
    void *block = a->block;
    wipe(block, a->block_n);
    free(block);
}

size_t aead_hash_size(enum aead_hash hash)
{
    return hash == AEAD_SHA256 ? 32 : 64;
}

/* RFC 5869 2.2 with an empty salt, which is a string of zeros, which HMAC pads to the same key. */
int aead_extract(struct aead_engine *e, enum aead_hash hash, struct bytes ikm,
                 uint8_t out_prk[static AEAD_HASH_MAX])
{
    return e->base->hmac(e->base_shared, hash, bytes_of(NULL, 0), &ikm, 1, out_prk);
}

/* RFC 5869 2.3 */
int aead_expand(struct aead_engine *e, enum aead_hash hash, struct bytes prk, struct bytes info,
                uint8_t *out, size_t n)
{
    uint8_t block[AEAD_HASH_MAX];
    size_t nh = aead_hash_size(hash), done = 0;
    int rv = n > 255 * nh ? CONCLAVE_EINTERNAL : 0;
    for (uint8_t counter = 1; rv == 0 && done < n; counter++) {
        struct bytes parts[3] = {bytes_of(block, counter == 1 ? 0 : nh), info,
                                 bytes_of(&counter, 1)};
        rv = e->base->hmac(e->base_shared, hash, prk, parts, 3, block);
        size_t take = n - done < nh ? n - done : nh;
        if (rv == 0)
            memcpy(out + done, block, take);
        done += take;
    }
    wipe(block, sizeof block);
    if (rv != 0)
        wipe(out, n);
    return rv;
}

int aead_keystream(struct aead_engine *e, struct bytes key, const uint8_t iv[static 16],
                   uint8_t *out, size_t n)
{
    return e->base->keystream(e->base_shared, key, iv, out, n);
}
