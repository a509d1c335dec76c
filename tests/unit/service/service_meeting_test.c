/* Meetings: whose card is taken, and what becomes of it. */
#include "base/base64.h"
#include "service_world.h"
#include "support/alloc_fail.h"

#define MEETINGS "/api/v1/meetings"
#define PERSONAL "/api/v1/meetings/personal"
#define ADA "ada@company.com"

struct stage {
    struct world *w;
    struct token ada;
    struct organiser organiser;
    struct card_terms terms;
};

static int setup(void **state)
{
    struct stage *s = calloc(1, sizeof *s);
    void *world;
    assert_non_null(s);
    assert_int_equal(world_setup(&world), 0);
    s->w = world;
    s->ada = world_user(s->w, ADA, false);
    organiser_init(&s->organiser, s->w, s->ada.text);
    s->terms = world_terms(s->w, ADA);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct stage *s = *state;
    void *world = s->w;
    organiser_fini(&s->organiser);
    (void)world_teardown(&world);
    free(s);
    return 0;
}

static int post(struct stage *s)
{
    return world_ask_json(s->w, "POST", MEETINGS, s->ada.text,
                          world_card(&s->organiser, &s->terms));
}

static int put(struct stage *s)
{
    return world_ask_json(s->w, "PUT", PERSONAL, s->ada.text, world_card(&s->organiser, &s->terms));
}

static void keep_number(struct stage *s, char out[static 11])
{
    assert_int_equal(strlen(world_text(s->w, "number")), 10);
    memcpy(out, world_text(s->w, "number"), 11);
}

static void new_id(struct stage *s)
{
    assert_int_equal(crypto_random(s->w->crypto, s->terms.meeting_id, CARD_ID), 0);
}

static void a_card_gets_a_number_and_a_link(void **state)
{
    struct stage *s = *state;
    struct store_meeting m;
    char number[11], link[128], object[32];
    assert_int_equal(post(s), 201);
    keep_number(s, number);
    (void)snprintf(link, sizeof link, WORLD_URL "/m/%s", number);
    assert_string_equal(world_text(s->w, "link_base"), link);
    (void)snprintf(object, sizeof object, "meeting:%s", number);
    world_audited(s->w, "user:1", "meeting-create", object);
    assert_int_equal(store_meeting_get(s->w->store, number, &m), 0);
    assert_memory_equal(m.meeting_id, s->terms.meeting_id, CARD_ID);
    assert_string_equal(m.owner, ADA);
    assert_true(!m.open && !m.personal && m.access_hash[0] == 0xac);
    assert_true(m.created_at == WORLD_NOW && m.not_after == s->terms.not_after);
    store_meeting_fini(&m);
}

static void the_same_request_again_gets_the_same_number(void **state)
{
    struct stage *s = *state;
    char number[11];
    json_t *body = world_card(&s->organiser, &s->terms);
    json_incref(body);
    assert_int_equal(world_ask_json(s->w, "POST", MEETINGS, s->ada.text, body), 201);
    keep_number(s, number);
    assert_int_equal(world_ask_json(s->w, "POST", MEETINGS, s->ada.text, body), 200);
    assert_string_equal(world_text(s->w, "number"), number);
}

static void a_meeting_id_is_that_of_one_meeting(void **state)
{
    struct stage *s = *state;
    assert_int_equal(post(s), 201);
    s->terms.title = "Another";
    (void)post(s);
    world_failed(s->w, 409, "NAME_TAKEN");
}

