/* Who may stand at the door: a key package that keeps the rules of MLS and of the meeting, looked
 * at with public means. */
#include "support/meeting_world.h"

#include <stdlib.h>
#include <string.h>

#include "meeting/knock.h"
#include "meeting/state.h"
#include "support/mls_forge.h"

/* A client of bob's, and what it can do: everything a meeting asks for, unless changed. */
struct door {
    struct meeting_world world;
    struct meeting_person *bob;
    uint16_t extensions[3];
    struct mls_client_config config;
    struct mls_client *client;
    struct mls_key_package *kp;
};

static void door_init(struct door *d)
{
    *d = (struct door){.extensions = {MEETING_EXT_CARD, MEETING_EXT_STATE, MEETING_EXT_NAME}};
    meeting_world_init(&d->world);
    d->bob = meeting_world_person(&d->world, IDENTITY_USER, "bob@company.com");
    d->config = (struct mls_client_config){.suite = MEETING_SUITE,
                                           .signer = d->bob->signer,
                                           .credential = meeting_person_credential(d->bob),
                                           .callbacks.check_identity = mls_identity_accept_any,
                                           .policy = mls_policy_default(),
                                           .extensions = d->extensions,
                                           .n_extensions = 3};
}

static void door_fini(struct door *d)
{
    mls_key_package_free(d->kp);
    mls_client_free(d->client);
    meeting_world_fini(&d->world);
}

/* A key package valid between those times. */
static struct bytes make_package(struct door *d, uint64_t from, uint64_t to)
{
    mls_key_package_free(d->kp);
    mls_client_free(d->client);
    d->client = NULL;
    d->kp = NULL;
    assert_int_equal(mls_client_new(&d->config, &d->client), 0);
    assert_int_equal(mls_key_package_new(d->client, from, to, false, &d->kp), 0);
    return mls_key_package_message(d->kp);
}

static int knock(struct door *d, struct bytes message, uint64_t now)
{
    struct meeting_knock out = {.ref_n = 77};
    int rv = meeting_knock_read(d->world.public_crypto, message, now, &out);
    assert_int_equal(out.ref_n == 77, rv != 0);
    return rv;
}

static void a_good_key_package_says_who_knocks(void **state)
{
    struct door d;
    struct meeting_knock k;
    struct mls_member member;
    struct buf ref = {0};
    (void)state;
    door_init(&d);
    struct bytes message = make_package(&d, MEETING_NOW - 60, MEETING_NOW + MEETING_DAY);
    assert_int_equal(meeting_knock_read(d.world.public_crypto, message, MEETING_NOW, &k), 0);
    assert_int_equal(mls_key_package_inspect(d.client, message, MEETING_NOW, &member, &ref), 0);
    assert_true(bytes_equal(bytes_of(k.ref, k.ref_n), buf_view(&ref)));
    assert_true(bytes_equal(k.member.signature_key, crypto_signer_public(d.bob->signer)));
    assert_true(bytes_equal(k.member.credential.certificates, buf_view(&d.bob->encoded)));
    assert_int_equal(k.member.leaf_index, MLS_NO_LEAF);
    buf_free(&ref);
    door_fini(&d);
}

static void a_key_package_has_its_time(void **state)
{
    struct door d;
    (void)state;
    door_init(&d);
    struct bytes message = make_package(&d, MEETING_NOW, MEETING_NOW + MEETING_DAY);
    assert_int_equal(knock(&d, message, MEETING_NOW), 0);
    assert_int_equal(knock(&d, message, MEETING_NOW - 1), CONCLAVE_ELIFETIME);
    assert_int_equal(knock(&d, message, MEETING_NOW + MEETING_DAY + 1), CONCLAVE_ELIFETIME);
    d.config.policy.max_lifetime = UINT64_MAX;
    message = make_package(&d, MEETING_NOW, MEETING_NOW + 365 * MEETING_DAY);
    assert_int_equal(knock(&d, message, MEETING_NOW), CONCLAVE_ELIFETIME);
    door_fini(&d);
}

static void so_has_its_certificate(void **state)
{
    struct door d;
    (void)state;
    door_init(&d);
    struct bytes message =
        make_package(&d, MEETING_NOW - MEETING_DAY, MEETING_NOW + 30 * MEETING_DAY);
    assert_int_equal(knock(&d, message, MEETING_NOW + 6 * MEETING_DAY), 0);
    assert_int_equal(knock(&d, message, MEETING_NOW + 8 * MEETING_DAY), CONCLAVE_ELIFETIME);
    assert_int_equal(knock(&d, message, MEETING_NOW - 3600), CONCLAVE_ELIFETIME);
    door_fini(&d);
}

