#include "mls/client.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "mls/credential.h"
#include "mls/extension.h"
#include "mls/framing.h"
#include "mls/proposal.h"
#include "wire/writer.h"

/* RFC 9420 13.5: 0x0A0A, 0x1A1A, ... 0xEAEA */
int mls_grease(struct crypto *c, uint16_t *out)
{
    uint8_t r;
    int rv = crypto_random(c, &r, 1);
    if (rv == 0)
        *out = (uint16_t)(0x0a0a + 0x1010 * (r % 15));
    return rv;
}

int mls_extension_list(struct crypto *c, const struct mls_extension *list, size_t n, bool grease,
                       struct buf *out)
{
    uint16_t type = 0;
    uint8_t data[8] = {0};
    int rv = 0;
    if (grease)
        rv = mls_grease(c, &type);
    if (rv == 0 && grease)
        rv = crypto_random(c, data, sizeof data);
    for (size_t i = 0; rv == 0 && i < n; i++) {
        write_u16(out, list[i].type);
        write_vec(out, list[i].data);
        if (list[i].type == type) /* the application plays with GREASE itself */
            grease = false;
    }
    if (rv == 0 && grease) {
        write_u16(out, type);
        write_vec(out, bytes_of(data, data[0] % sizeof data));
    }
    return rv != 0 ? rv : buf_check(out);
}

static void put_list(struct buf *b, const uint16_t *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!mls_u16s_have(buf_view(b), list[i]))
            write_u16(b, list[i]);
}

/* What an application names: not what is default (RFC 9420 7.2-1), nor GREASE (13.5-6), which it
 * cannot support. */
static void put_supported(struct buf *b, const uint16_t *list, size_t n,
                          bool (*is_default)(uint16_t type))
{
    for (size_t i = 0; i < n; i++)
        if (!is_default(list[i]) && !mls_is_grease(list[i]))
            put_list(b, &list[i], 1);
}

/* RFC 9420 7.2-2, 13.4-1: everything supported is listed. */
static int build_capabilities(struct mls_client *c, const struct mls_client_config *config)
{
    enum { VERSIONS, SUITES, EXTENSIONS, PROPOSALS, CREDENTIALS };
    const uint16_t version = MLS_VERSION, self_remove = MLS_SELF_REMOVE,
                   last_resort = MLS_EXT_LAST_RESORT_KEY_PACKAGE;
    struct buf *b = c->caps_bytes;
    int rv = 0;
    put_list(&b[VERSIONS], &version, 1);
    put_list(&b[SUITES], &config->suite, 1);
    put_list(&b[SUITES], config->suites, config->n_suites);
    put_list(&b[EXTENSIONS], &last_resort, 1);
    put_supported(&b[EXTENSIONS], config->extensions, config->n_extensions,
                  mls_extension_is_default);
    put_list(&b[PROPOSALS], &self_remove, 1);
    put_supported(&b[PROPOSALS], config->proposals, config->n_proposals, mls_proposal_is_default);
    put_list(&b[CREDENTIALS], &config->credential.type, 1);
    put_list(&b[CREDENTIALS], config->credentials, config->n_credentials);
    buf_put(&c->supported_extensions, buf_view(&b[EXTENSIONS]));
    for (int i = SUITES; config->policy.grease && rv == 0 && i <= CREDENTIALS; i++) {
        uint16_t value = 0;
        rv = mls_grease(c->crypto, &value);
        if (rv == 0)
            put_list(&b[i], &value, 1);
    }
    for (int i = VERSIONS; rv == 0 && i <= CREDENTIALS; i++)
        rv = buf_check(&b[i]);
    c->capabilities = (struct mls_capabilities){buf_view(&b[VERSIONS]), buf_view(&b[SUITES]),
                                                buf_view(&b[EXTENSIONS]), buf_view(&b[PROPOSALS]),
                                                buf_view(&b[CREDENTIALS])};
    return rv != 0 ? rv : buf_check(&c->supported_extensions);
}

/* RFC 9420 7.2-1, 7.3-9: an extension in the leaf is one of those listed. */
static int build_leaf_extensions(struct mls_client *c, const struct mls_client_config *config)
{
    int rv = mls_extension_list(c->crypto, config->leaf_extensions, config->n_leaf_extensions,
                                false, &c->leaf_extensions);
    if (rv != 0)
        return rv;
    return mls_capabilities_cover(&c->capabilities, buf_view(&c->leaf_extensions)) == 0
               ? 0
               : CONCLAVE_EINVAL;
}

int mls_identity_check_own(struct crypto *c, const struct crypto_signer *signer,
                           const struct mls_credential *credential)
{
    struct crypto_certificate cert;
    struct bytes rest = credential->certificates, der, key = crypto_signer_public(signer);
    if (key.n != c->suite->sig_npk) /* RFC 9420 5.1.2-1 */
        return CONCLAVE_EKEY;
    if (credential->type == MLS_BASIC)
        return 0;
    if (credential->type != MLS_X509 || !mls_certificate_next(&rest, &der))
        return CONCLAVE_ECREDENTIAL;
    int rv = crypto_certificate(c, der, &cert);
    if (rv == 0 && !bytes_equal(bytes_of(cert.public_key, cert.public_key_n), key))
        rv = CONCLAVE_ECREDENTIAL;
    return rv;
}