/* Each of these would be a card that clients refuse, or a meeting in another's name. */
static void other_cards_are_refused(void **state)
{
    struct stage *s = *state;
    const struct card_terms right = s->terms;
    uint8_t key[CRYPTO_PUBLIC_KEY_MAX];
    struct bytes server_key = crypto_signer_public(s->w->server);
    memcpy(key, server_key.p, server_key.n);
    key[server_key.n - 1] ^= 1;

    s->terms.server_key = bytes_of(key, server_key.n);
    (void)post(s);
    world_failed(s->w, 400, "CARD_SERVER");

    s->terms = right;
    s->terms.provider_root = bytes_of(NULL, 0);
    (void)post(s);
    world_failed(s->w, 400, "CARD_SERVER");

    s->terms = right;
    s->terms.not_after = s->w->now;
    (void)post(s);
    world_failed(s->w, 400, "EXPIRED_LINK");

    s->terms = right;
    s->terms.mode = CARD_STANDARD;
    (void)post(s);
    world_failed(s->w, 400, "STANDARD_MODE");

    s->terms = right;
    s->terms.hosts[0] = "grace@company.com";
    (void)post(s);
    world_failed(s->w, 403, "NOT_ENTITLED");

    s->terms = right;
    s->terms.created_at = s->w->now - WORLD_DAY; /* before the certificate */
    (void)post(s);
    world_failed(s->w, 400, "CARD_INVALID");

    s->terms = right;
    assert_int_equal(post(s), 201);
}

static void a_card_with_another_signature_is_refused(void **state)
{
    struct stage *s = *state;
    struct buf card = {0}, text = {0};
    json_t *body = world_card(&s->organiser, &s->terms);
    const char *right = json_string_value(json_object_get(body, "card"));
    assert_int_equal(base64_read(bytes_str(right), &card), 0);
    card.p[card.n - 1] ^= 1;
    base64_put(&text, buf_view(&card));
    assert_int_equal(json_object_set_new(body, "card", json_stringn((const char *)text.p, text.n)),
                     0);
    (void)world_ask_json(s->w, "POST", MEETINGS, s->ada.text, body);
    world_failed(s->w, 400, "CARD_INVALID");
    buf_free(&card);
    buf_free(&text);
}

/* The right name, from a CA that nobody here trusts. */
static void a_card_with_a_certificate_of_elsewhere_is_refused(void **state)
{
    struct stage *s = *state;
    static const char *const domains[] = {"company.com"};
    const struct identity_ca_config config = {"Conclave at company.com", domains, 1, 0};
    const struct identity_subject ada = {IDENTITY_USER, ADA};
    struct identity_ca *other;
    struct buf csr = {0};
    assert_int_equal(identity_ca_new(s->w->crypto, &config, s->w->now, &other), 0);
    assert_int_equal(identity_csr_make(s->organiser.signer, &csr), 0);
    buf_clear(&s->organiser.certificate);
    assert_int_equal(identity_ca_issue(other, buf_view(&csr), &ada, s->w->now, WORLD_DAY,
                                       &s->organiser.certificate),
                     0);
    (void)post(s);
    world_failed(s->w, 400, "CARD_INVALID");
    identity_ca_free(other);
    buf_free(&csr);
}

static void a_card_of_another_version_is_refused(void **state)
{
    struct stage *s = *state;
    (void)world_ask(s->w, "POST", MEETINGS, s->ada.text, "{\"card\": \"AAAA\"}");
    world_failed(s->w, 400, "VERSION");
}

static void somebody_elses_card_is_refused(void **state)
{
    struct stage *s = *state;
    struct token grace = world_user(s->w, "grace@company.com", true);
    (void)world_ask_json(s->w, "POST", MEETINGS, grace.text, world_card(&s->organiser, &s->terms));
    world_failed(s->w, 403, "NOT_ENTITLED");
}

