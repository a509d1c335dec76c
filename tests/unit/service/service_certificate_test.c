/* The CA, its certificates, and guests. */
#include "base/base64.h"
#include "service_world.h"

#define CERTIFICATE "/api/v1/certificate"

static json_t *csr_of(struct crypto_signer *signer)
{
    struct buf csr = {0}, text = {0};
    assert_int_equal(identity_csr_make(signer, &csr), 0);
    base64_put(&text, buf_view(&csr));
    json_t *body = json_pack("{s:s%}", "csr", (const char *)text.p, text.n);
    assert_non_null(body);
    buf_free(&csr);
    buf_free(&text);
    return body;
}

/* What whoever trusts this CA makes of a certificate. */
static struct identity look(struct world *w, struct bytes leaf, struct crypto_signer *signer)
{
    const struct identity_anchor how = {.purpose = IDENTITY_PROVIDER};
    const struct identity_policy policy = identity_policy_default();
    struct identity_anchors *a;
    struct identity id;
    struct buf root = {0};
    world_bytes(w, "root", &root);
    assert_int_equal(identity_anchors_new(&a), 0);
    assert_int_equal(identity_anchors_add(a, &how, buf_view(&root)), 0);
    assert_int_equal(
        identity_verify(a, &leaf, 1, crypto_signer_public(signer), w->now, &policy, &id), 0);
    identity_anchors_free(a);
    buf_free(&root);
    return id;
}

static struct identity issue(struct world *w, const char *token)
{
    struct crypto_signer *signer;
    struct buf leaf = {0};
    assert_int_equal(crypto_signer_generate(w->crypto, &signer), 0);
    assert_int_equal(world_ask_json(w, "POST", CERTIFICATE, token, csr_of(signer)), 201);
    const json_t *first = json_array_get(world_list(w, "chain", 1), 0);
    assert_int_equal(base64_read(bytes_str(json_string_value(first)), &leaf), 0);
    struct identity id = look(w, buf_view(&leaf), signer);
    assert_true(world_number(w, "not_after") == (json_int_t)id.not_after);
    buf_free(&leaf);
    crypto_signer_free(signer);
    return id;
}

static void the_server_says_what_it_is(void **state)
{
    struct world *w = *state;
    struct buf data = {0};
    assert_int_equal(world_ask(w, "GET", "/api/v1/ca", NULL, NULL), 200);
    assert_string_equal(world_text(w, "name"), "Conclave at company.com");
    assert_string_equal(world_text(w, "base_url"), WORLD_URL);
    assert_true(world_text(w, "version")[0] != '\0');
    world_bytes(w, "root", &data);
    assert_true(bytes_equal(buf_view(&data), identity_ca_certificate(w->ca)));
    world_bytes(w, "server_key", &data);
    assert_true(bytes_equal(buf_view(&data), crypto_signer_public(w->server)));
    buf_free(&data);
}

static void a_user_gets_a_certificate_for_the_address(void **state)
{
    struct world *w = *state;
    struct identity id = issue(w, world_user(w, "ada@company.com", false).text);
    assert_int_equal(id.reason, IDENTITY_VERIFIED);
    assert_int_equal(id.kind, IDENTITY_USER);
    assert_string_equal(id.identifier, "ada@company.com");
    assert_true(id.not_after == WORLD_NOW + 7 * WORLD_DAY);
    world_audited(w, "user:1", "certificate", "user:1");
}

static void a_device_gets_a_certificate_for_its_name(void **state)
{
    struct world *w = *state;
    struct identity id = issue(w, world_device(w, "room.company.com").text);
    assert_int_equal(id.reason, IDENTITY_VERIFIED);
    assert_int_equal(id.kind, IDENTITY_DEVICE);
    assert_string_equal(id.identifier, "room.company.com");
    world_audited(w, "device:1", "certificate", "device:1");
}

static void a_guest_gets_an_identifier_and_stays_unverified(void **state)
{
    struct world *w = *state;
    struct token guest = world_guest(w);
    char urn[64];
    (void)snprintf(urn, sizeof urn, "%s", world_text(w, "identifier"));
    assert_int_equal(strncmp(urn, "urn:uuid:", 9), 0);
    assert_int_equal(urn[23], '4'); /* RFC 4122 4.1.3 */
    assert_non_null(strchr("89ab", urn[28]));
    assert_true(world_number(w, "expires") == (json_int_t)(WORLD_NOW + WORLD_DAY));
    world_audited(w, NULL, "guest", NULL);
    struct identity id = issue(w, guest.text);
    assert_int_equal(id.category, IDENTITY_UNVERIFIED);
    assert_int_equal(id.reason, IDENTITY_IS_GUEST);
    assert_int_equal(id.kind, IDENTITY_GUEST);
    assert_string_equal(id.identifier, urn);
    assert_true(id.not_after == WORLD_NOW + WORLD_DAY);
}

