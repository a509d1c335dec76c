/* The user story in ten lines: create, add, join, protect, receive, export.
 *
 * A real application checks every result; so does this one, by a macro that says which call
 * failed and stops. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <conclave/mls.h>

#define NOW 1700000000u
#define DAY 86400u

#define MUST(call)                                                       \
    do {                                                                 \
        int rv = (call);                                                 \
        if (rv != 0) {                                                   \
            fprintf(stderr, "%s: %s\n", #call, conclave_error_text(rv)); \
            exit(EXIT_FAILURE);                                          \
        }                                                                \
    } while (0)

struct person {
    struct crypto *crypto;
    struct crypto_signer *signer;
    struct mls_client *client;
};

static void person_init(struct person *p, const char *name)
{
    struct mls_client_config config = {
        .suite = CRYPTO_P256_AES128GCM_SHA256_P256,
        .credential = {.type = MLS_BASIC, .identity = bytes_str(name)},
        .callbacks = {.check_identity = mls_identity_accept_any},
        .policy = mls_policy_default(),
    };
    MUST(crypto_new(config.suite, &p->crypto));
    MUST(crypto_signer_generate(p->crypto, &p->signer));
    config.signer = p->signer;
    MUST(mls_client_new(&config, &p->client));
}

static void person_fini(struct person *p)
{
    mls_client_free(p->client);
    crypto_signer_free(p->signer);
    crypto_free(p->crypto);
}

int main(void)
{
    struct person alice, bob;
    struct mls_key_package *kp;
    struct mls_group *at_alice, *at_bob;
    struct buf commit = {0}, welcome = {0}, message = {0};
    struct mls_received received;
    struct bytes none = {0};
    uint8_t key_a[32], key_b[32];

    person_init(&alice, "alice");
    person_init(&bob, "bob");

    /* Bob publishes a key package; Alice founds a group and adds him. */
    MUST(mls_key_package_new(bob.client, NOW, NOW + DAY, false, &kp));
    MUST(mls_group_new(alice.client, bytes_str("tea"), NULL, 0, NOW, &at_alice));
    struct mls_change add = mls_add(mls_key_package_message(kp));
    MUST(mls_group_commit(at_alice, &add, 1, NULL, NOW, &commit));
    MUST(mls_group_merge_own(at_alice, &welcome)); /* once the server has accepted the commit */

    /* Bob joins, Alice writes, Bob reads. */
    MUST(mls_group_join(bob.client, buf_view(&welcome), none, kp, NULL, 0, NOW, &at_bob));
    MUST(mls_group_protect(at_alice, none, bytes_str("Is there tea?"), &message));
    MUST(mls_group_receive(at_bob, buf_view(&message), NOW, &received));
    printf("Bob reads: %.*s\n", (int)received.data.n, (const char *)received.data.p);

    /* Both derive the same key for something else. */
    MUST(mls_group_export(at_alice, "tea pot", none, sizeof key_a, key_a));
    MUST(mls_group_export(at_bob, "tea pot", none, sizeof key_b, key_b));
    bool same = memcmp(key_a, key_b, sizeof key_a) == 0;
    bool right = bytes_equal(buf_view(&received.data), bytes_str("Is there tea?"));
    printf("Their exported keys %s.\n", same ? "agree" : "differ");

    mls_received_free(&received);
    buf_free(&commit);
    buf_free(&welcome);
    buf_free(&message);
    mls_group_free(at_alice);
    mls_group_free(at_bob);
    mls_key_package_free(kp);
    person_fini(&alice);
    person_fini(&bob);
    return same && right ? EXIT_SUCCESS : EXIT_FAILURE;
}
