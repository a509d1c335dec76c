#include "mls/schedule.h"

#include <string.h>

#include "crypto/labels.h"
#include "mls/framing.h"

void mls_epoch_secrets_wipe(struct mls_epoch_secrets *s)
{
    wipe(s, sizeof *s);
}

int mls_joiner_secret(struct crypto *c, const struct secret *init, const struct secret *commit,
                      struct bytes context, struct secret *out)
{
    struct secret extracted = {0}, joiner = {.n = c->suite->nh};
    struct bytes ikm = secret_view(commit);
    int rv = crypto_extract(c, secret_view(init), &ikm, 1, &extracted);
    if (rv == 0)
        rv = expand_with_label(c, &extracted, "joiner", context, joiner.n, joiner.p);
    if (rv == 0)
        *out = joiner;
    secret_wipe(&extracted);
    secret_wipe(&joiner);
    return rv;
}

/* The value between joiner_secret and epoch_secret, from which the welcome_secret comes, too. */
static int member_secret(struct crypto *c, const struct secret *joiner, const struct secret *psk,
                         struct secret *out)
{
    struct bytes ikm = secret_view(psk);
    return crypto_extract(c, secret_view(joiner), &ikm, 1, out);
}

int mls_welcome_keys(struct crypto *c, const struct secret *joiner, const struct secret *psk,
                     struct secret *out_key, struct secret *out_nonce)
{
    struct secret member = {0}, welcome = {0};
    struct secret key = {.n = c->suite->nk}, nonce = {.n = c->suite->nn};
    struct bytes none = bytes_of(NULL, 0);
    int rv = member_secret(c, joiner, psk, &member);
    if (rv == 0)
        rv = derive_secret(c, &member, "welcome", &welcome);
    if (rv == 0)
        rv = expand_with_label(c, &welcome, "key", none, key.n, key.p);
    if (rv == 0)
        rv = expand_with_label(c, &welcome, "nonce", none, nonce.n, nonce.p);
    if (rv == 0) {
        *out_key = key;
        *out_nonce = nonce;
    }
    secret_wipe(&member);
    secret_wipe(&welcome);
    secret_wipe(&key);
    secret_wipe(&nonce);
    return rv;
}

int mls_epoch_derive_from_epoch_secret(struct crypto *c, const struct secret *epoch,
                                       struct mls_epoch_secrets *out, struct secret *out_encryption)
{
    struct mls_epoch_secrets s = {0};
    struct secret encryption = {0};
    const struct {
        const char *label;
        struct secret *to;
    } all[] = {{"sender data", &s.sender_data},
               {"encryption", &encryption},
               {"exporter", &s.exporter},
               {"external", &s.external},
               {"confirm", &s.confirmation},
               {"membership", &s.membership},
               {"resumption", &s.resumption},
               {"authentication", &s.authenticator},
               {"init", &s.init}};
    int rv = 0;
    for (size_t i = 0; rv == 0 && i < sizeof all / sizeof all[0]; i++)
        rv = derive_secret(c, epoch, all[i].label, all[i].to);
    if (rv == 0) {
        *out = s;
        *out_encryption = encryption;
    }
    mls_epoch_secrets_wipe(&s);
    secret_wipe(&encryption);
    return rv;
}

int mls_epoch_derive(struct crypto *c, const struct secret *joiner, const struct secret *psk,
                     struct bytes context, struct mls_epoch_secrets *out,
                     struct secret *out_encryption)
{
    struct secret member = {0}, epoch = {.n = c->suite->nh};
    int rv = member_secret(c, joiner, psk, &member);
    if (rv == 0)
        rv = expand_with_label(c, &member, "epoch", context, epoch.n, epoch.p);
    if (rv == 0)
        rv = mls_epoch_derive_from_epoch_secret(c, &epoch, out, out_encryption);
    secret_wipe(&member);
    secret_wipe(&epoch);
    return rv;
}

int mls_confirmation_tag(struct crypto *c, const struct secret *confirmation,
                         struct bytes confirmed_hash, uint8_t *out)
{
    return crypto_hmac(c, secret_view(confirmation), &confirmed_hash, 1, out);
}

int mls_membership_tag(struct crypto *c, const struct secret *membership, struct bytes content,
                       struct bytes auth, struct bytes context, uint8_t *out)
{
    /* AuthenticatedContentTBM: FramedContentTBS of a member, then FramedContentAuthData */
    static const uint8_t head[4] = {MLS_VERSION >> 8, MLS_VERSION, MLS_PUBLIC_MESSAGE >> 8,
                                    MLS_PUBLIC_MESSAGE};
    struct bytes parts[4] = {bytes_of(head, sizeof head), content, context, auth};
    return crypto_hmac(c, secret_view(membership), parts, 4, out);
}

int mls_exporter(struct crypto *c, const struct secret *exporter, const char *label,
                 struct bytes context, size_t n, uint8_t *out)
{
    uint8_t hashed[CRYPTO_HASH_MAX];
    struct secret derived = {0};
    int rv = derive_secret(c, exporter, label, &derived);
    if (rv == 0)
        rv = crypto_hash(c, &context, 1, hashed);
    if (rv == 0)
        rv = expand_with_label(c, &derived, "exported", bytes_of(hashed, c->suite->nh), n, out);
    secret_wipe(&derived);
    return rv;
}