static void a_body_without_its_parts_is_refused(void **state)
{
    struct stage *s = *state;
    static const struct {
        const char *field, *value; /* NULL: left out */
    } cases[] = {
        {"card", NULL},        {"card", "AAEA"},        {"card", "%"},
        {"access_hash", NULL}, {"access_hash", "AAAA"}, {"access_hash", "%"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *body = world_card(&s->organiser, &s->terms);
        if (cases[i].value == NULL)
            assert_int_equal(json_object_del(body, cases[i].field), 0);
        else
            assert_int_equal(json_object_set_new(body, cases[i].field, json_string(cases[i].value)),
                             0);
        (void)world_ask_json(s->w, "POST", MEETINGS, s->ada.text, body);
        world_failed_field(s->w, cases[i].field);
    }
    json_t *body = world_card(&s->organiser, &s->terms);
    assert_int_equal(json_object_set_new(body, "personal", json_string("yes")), 0);
    (void)world_ask_json(s->w, "POST", MEETINGS, s->ada.text, body);
    world_failed_field(s->w, "personal");
}

static void an_open_meeting_has_no_access_hash(void **state)
{
    struct stage *s = *state;
    struct store_meeting m;
    char number[11];
    s->terms.open = true;
    json_t *body = world_card(&s->organiser, &s->terms);
    assert_int_equal(json_object_del(body, "access_hash"), 0);
    assert_int_equal(world_ask_json(s->w, "POST", MEETINGS, s->ada.text, body), 201);
    keep_number(s, number);
    assert_int_equal(store_meeting_get(s->w->store, number, &m), 0);
    assert_true(m.open && m.access_hash[0] == 0);
    store_meeting_fini(&m);
}

static void a_device_may_be_the_organiser(void **state)
{
    struct stage *s = *state;
    struct token device = world_device(s->w, "room.company.com");
    organiser_fini(&s->organiser);
    organiser_init(&s->organiser, s->w, device.text);
    s->terms.hosts[0] = "room.company.com";
    assert_int_equal(
        world_ask_json(s->w, "POST", MEETINGS, device.text, world_card(&s->organiser, &s->terms)),
        201);
}

static void people_see_and_delete_their_own_meetings(void **state)
{
    struct stage *s = *state;
    struct world *w = s->w;
    struct token grace = world_user(w, "grace@company.com", true);
    char number[11], path[64];
    assert_int_equal(post(s), 201);
    keep_number(s, number);
    (void)snprintf(path, sizeof path, MEETINGS "/%s", number);

    assert_int_equal(world_ask(w, "GET", MEETINGS, s->ada.text, NULL), 200);
    const json_t *m = json_array_get(world_list(w, "meetings", 1), 0);
    assert_string_equal(json_string_value(json_object_get(m, "number")), number);
    assert_string_equal(json_string_value(json_object_get(m, "owner")), ADA);
    assert_int_equal(json_integer_value(json_object_get(m, "not_after")), WORLD_NOW + WORLD_DAY);
    assert_true(json_string_length(json_object_get(m, "card")) > 500);

    assert_int_equal(world_ask(w, "GET", MEETINGS, grace.text, NULL), 200);
    (void)world_list(w, "meetings", 0);
    (void)world_ask(w, "DELETE", path, grace.text, NULL);
    world_failed(w, 404, "NO_SUCH_ENTRY");

    memcpy(w->hall.live[w->hall.n_live++], number, 11);
    assert_int_equal(world_ask(w, "DELETE", path, s->ada.text, NULL), 204);
    assert_int_equal(w->hall.n_ended, 1);
    world_audited(w, "user:1", "meeting-delete", NULL);
    (void)world_ask(w, "DELETE", path, s->ada.text, NULL);
    world_failed(w, 404, "NO_SUCH_ENTRY");
}

static void what_is_no_number_is_not_found(void **state)
{
    struct stage *s = *state;
    static const char *const numbers[] = {"123456789", "12345678901", "123456789x", "personal",
                                          "1234567890"};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, MEETINGS "/%s", numbers[i]);
        int status = world_ask(s->w, "DELETE", path, s->ada.text, NULL);
        assert_int_equal(status, 404);
    }
}

static void lists_come_in_pages(void **state)
{
    struct stage *s = *state;
    char query[64] = "max=2";
    unsigned seen = 0;
    for (unsigned i = 0; i < 5; i++) {
        new_id(s);
        assert_int_equal(post(s), 201);
    }
    for (unsigned page = 0; page < 3; page++) {
        assert_int_equal(world_ask_query(s->w, MEETINGS, query, s->ada.text), 200);
        seen += (unsigned)json_array_size(json_object_get(s->w->json, "meetings"));
        assert_int_equal(json_object_get(s->w->json, "next") != NULL, page < 2);
        if (page < 2)
            (void)snprintf(query, sizeof query, "max=2&after=%s", world_text(s->w, "next"));
    }
    assert_int_equal(seen, 5);
}

