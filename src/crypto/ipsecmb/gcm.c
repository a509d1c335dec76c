/* AES-GCM through intel-ipsec-mb. Only its one-shot functions are used, which need no manager once
 * they are known: the manager finds the fastest for this processor, and is let go. */
#include <immintrin.h>
#include <intel-ipsec-mb.h>
#include <stdlib.h>
#include <string.h>

#include "base/taint.h"
#include "base/wipe.h"
#include "crypto/aead.h"

struct functions {
    aes_gcm_pre_t pre[2]; /* 128, 256 */
    aes_gcm_enc_dec_t enc[2], dec[2];
};

struct key {
    aes_gcm_enc_dec_t enc, dec;
    _Alignas(64) struct gcm_key_data schedule;
};

static bool usable(const IMB_MGR *m)
{
    const uint64_t need =
        IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ | IMB_FEATURE_AVX | IMB_FEATURE_SELF_TEST_PASS;
    return (m->features & need) == need;
}

static int ipsecmb_open(void **out)
{
    IMB_ARCH arch;
    struct functions *f = calloc(1, sizeof *f);
    IMB_MGR *m = alloc_mb_mgr(0);
    int rv = CONCLAVE_ENOMEM;
    if (f == NULL || m == NULL)
        goto out;
    init_mb_mgr_auto(m, &arch);
    rv = CONCLAVE_EUNSUPPORTED;
    if (!usable(m))
        goto out;
    *f = (struct functions){{m->gcm128_pre, m->gcm256_pre},
                            {m->gcm128_enc, m->gcm256_enc},
                            {m->gcm128_dec, m->gcm256_dec}};
    *out = f;
    f = NULL;
    rv = 0;
out:
    if (m != NULL)
        free_mb_mgr(m);
    free(f);
    return rv;
}

static void ipsecmb_close(void *shared)
{
    free(shared);
}

static struct key *key_of(struct aead *a)
{
    return (struct key *)(void *)a->state;
}

/* What the library leaves in its context holds key stream. Stores of 16 bytes, since what a
 * compiler makes of memset() here takes as long as the encryption of a short packet. */
static inline void forget(struct gcm_context_data *ctx)
{
    _Static_assert(sizeof *ctx == 5 * 16 + 8, "the stores below cover the context");
    uint8_t *p = (uint8_t *)ctx;
    for (size_t i = 0; i < 5; i++)
        _mm_storeu_si128((__m128i_u *)(void *)(p + 16 * i), _mm_setzero_si128());
    _mm_storel_epi64((__m128i_u *)(void *)(p + 80), _mm_setzero_si128());
    __asm__ volatile("" : : "r"(ctx) : "memory");
}

/* Whether the tags are equal, in the same time whatever they are. */
static inline bool tags_equal(const uint8_t *a, const uint8_t *b)
{
    uint64_t x[2], y[2];
    memcpy(x, a, sizeof x);
    memcpy(y, b, sizeof y);
    uint64_t diff = (x[0] ^ y[0]) | (x[1] ^ y[1]);
    __asm__ volatile("" : "+r"(diff));
    bool equal = diff == 0;
    taint_public(&equal, sizeof equal); /* that a frame is refused, everybody may see */
    return equal;
}

static int ipsecmb_seal(struct aead *a, const uint8_t *nonce, struct bytes aad, struct bytes plain,
                        uint8_t *out, uint8_t *out_tag)
{
    struct gcm_context_data ctx;
    struct key *k = key_of(a);
    k->enc(&k->schedule, &ctx, out, plain.p, plain.n, nonce, aad.p, aad.n, out_tag, AEAD_TAG);
    forget(&ctx);
    return 0;
}

static int ipsecmb_unseal(struct aead *a, const uint8_t *nonce, struct bytes aad,
                          struct bytes cipher, const uint8_t *tag, uint8_t *out)
{
    struct gcm_context_data ctx;
    struct key *k = key_of(a);
    uint8_t want[AEAD_TAG];
    k->dec(&k->schedule, &ctx, out, cipher.p, cipher.n, nonce, aad.p, aad.n, want, AEAD_TAG);
    forget(&ctx);
    if (tags_equal(want, tag))
        return 0;
    wipe(out, cipher.n);
    return CONCLAVE_EDECRYPT;
}

static void ipsecmb_bare(struct aead *a, bool sealing, const uint8_t *nonce, struct bytes aad,
                         struct bytes in, uint8_t *out, uint8_t *out_tag)
{
    struct gcm_context_data ctx; /* written by the call */
    struct key *k = key_of(a);
    aes_gcm_enc_dec_t crypt = sealing ? k->enc : k->dec;
    crypt(&k->schedule, &ctx, out, in.p, in.n, nonce, aad.p, aad.n, out_tag, AEAD_TAG);
}

static size_t ipsecmb_state_size(enum aead_alg alg)
{
    return alg == AEAD_ALG_GCM128 || alg == AEAD_ALG_GCM256 ? sizeof(struct key) : 0;
}

static int ipsecmb_init(void *shared, struct aead *a, enum aead_alg alg, struct bytes key)
{
    const struct functions *f = shared;
    struct key *k = key_of(a);
    unsigned which = alg == AEAD_ALG_GCM256;
    k->enc = f->enc[which];
    k->dec = f->dec[which];
    f->pre[which](key.p, &k->schedule);
    a->seal = ipsecmb_seal;
    a->open = ipsecmb_unseal;
    a->bare = ipsecmb_bare;
    return 0;
}

const struct aead_provider aead_provider_ipsecmb = {
    .name = "ipsec-mb",
    .open = ipsecmb_open,
    .close = ipsecmb_close,
    .state_size = ipsecmb_state_size,
    .init = ipsecmb_init,
};
