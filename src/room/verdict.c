#include "room/verdict.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "crypto/suite.h"

struct verdict {
    uint8_t hash[CRYPTO_HASH_MAX];
    uint64_t until; /* Unix seconds; good before */
    struct identity id;
};

void room_verdicts_fini(struct verdicts *v)
{
    for (size_t i = 0; i < ROOM_VERDICTS; i++)
        free(v->at[i]);
    *v = (struct verdicts){0};
}

static int judge(const struct verdict_terms *terms, const struct bytes *chain, size_t n,
                 struct bytes signature_key, uint64_t now, struct identity *out)
{
    struct identity_policy policy = card_identity_policy(terms->card);
    int rv = identity_verify(terms->anchors, chain, n, signature_key, now, &policy, out);
    return rv == CONCLAVE_EINVAL ? 0 : rv; /* a domain of the card is no name: nobody is in it */
}

/* A member keeps the verdict of when it came: MLS lets nobody in whose certificate has expired, so
 * one that has is judged as it was at its end. */
static int judge_chain(const struct verdict_terms *terms, const struct mls_credential *credential,
                       struct bytes signature_key, uint64_t now, struct identity *out)
{
    struct bytes chain[LIMIT_MLS_CHAIN], rest = credential->certificates;
    struct crypto_certificate leaf;
    size_t n = 0;
    while (n < LIMIT_MLS_CHAIN && mls_certificate_next(&rest, &chain[n]))
        n++;
    int rv = judge(terms, chain, n, signature_key, now, out);
    if (rv == 0 && out->reason == IDENTITY_EXPIRED &&
        crypto_certificate(terms->crypto, chain[0], &leaf) == 0 && now > leaf.not_after)
        rv = judge(terms, chain, n, signature_key, leaf.not_after, out);
    return rv;
}

static struct verdict **place_of(struct verdicts *v, const uint8_t *hash)
{
    return &v->at[((size_t)hash[0] << 8 | hash[1]) % ROOM_VERDICTS];
}

int room_verdict_get(struct verdicts *v, const struct verdict_terms *terms,
                     const struct mls_credential *credential, struct bytes signature_key,
                     uint64_t now, struct identity *out)
{
    uint8_t hash[CRYPTO_HASH_MAX] = {0};
    uint8_t length[2] = {(uint8_t)(signature_key.n >> 8), (uint8_t)signature_key.n};
    struct bytes parts[] = {bytes_of(length, 2), signature_key, credential->certificates};
    if (credential->type != MLS_X509) {
        *out = (struct identity){.reason = IDENTITY_NO_CERTIFICATE};
        return 0;
    }
    int rv = crypto_hash(terms->crypto, parts, 3, hash);
    if (rv != 0)
        return rv;
    struct verdict **place = place_of(v, hash);
    if (*place != NULL && now < (*place)->until &&
        bytes_equal(bytes_of((*place)->hash, sizeof hash), bytes_of(hash, sizeof hash))) {
        *out = (*place)->id;
        return 0;
    }
    struct identity id;
    rv = judge_chain(terms, credential, signature_key, now, &id);
    if (rv != 0)
        return rv;
    if (*place == NULL)
        *place = malloc(sizeof **place);
    if (*place != NULL) { /* without memory it is judged again next time */
        memcpy((*place)->hash, hash, sizeof hash);
        (*place)->until = now + ROOM_VERDICT_SECONDS;
        (*place)->id = id;
    }
    *out = id;
    return 0;
}