static void guests_are_told_apart(void **state)
{
    struct world *w = *state;
    char first[64];
    (void)world_guest(w);
    (void)snprintf(first, sizeof first, "%s", world_text(w, "identifier"));
    (void)world_guest(w);
    assert_string_not_equal(first, world_text(w, "identifier"));
}

static void only_delegated_domains_are_vouched_for(void **state)
{
    struct world *w = *state;
    struct crypto_signer *signer;
    const struct token others[] = {
        world_user(w, "ada@example.org", false),
        world_user(w, "ada@mail.company.com", false),
        world_device(w, "room.example.org"),
    };
    assert_int_equal(crypto_signer_generate(w->crypto, &signer), 0);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        uint64_t audited = world_audit_count(w);
        (void)world_ask_json(w, "POST", CERTIFICATE, others[i].text, csr_of(signer));
        world_failed(w, 403, "DOMAIN");
        assert_true(world_audit_count(w) == audited);
    }
    crypto_signer_free(signer);
}

static void each_byte_of_a_request_counts(void **state)
{
    struct world *w = *state;
    struct token ada = world_user(w, "ada@company.com", false);
    struct crypto_signer *signer;
    struct buf csr = {0};
    assert_int_equal(crypto_signer_generate(w->crypto, &signer), 0);
    assert_int_equal(identity_csr_make(signer, &csr), 0);
    for (size_t i = 0; i < csr.n; i += 3) {
        struct buf text = {0};
        csr.p[i] ^= 1;
        base64_put(&text, buf_view(&csr));
        csr.p[i] ^= 1;
        (void)world_ask_json(w, "POST", CERTIFICATE, ada.text,
                             json_pack("{s:s%}", "csr", (const char *)text.p, text.n));
        world_failed_field(w, "csr");
        w->now += 60; /* the rate */
        buf_free(&text);
    }
    buf_free(&csr);
    crypto_signer_free(signer);
}

static void what_is_no_request_is_refused(void **state)
{
    struct world *w = *state;
    struct token ada = world_user(w, "ada@company.com", false);
    struct buf big = {0}, text = {0};
    static const char *const bodies[] = {"{}", "{\"csr\": \"\"}", "{\"csr\": \"?\"}",
                                         "{\"csr\": 1}", "{\"csr\": \"AAAA\"}"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        (void)world_ask(w, "POST", CERTIFICATE, ada.text, bodies[i]);
        world_failed_field(w, "csr");
    }
    buf_put_zero(&big, 4097);
    base64_put(&text, buf_view(&big));
    (void)world_ask_json(w, "POST", CERTIFICATE, ada.text,
                         json_pack("{s:s%}", "csr", (const char *)text.p, text.n));
    world_failed_field(w, "csr");
    buf_free(&big);
    buf_free(&text);
}

static void a_token_gets_so_many_certificates(void **state)
{
    struct world *w = *state;
    struct token ada = world_user(w, "ada@company.com", false);
    struct crypto_signer *signer;
    assert_int_equal(crypto_signer_generate(w->crypto, &signer), 0);
    for (unsigned i = 0; i < 30; i++)
        assert_int_equal(world_ask_json(w, "POST", CERTIFICATE, ada.text, csr_of(signer)), 201);
    (void)world_ask_json(w, "POST", CERTIFICATE, ada.text, csr_of(signer));
    world_failed(w, 429, "TOO_MANY");
    crypto_signer_free(signer);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(the_server_says_what_it_is),
        WITH_WORLD(a_user_gets_a_certificate_for_the_address),
        WITH_WORLD(a_device_gets_a_certificate_for_its_name),
        WITH_WORLD(a_guest_gets_an_identifier_and_stays_unverified),
        WITH_WORLD(guests_are_told_apart),
        WITH_WORLD(only_delegated_domains_are_vouched_for),
        WITH_WORLD(each_byte_of_a_request_counts),
        WITH_WORLD(what_is_no_request_is_refused),
        WITH_WORLD(a_token_gets_so_many_certificates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