static void a_page_of_large_cards_is_shorter(void **state)
{
    struct stage *s = *state;
    struct store_meeting m = {.owner = ADA};
    buf_put_zero(&m.card, 32u << 10);
    for (unsigned i = 0; i < 20; i++) {
        (void)snprintf(m.number, sizeof m.number, "%010u", i);
        memcpy(m.meeting_id, m.number, 10);
        assert_int_equal(store_meeting_add(s->w->store, &m), 0);
    }
    store_meeting_fini(&m);
    assert_int_equal(world_ask(s->w, "GET", MEETINGS, s->ada.text, NULL), 200);
    (void)world_list(s->w, "meetings", 16);
    assert_string_equal(world_text(s->w, "next"), "0000000015");
    assert_int_equal(world_ask_query(s->w, MEETINGS, "after=0000000015", s->ada.text), 200);
    (void)world_list(s->w, "meetings", 4);
    assert_null(json_object_get(s->w->json, "next"));
}

static void a_personal_room_keeps_its_number(void **state)
{
    struct stage *s = *state;
    struct world *w = s->w;
    struct store_meeting m;
    char number[11];
    s->terms.not_after = 0;
    assert_int_equal(put(s), 201);
    keep_number(s, number);
    world_audited(w, "user:1", "personal-create", NULL);

    memcpy(w->hall.live[w->hall.n_live++], number, 11);
    new_id(s);
    assert_int_equal(put(s), 201);
    assert_string_equal(world_text(w, "number"), number);
    assert_int_equal(w->hall.n_ended, 1);
    assert_int_equal(store_meeting_get(w->store, number, &m), 0);
    assert_true(m.personal);
    assert_memory_equal(m.meeting_id, s->terms.meeting_id, CARD_ID);
    store_meeting_fini(&m);
    assert_int_equal(world_ask(w, "GET", MEETINGS, s->ada.text, NULL), 200);
    (void)world_list(w, "meetings", 1);
}

static void a_personal_room_can_be_made_like_any_meeting(void **state)
{
    struct stage *s = *state;
    for (int status = 201; status <= 409; status += 208) {
        json_t *body = world_card(&s->organiser, &s->terms);
        assert_int_equal(json_object_set_new(body, "personal", json_true()), 0);
        assert_int_equal(world_ask_json(s->w, "POST", MEETINGS, s->ada.text, body), status);
        new_id(s);
    }
    world_failed(s->w, 409, "NAME_TAKEN");
}

/* Another meeting's id: the old room stays as it was. */
static void a_personal_room_that_cannot_be_replaced_stays(void **state)
{
    struct stage *s = *state;
    struct card_terms other = s->terms;
    struct store_meeting m;
    assert_int_equal(put(s), 201);
    new_id(s);
    assert_int_equal(post(s), 201);
    s->terms.title = "Another";
    (void)put(s);
    world_failed(s->w, 409, "NAME_TAKEN");
    assert_int_equal(store_meeting_personal(s->w->store, ADA, &m), 0);
    assert_memory_equal(m.meeting_id, other.meeting_id, CARD_ID);
    store_meeting_fini(&m);
}

static void a_room_that_cannot_be_ended_is_not_removed(void **state)
{
    struct stage *s = *state;
    struct store_meeting m;
    char number[11], path[64];
    assert_int_equal(post(s), 201);
    keep_number(s, number);
    (void)snprintf(path, sizeof path, MEETINGS "/%s", number);
    s->w->hall.error = CONCLAVE_ESTORE;
    (void)world_ask(s->w, "DELETE", path, s->ada.text, NULL);
    world_failed(s->w, 500, "SERVER_ERROR");
    assert_int_equal(store_meeting_get(s->w->store, number, &m), 0);
    store_meeting_fini(&m);
}

