#include "service_world.h"

#include "base/base64.h"

/* ---- The hall ---- */

int hall_end(struct hall *h, const char *number, uint64_t now_us)
{
    (void)now_us;
    if (h->error != 0)
        return h->error;
    for (size_t i = 0; i < h->n_live; i++)
        if (strcmp(h->live[i], number) == 0) {
            memcpy(h->ended[h->n_ended++], number, 11);
            memcpy(h->live[i], h->live[--h->n_live], 11);
            return 0;
        }
    return CONCLAVE_ENOTFOUND;
}

void hall_each(const struct hall *h,
               bool (*each)(void *ctx, const char *number, const struct room_summary *s), void *ctx)
{
    const struct room_summary summary = {
        .running = true, .epoch = 7, .started_at = WORLD_NOW, .members = 3, .connected = 2};
    for (size_t i = 0; i < h->n_live; i++)
        if (!each(ctx, h->live[i], &summary))
            return;
}

static bool media_of(void *ctx, const char *number, struct service_media *out)
{
    const struct hall *h = ctx;
    if (h->media == NULL || h->n_live == 0 || strcmp(h->live[0], number) != 0)
        return false;
    *out = *h->media;
    return true;
}

/* ---- The world ---- */

static void new_service(struct world *w, bool open_sign_up)
{
    const struct service_config config = {
        .store = w->store,
        .hall = &w->hall,
        .crypto = w->crypto,
        .ca = w->ca,
        .server_key = crypto_signer_public(w->server),
        .name = "Conclave at company.com",
        .base_url = WORLD_URL,
        .open_sign_up = open_sign_up,
        .media = media_of,
        .media_ctx = &w->hall,
    };
    service_free(w->service);
    w->service = NULL;
    assert_int_equal(service_new(&config, &w->service), 0);
}

void world_open_sign_up(struct world *w)
{
    new_service(w, true);
}

int world_setup(void **state)
{
    static const char *const domains[] = {"company.com"};
    const struct identity_ca_config ca = {"Conclave at company.com", domains, 1, 0};
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->now = WORLD_NOW;
    w->address = "192.0.2.1";
    assert_int_equal(crypto_new(CRYPTO_P256_AES128GCM_SHA256_P256, &w->crypto), 0);
    assert_int_equal(store_open(":memory:", &w->store), 0);
    assert_int_equal(identity_ca_new(w->crypto, &ca, WORLD_NOW, &w->ca), 0);
    assert_int_equal(crypto_signer_generate(w->crypto, &w->server), 0);
    new_service(w, false);
    *state = w;
    return 0;
}

static void forget(struct world *w)
{
    service_response_fini(&w->response);
    json_decref(w->json);
    w->json = NULL;
}

int world_teardown(void **state)
{
    struct world *w = *state;
    forget(w);
    service_free(w->service);
    crypto_signer_free(w->server);
    identity_ca_free(w->ca);
    store_close(w->store);
    crypto_free(w->crypto);
    free(w);
    return 0;
}

/* ---- Asking ---- */

static void read_response(struct world *w)
{
    json_error_t error;
    if (w->response.body.n == 0) {
        assert_null(w->response.content_type);
        return;
    }
    assert_string_equal(w->response.content_type, "application/json");
    w->json = json_loadb((const char *)w->response.body.p, w->response.body.n, 0, &error);
    assert_non_null(w->json);
}

static struct service_work *begin(struct world *w, const char *method, const char *path,
                                  const char *query, const char *token, const char *body)
{
    char authorization[128] = "";
    struct service_work *work;
    if (token != NULL)
        (void)snprintf(authorization, sizeof authorization, "Bearer %s", token);
    const struct service_request request = {
        .method = method,
        .path = path,
        .query = query,
        .authorization = authorization,
        .address = w->address,
        .body = body == NULL ? bytes_of(NULL, 0) : bytes_str(body),
    };
    forget(w);
    service_handle(w->service, &request, w->now * 1000000, &w->response, &work);
    if (work == NULL)
        read_response(w);
    return work;
}

