/* What a user's first program would do: ask which library it runs with, and found a group. */
#include <conclave/mls.h>
#include <conclave/version.h>

#include <stdio.h>
#include <string.h>

static int found_group(struct crypto_signer *signer)
{
    struct mls_client_config config = {
        .suite = CRYPTO_P256_AES128GCM_SHA256_P256,
        .signer = signer,
        .credential = {.type = MLS_BASIC, .identity = bytes_str("consumer")},
        .callbacks = {.check_identity = mls_identity_accept_any},
        .policy = mls_policy_default()};
    struct mls_client *client = NULL;
    struct mls_group *group = NULL;
    int rv = mls_client_new(&config, &client);
    if (rv == 0)
        rv = mls_group_new(client, bytes_str("group"), NULL, 0, 1700000000, &group);
    if (rv == 0)
        printf("a group of %u at epoch %llu\n", mls_group_member_count(group),
               (unsigned long long)mls_group_epoch(group));
    else
        printf("failed: %s\n", conclave_error_name(rv));
    mls_group_free(group);
    mls_client_free(client);
    return rv;
}

int main(void)
{
    struct crypto *crypto = NULL;
    struct crypto_signer *signer = NULL;
    printf("conclave %s\n", conclave_version());
    if (strcmp(conclave_version(), CONCLAVE_VERSION) != 0)
        return 1;
    int rv = crypto_new(CRYPTO_P256_AES128GCM_SHA256_P256, &crypto);
    if (rv == 0)
        rv = crypto_signer_generate(crypto, &signer);
    if (rv == 0)
        rv = found_group(signer);
    crypto_signer_free(signer);
    crypto_free(crypto);
    return rv == 0 ? 0 : 1;
}