static void an_owner_has_so_many_meetings(void **state)
{
    struct stage *s = *state;
    assert_int_equal(store_begin(s->w->store), 0);
    for (unsigned i = 0; i < 1000; i++) {
        struct store_meeting m = {.owner = ADA};
        (void)snprintf(m.number, sizeof m.number, "%010u", i);
        memcpy(m.meeting_id, m.number, 10);
        assert_int_equal(store_meeting_add(s->w->store, &m), 0);
    }
    assert_int_equal(store_commit(s->w->store), 0);
    (void)post(s);
    world_failed(s->w, 403, "QUOTA");
    assert_int_equal(store_meeting_remove(s->w->store, "0000000007"), 0);
    assert_int_equal(post(s), 201);
}

static void a_token_makes_so_many_meetings_at_once(void **state)
{
    struct stage *s = *state;
    int status = 0;
    unsigned n = 0;
    while ((status = world_ask(s->w, "POST", MEETINGS, s->ada.text, NULL)) == 400)
        n++;
    assert_int_equal(n, 60);
    world_failed(s->w, 429, "TOO_MANY");
}

static void administrators_see_and_delete_all_meetings(void **state)
{
    struct stage *s = *state;
    struct world *w = s->w;
    struct token admin = world_operator(w);
    char number[11], path[64];
    assert_int_equal(post(s), 201);
    keep_number(s, number);
    assert_int_equal(world_ask(w, "GET", "/api/v1/admin/meetings", admin.text, NULL), 200);
    (void)world_list(w, "meetings", 1);
    (void)snprintf(path, sizeof path, "/api/v1/admin/meetings/%s", number);
    assert_int_equal(world_ask(w, "DELETE", path, admin.text, NULL), 204);
    (void)world_ask(w, "DELETE", path, admin.text, NULL);
    world_failed(w, 404, "NO_SUCH_ENTRY");
}

static void administrators_see_and_end_live_rooms(void **state)
{
    struct stage *s = *state;
    struct world *w = s->w;
    struct token admin = world_operator(w);
    memcpy(w->hall.live[w->hall.n_live++], "0123456789", 11);
    assert_int_equal(world_ask(w, "GET", "/api/v1/admin/rooms", admin.text, NULL), 200);
    const json_t *room = json_array_get(world_list(w, "rooms", 1), 0);
    assert_string_equal(json_string_value(json_object_get(room, "number")), "0123456789");
    assert_int_equal(json_integer_value(json_object_get(room, "members")), 3);
    assert_true(json_is_true(json_object_get(room, "running")));
    assert_int_equal(world_ask(w, "DELETE", "/api/v1/admin/rooms/0123456789", admin.text, NULL),
                     204);
    assert_int_equal(w->hall.n_ended, 1);
    world_audited(w, NULL, "room-end", "meeting:0123456789");
    (void)world_ask(w, "DELETE", "/api/v1/admin/rooms/0123456789", admin.text, NULL);
    world_failed(w, 404, "NO_SUCH_ENTRY");
}

static void administrators_see_the_numbers_of_media(void **state)
{
    static const struct service_media media = {.peers = 1,
                                               .connected = 2,
                                               .tracks = 3,
                                               .speaker = true,
                                               .packets_in = 4,
                                               .bytes_in = 5,
                                               .packets_out = 6,
                                               .bytes_out = 7,
                                               .lost_in = 8,
                                               .recovered_in = 9,
                                               .nacks = 10,
                                               .retransmitted = 11,
                                               .key_frames_asked = 12,
                                               .refused = 13,
                                               .dropped = 14,
                                               .flowing = 15,
                                               .waiting = 16,
                                               .narrow = 17,
                                               .rtt_us = 18,
                                               .loss_ppm = 19};
    static const char *const names[] = {
        "peers",         "connected",        "tracks",  "packets_in",   "bytes_in",
        "packets_out",   "bytes_out",        "lost_in", "recovered_in", "nacks",
        "retransmitted", "key_frames_asked", "refused", "dropped",      "flowing",
        "waiting",       "narrow",           "rtt_us",  "loss_ppm"};
    struct stage *s = *state;
    struct world *w = s->w;
    struct token admin = world_operator(w);
    memcpy(w->hall.live[w->hall.n_live++], "0123456789", 11);
    memcpy(w->hall.live[w->hall.n_live++], "1111111111", 11);
    w->hall.media = &media;
    assert_int_equal(world_ask(w, "GET", "/api/v1/admin/rooms", admin.text, NULL), 200);
    const json_t *rooms = world_list(w, "rooms", 2);
    const json_t *seen = json_object_get(json_array_get(rooms, 0), "media");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(json_integer_value(json_object_get(seen, names[i])), i + 1);
    assert_true(json_is_true(json_object_get(seen, "speaker")));
    assert_int_equal(json_object_size(seen), sizeof names / sizeof names[0] + 1);
    assert_null(json_object_get(json_array_get(rooms, 1), "media")); /* it has none */
}