struct service_work *world_begin(struct world *w, const char *method, const char *path,
                                 const char *token, const char *body)
{
    return begin(w, method, path, "", token, body);
}

int world_finish(struct world *w, struct service_work *work)
{
    forget(w);
    service_work_finish(w->service, work, w->now * 1000000, &w->response);
    read_response(w);
    return w->response.status;
}

int world_ask(struct world *w, const char *method, const char *path, const char *token,
              const char *body)
{
    struct service_work *work = begin(w, method, path, "", token, body);
    if (work == NULL)
        return w->response.status;
    service_work_run(work);
    return world_finish(w, work);
}

int world_ask_query(struct world *w, const char *path, const char *query, const char *token)
{
    assert_null(begin(w, "GET", path, query, token, NULL));
    return w->response.status;
}

int world_ask_json(struct world *w, const char *method, const char *path, const char *token,
                   json_t *body)
{
    char *text = json_dumps(body, 0);
    assert_non_null(text);
    int status = world_ask(w, method, path, token, text);
    free(text);
    json_decref(body);
    return status;
}

/* ---- Looking at answers ---- */

static const json_t *field_of(const struct world *w, const char *field)
{
    const json_t *value = json_object_get(w->json, field);
    if (value == NULL)
        fail_msg("no %s in the answer", field);
    return value;
}

const char *world_text(const struct world *w, const char *field)
{
    const json_t *value = field_of(w, field);
    assert_true(json_is_string(value));
    return json_string_value(value);
}