static void each_extension_must_be_known(void **state)
{
    struct door d;
    (void)state;
    door_init(&d);
    for (size_t i = 0; i < 3; i++) {
        uint16_t was = d.extensions[i];
        d.extensions[i] = 0xF0CE;
        struct bytes message = make_package(&d, MEETING_NOW, MEETING_NOW + MEETING_DAY);
        assert_int_equal(knock(&d, message, MEETING_NOW), CONCLAVE_ECAPABILITY);
        d.extensions[i] = was;
    }
    door_fini(&d);
}

static void who_cannot_leave_alone_does_not_knock(void **state)
{
    struct door d;
    struct buf forged = {0};
    (void)state;
    door_init(&d);
    make_package(&d, MEETING_NOW, MEETING_NOW + MEETING_DAY);
    struct forge_key_package f = forge_key_package_of(d.kp);
    forge_key_package(&f, &forged);
    assert_int_equal(knock(&d, buf_view(&forged), MEETING_NOW), 0);
    f.leaf.capabilities.proposals = bytes_of(NULL, 0);
    buf_clear(&forged);
    forge_key_package(&f, &forged);
    assert_int_equal(knock(&d, buf_view(&forged), MEETING_NOW), CONCLAVE_ECAPABILITY);
    buf_free(&forged);
    door_fini(&d);
}

static void a_name_without_certificate_does_not_knock(void **state)
{
    struct door d;
    static const uint16_t x509[] = {MLS_X509};
    (void)state;
    door_init(&d);
    d.config.credential =
        (struct mls_credential){.type = MLS_BASIC, .identity = bytes_str("bob@company.com")};
    struct bytes message = make_package(&d, MEETING_NOW, MEETING_NOW + MEETING_DAY);
    assert_int_equal(knock(&d, message, MEETING_NOW), CONCLAVE_ECAPABILITY);
    d.config.credentials = x509;
    d.config.n_credentials = 1;
    message = make_package(&d, MEETING_NOW, MEETING_NOW + MEETING_DAY);
    assert_int_equal(knock(&d, message, MEETING_NOW), CONCLAVE_ECREDENTIAL);
    door_fini(&d);
}

static void the_suite_is_the_meetings(void **state)
{
    struct door d;
    struct crypto *other;
    struct meeting_knock k;
    (void)state;
    door_init(&d);
    struct bytes message = make_package(&d, MEETING_NOW, MEETING_NOW + MEETING_DAY);
    assert_int_equal(crypto_new_public(CRYPTO_P384_AES256GCM_SHA384_P384, &other), 0);
    assert_int_equal(meeting_knock_read(other, message, MEETING_NOW, &k), CONCLAVE_ESUITE);
    crypto_free(other);
    door_fini(&d);
}

static void no_part_of_a_key_package_knocks(void **state)
{
    struct door d;
    (void)state;
    door_init(&d);
    struct bytes message = make_package(&d, MEETING_NOW, MEETING_NOW + MEETING_DAY);
    for (size_t n = 0; n < message.n; n++) {
        uint8_t *cut = malloc(n + 1); /* of its own size, so that reading beyond it is seen */
        assert_non_null(cut);
        memcpy(cut, message.p, n);
        assert_int_not_equal(knock(&d, bytes_of(cut, n), MEETING_NOW), 0);
        free(cut);
    }
    door_fini(&d);
}

static void no_byte_of_a_key_package_can_be_changed(void **state)
{
    struct door d;
    struct buf changed = {0};
    (void)state;
    door_init(&d);
    buf_put(&changed, make_package(&d, MEETING_NOW, MEETING_NOW + MEETING_DAY));
    for (size_t i = 0; i < changed.n; i++) {
        changed.p[i] ^= 1;
        assert_int_not_equal(knock(&d, buf_view(&changed), MEETING_NOW), 0);
        changed.p[i] ^= 1;
    }
    assert_int_equal(knock(&d, buf_view(&changed), MEETING_NOW), 0);
    buf_free(&changed);
    door_fini(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_key_package_says_who_knocks),
        cmocka_unit_test(a_key_package_has_its_time),
        cmocka_unit_test(so_has_its_certificate),
        cmocka_unit_test(each_extension_must_be_known),
        cmocka_unit_test(who_cannot_leave_alone_does_not_knock),
        cmocka_unit_test(a_name_without_certificate_does_not_knock),
        cmocka_unit_test(the_suite_is_the_meetings),
        cmocka_unit_test(no_part_of_a_key_package_knocks),
        cmocka_unit_test(no_byte_of_a_key_package_can_be_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