struct request {
    struct stage *stage;
    char *body;
};

/* A meeting is made, and removed again; or it is not, and nothing has happened. */
static int make_once(void *ctx)
{
    const struct request *r = ctx;
    struct world *w = r->stage->w;
    uint64_t n, audited = world_audit_count(w);
    w->now += 30; /* the rate allows one more */
    struct service_work *work = NULL;
    char authorization[64];
    (void)snprintf(authorization, sizeof authorization, "Bearer %s", r->stage->ada.text);
    const struct service_request request = {.method = "POST",
                                            .path = MEETINGS,
                                            .query = "",
                                            .authorization = authorization,
                                            .address = w->address,
                                            .body = bytes_str(r->body)};
    struct service_response response;
    service_handle(w->service, &request, w->now * 1000000, &response, &work);
    int status = response.status;
    service_response_fini(&response);
    alloc_fail_off();
    assert_int_equal(store_meeting_count(w->store, ADA, &n), 0);
    assert_int_equal(n, status == 201);
    assert_true(world_audit_count(w) == audited + (status == 201));
    assert_int_equal(store_meeting_remove_of(w->store, ADA), 0);
    return status == 201 ? 0 : CONCLAVE_ENOMEM;
}

static void a_meeting_is_made_whole_or_not_at_all(void **state)
{
    struct stage *s = *state;
    json_t *body = world_card(&s->organiser, &s->terms);
    struct request r = {s, json_dumps(body, 0)};
    assert_non_null(r.body);
    assert_true(alloc_sweep_count(make_once, &r, NULL) > 10);
    free(r.body);
    json_decref(body);
}

#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STAGE(a_card_gets_a_number_and_a_link),
        ON_STAGE(the_same_request_again_gets_the_same_number),
        ON_STAGE(a_meeting_id_is_that_of_one_meeting),
        ON_STAGE(other_cards_are_refused),
        ON_STAGE(a_card_with_another_signature_is_refused),
        ON_STAGE(a_card_with_a_certificate_of_elsewhere_is_refused),
        ON_STAGE(a_card_of_another_version_is_refused),
        ON_STAGE(somebody_elses_card_is_refused),
        ON_STAGE(a_body_without_its_parts_is_refused),
        ON_STAGE(an_open_meeting_has_no_access_hash),
        ON_STAGE(a_device_may_be_the_organiser),
        ON_STAGE(people_see_and_delete_their_own_meetings),
        ON_STAGE(what_is_no_number_is_not_found),
        ON_STAGE(lists_come_in_pages),
        ON_STAGE(a_page_of_large_cards_is_shorter),
        ON_STAGE(a_personal_room_keeps_its_number),
        ON_STAGE(a_personal_room_can_be_made_like_any_meeting),
        ON_STAGE(a_personal_room_that_cannot_be_replaced_stays),
        ON_STAGE(a_room_that_cannot_be_ended_is_not_removed),
        ON_STAGE(an_owner_has_so_many_meetings),
        ON_STAGE(a_token_makes_so_many_meetings_at_once),
        ON_STAGE(a_meeting_is_made_whole_or_not_at_all),
        ON_STAGE(administrators_see_and_delete_all_meetings),
        ON_STAGE(administrators_see_and_end_live_rooms),
        ON_STAGE(administrators_see_the_numbers_of_media),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