json_int_t world_number(const struct world *w, const char *field)
{
    const json_t *value = field_of(w, field);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

void world_bytes(const struct world *w, const char *field, struct buf *out)
{
    buf_clear(out);
    assert_int_equal(base64_read(bytes_str(world_text(w, field)), out), 0);
}

const json_t *world_list(const struct world *w, const char *field, size_t n)
{
    const json_t *value = field_of(w, field);
    assert_true(json_is_array(value));
    assert_int_equal(json_array_size(value), n);
    return value;
}

void world_failed(struct world *w, int status, const char *code)
{
    assert_int_equal(w->response.status, status);
    const json_t *error = json_object_get(w->json, "error");
    assert_non_null(error);
    assert_string_equal(json_string_value(json_object_get(error, "code")), code);
    assert_true(json_string_length(json_object_get(error, "text")) > 0);
    assert_true(json_string_length(json_object_get(error, "next")) > 0);
    assert_int_equal(w->response.retry_after != NULL, status == 429 || status == 503);
    assert_int_equal(w->response.error != 0, status >= 500);
}

void world_failed_field(struct world *w, const char *field)
{
    world_failed(w, 400, "MALFORMED");
    const json_t *error = json_object_get(w->json, "error");
    const char *said = json_string_value(json_object_get(error, "field"));
    if (said == NULL || strcmp(said, field) != 0)
        fail_msg("field: %s instead of %s", said == NULL ? "none" : said, field);
}

/* ---- Accounts ---- */

static struct token token_of(struct world *w, enum store_token_kind kind, uint64_t owner,
                             const char *identifier)
{
    struct token t = {.id = owner};
    struct who who = {.kind = kind, .owner = owner};
    memcpy(who.identifier, identifier, strlen(identifier) + 1);
    assert_int_equal(session_make(w->service, w->now, &who, t.text), 0);
    return t;
}

struct token world_user(struct world *w, const char *email, bool admin)
{
    struct store_user u = {.admin = admin, .created_at = w->now};
    uint64_t id;
    memcpy(u.email, email, strlen(email) + 1);
    assert_int_equal(store_user_add(w->store, &u, &id), 0);
    return token_of(w, STORE_TOKEN_USER, id, email);
}

struct token world_device(struct world *w, const char *name)
{
    struct store_device d = {.created_at = w->now};
    uint64_t id;
    memcpy(d.name, name, strlen(name) + 1);
    assert_int_equal(store_device_add(w->store, &d, &id), 0);
    return token_of(w, STORE_TOKEN_DEVICE, id, name);
}

struct token world_guest(struct world *w)
{
    struct token t = {0};
    assert_int_equal(world_ask(w, "POST", "/api/v1/guest", NULL, NULL), 201);
    memcpy(t.text, world_text(w, "token"), SESSION_TEXT);
    return t;
}

struct token world_operator(struct world *w)
{
    struct token t = {0};
    struct buf text = {0};
    assert_int_equal(service_admin_token(w->service, w->now * 1000000, &text), 0);
    assert_int_equal(text.n, SESSION_TEXT - 1);
    memcpy(t.text, text.p, text.n);
    buf_free(&text);
    return t;
}

static bool keep_last(void *ctx, const struct store_audit *a)
{
    *(struct store_audit *)ctx = *a;
    return true;
}

void world_audited(struct world *w, const char *actor, const char *action, const char *object)
{
    struct store_audit a = {0};
    assert_int_equal(store_audit_each(w->store, 0, 1000, keep_last, &a), 0);
    assert_string_equal(a.action, action);
    if (actor != NULL)
        assert_string_equal(a.actor, actor);
    if (object != NULL)
        assert_string_equal(a.object, object);
    assert_true(a.at == w->now);
}

uint64_t world_audit_count(struct world *w)
{
    struct store_audit a = {0};
    assert_int_equal(store_audit_each(w->store, 0, 1000, keep_last, &a), 0);
    return a.id;
}

/* ---- Organisers ---- */

static json_t *base64_of(struct bytes data)
{
    struct buf text = {0};
    base64_put(&text, data);
    json_t *value = json_stringn((const char *)text.p, text.n);
    assert_non_null(value);
    buf_free(&text);
    return value;
}

void organiser_init(struct organiser *o, struct world *w, const char *token)
{
    struct buf csr = {0};
    *o = (struct organiser){0};
    assert_int_equal(crypto_signer_generate(w->crypto, &o->signer), 0);
    assert_int_equal(identity_csr_make(o->signer, &csr), 0);
    assert_int_equal(world_ask_json(w, "POST", "/api/v1/certificate", token,
                                    json_pack("{s:o}", "csr", base64_of(buf_view(&csr)))),
                     201);
    const json_t *leaf = json_array_get(world_list(w, "chain", 1), 0);
    assert_int_equal(base64_read(bytes_str(json_string_value(leaf)), &o->certificate), 0);
    buf_free(&csr);
}

void organiser_fini(struct organiser *o)
{
    crypto_signer_free(o->signer);
    buf_free(&o->certificate);
}

struct card_terms world_terms(struct world *w, const char *host)
{
    struct card_terms t = card_terms_default();
    assert_int_equal(crypto_random(w->crypto, t.meeting_id, sizeof t.meeting_id), 0);
    t.title = "Minutes of the minutes";
    t.created_at = w->now;
    t.not_after = w->now + WORLD_DAY;
    t.hosts[0] = host;
    t.n_hosts = 1;
    t.server_key = crypto_signer_public(w->server);
    t.provider_root = identity_ca_certificate(w->ca);
    return t;
}

json_t *world_card(struct organiser *o, const struct card_terms *terms)
{
    static const uint8_t access_hash[32] = {0xac, 0xce, 0x55};
    struct buf card = {0};
    struct bytes chain = buf_view(&o->certificate);
    assert_int_equal(card_sign(o->signer, &chain, 1, terms, &card), 0);
    json_t *body = json_pack("{s:o, s:o}", "card", base64_of(buf_view(&card)), "access_hash",
                             base64_of(bytes_of(access_hash, sizeof access_hash)));
    buf_free(&card);
    return body;
}