static int copy_credential(struct mls_client *c, const struct mls_credential *credential)
{
    int error = 0;
    mls_credential_write(&c->credential_bytes, credential);
    int rv = buf_check(&c->credential_bytes);
    if (rv != 0)
        return rv;
    struct reader r = reader_of(buf_view(&c->credential_bytes));
    c->credential = mls_credential_read(&r, &error);
    return reader_end(&r) == 0 ? 0 : CONCLAVE_ECREDENTIAL;
}

static int init(struct mls_client *c, const struct mls_client_config *config)
{
    c->signer = config->signer;
    c->callbacks = config->callbacks;
    c->policy = config->policy;
    c->executor = config->executor;
    int rv = crypto_new(config->suite, &c->crypto);
    if (rv == 0)
        crypto_remember(c->crypto, config->verified);
    if (rv == 0)
        rv = mls_identity_check_own(c->crypto, config->signer, &config->credential);
    if (rv == 0)
        rv = copy_credential(c, &config->credential);
    if (rv == 0)
        rv = build_capabilities(c, config);
    if (rv == 0)
        rv = build_leaf_extensions(c, config);
    return rv;
}

static bool policy_ok(const struct mls_policy *p)
{
    return p->max_lifetime != 0 && p->past_epochs <= LIMIT_MLS_PAST_EPOCHS &&
           p->resumption_epochs <= LIMIT_MLS_PAST_EPOCHS &&
           p->generation_ahead <= LIMIT_MLS_GENERATIONS &&
           p->generation_kept <= LIMIT_MLS_GENERATIONS && p->padding_block <= 65536;
}

int mls_client_new(const struct mls_client_config *config, struct mls_client **out)
{
    if (config->callbacks.check_identity == NULL || config->signer == NULL ||
        !policy_ok(&config->policy))
        return CONCLAVE_EINVAL;
    struct mls_client *c = calloc(1, sizeof *c);
    if (c == NULL)
        return CONCLAVE_ENOMEM;
    c->refs = 1;
    int rv = init(c, config);
    if (rv != 0) {
        mls_client_free(c);
        return rv;
    }
    *out = c;
    return 0;
}

struct mls_client *mls_client_ref(struct mls_client *c)
{
    c->refs++;
    return c;
}

int mls_client_add_signer(struct mls_client *c, struct crypto_signer *signer)
{
    size_t n = c->n_more_signers;
    if (crypto_signer_public(signer).n != c->crypto->suite->sig_npk)
        return CONCLAVE_EKEY;
    struct crypto_signer **bigger =
        (struct crypto_signer **)realloc((void *)c->more_signers, (n + 1) * sizeof(*bigger));
    if (bigger == NULL)
        return CONCLAVE_ENOMEM;
    bigger[n] = signer;
    c->more_signers = bigger;
    c->n_more_signers = n + 1;
    return 0;
}

struct crypto_signer *mls_client_signer_for(const struct mls_client *c, struct bytes public_key)
{
    if (bytes_equal(public_key, crypto_signer_public(c->signer)))
        return c->signer;
    for (size_t i = 0; i < c->n_more_signers; i++)
        if (bytes_equal(public_key, crypto_signer_public(c->more_signers[i])))
            return c->more_signers[i];
    return NULL;
}

int mls_client_sealer(struct mls_client *c, struct crypto **out)
{
    int rv = 0;
    if (c->sealer == NULL)
        rv = crypto_new(CRYPTO_P384_AES256GCM_SHA384_P384, &c->sealer);
    if (rv == 0)
        *out = c->sealer;
    return rv;
}

void mls_client_free(struct mls_client *c)
{
    if (c == NULL || --c->refs != 0)
        return;
    crypto_free(c->crypto);
    crypto_free(c->sealer);
    free((void *)c->more_signers);
    buf_free(&c->credential_bytes);
    for (size_t i = 0; i < 5; i++)
        buf_free(&c->caps_bytes[i]);
    buf_free(&c->supported_extensions);
    buf_free(&c->leaf_extensions);
    free(c);
}

void mls_client_leaf(const struct mls_client *c, const struct crypto_signer *signer,
                     const struct mls_credential *credential, struct mls_leaf_content *out)
{
    *out = (struct mls_leaf_content){.signature_key = crypto_signer_public(signer),
                                     .credential = credential != NULL ? *credential : c->credential,
                                     .capabilities = c->capabilities,
                                     .extensions = buf_view(&c->leaf_extensions)};
}

int mls_client_supports(const struct mls_client *c, struct bytes extensions)
{
    struct mls_capabilities own = {.extensions = buf_view(&c->supported_extensions)};
    return mls_capabilities_cover(&own, extensions);
}

int mls_choose_suite(const uint16_t *preferred, size_t n, const struct bytes *key_packages,
                     size_t n_key_packages, uint16_t *out)
{
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        for (; k < n_key_packages; k++) {
            struct mls_key_package_view kp;
            int rv = mls_key_package_parse(key_packages[k], &kp);
            if (rv != 0)
                return rv;
            if (!mls_u16s_have(kp.leaf.capabilities.suites, preferred[i]) ||
                !mls_u16s_have(kp.leaf.capabilities.versions, MLS_VERSION))
                break;
        }
        if (k == n_key_packages) { /* RFC 9420 11-1: the best that all support */
            *out = preferred[i];
            return 0;
        }
    }
    return CONCLAVE_ENOTFOUND;
}
