#include "service/call.h"

#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "identity/name.h"

void call_fini(struct call *c)
{
    json_decref(c->body);
    buf_free(&c->answer);
}

const char *who_kind_name(enum store_token_kind kind)
{
    switch (kind) {
    case STORE_TOKEN_USER:
        return "user";
    case STORE_TOKEN_DEVICE:
        return "device";
    case STORE_TOKEN_GUEST:
        return "guest";
    case STORE_TOKEN_OPERATOR:
        return "operator";
    default:
        return "nobody";
    }
}

uint64_t who_id(const struct who *who)
{
    return who->owner != 0 ? who->owner : who->token;
}

/* ---- Refusing ---- */

int call_refuse(struct call *c, int reason)
{
    c->reason = reason;
    return CONCLAVE_EPOLICY;
}

int call_refuse_field(struct call *c, const char *field)
{
    c->field = field;
    return call_refuse(c, REASON_MALFORMED);
}

int call_map(struct call *c, int rv, int error, int reason)
{
    return rv == error ? call_refuse(c, reason) : rv;
}

/* ---- What was asked ---- */

int call_text_optional(struct call *c, const char *field, size_t max, const char **out)
{
    const json_t *value = json_object_get(c->body, field);
    *out = NULL;
    if (value == NULL || json_is_null(value))
        return 0;
    size_t n = json_string_length(value); /* 0 for what is no string */
    if (n == 0 || n > max)
        return call_refuse_field(c, field);
    *out = json_string_value(value);
    return 0;
}

int call_text(struct call *c, const char *field, size_t max, const char **out)
{
    int rv = call_text_optional(c, field, max, out);
    return rv == 0 && *out == NULL ? call_refuse_field(c, field) : rv;
}

int call_bytes(struct call *c, const char *field, struct buf *out)
{
    const char *text;
    int rv = call_text(c, field, SERVICE_BODY_MAX, &text);
    if (rv != 0)
        return rv;
    rv = base64_read(bytes_str(text), out);
    return rv == CONCLAVE_ESYNTAX ? call_refuse_field(c, field) : rv;
}

int call_flag(struct call *c, const char *field, bool *out)
{
    const json_t *value = json_object_get(c->body, field);
    if (value == NULL)
        return 0;
    if (!json_is_boolean(value))
        return call_refuse_field(c, field);
    *out = json_is_true(value);
    return 0;
}

/* Local parts of addresses could tell upper from lower case (RFC 5321 2.4). None do, and two people
 * whose addresses differ in that alone would be taken for each other. */
int call_name(struct call *c, const char *field, enum identity_kind kind,
              char out[static STORE_IDENTIFIER])
{
    const char *text;
    struct name name;
    int rv = call_text(c, field, IDENTITY_NAME_MAX, &text);
    if (rv != 0)
        return rv;
    if (!name_read(kind, bytes_str(text), &name))
        return call_refuse_field(c, field);
    for (char *p = name.text; *p != '\0'; p++)
        *p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 'a' - 'A') : *p;
    memcpy(out, name.text, strlen(name.text) + 1);
    return 0;
}

static bool all_digits(const char *text)
{
    return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* Ids are positive and below 2^63; 18 digits are enough for any there will be. */
static bool read_id(const char *text, uint64_t *out)
{
    uint64_t id = 0;
    if (!all_digits(text) || strlen(text) > 18)
        return false;
    for (const char *p = text; *p != '\0'; p++)
        id = id * 10 + (uint64_t)(*p - '0');
    *out = id;
    return true;
}

int call_id(struct call *c, uint64_t *out)
{
    return read_id(c->parameter, out) ? 0 : call_refuse(c, REASON_NO_SUCH_ENTRY);
}

int call_number(struct call *c, const char **out)
{
    *out = c->parameter;
    return all_digits(c->parameter) && strlen(c->parameter) == 10
               ? 0
               : call_refuse(c, REASON_NO_SUCH_ENTRY);
}

/* ---- Answering ---- */

static int append(const char *text, size_t n, void *ctx)
{
    buf_put(ctx, bytes_of(text, n));
    return 0;
}

int call_answer(struct call *c, json_t *value)
{
    struct buf text = {0};
    if (value != NULL && json_dump_callback(value, append, &text, JSON_COMPACT) != 0)
        text.failed = true;
    int rv = value == NULL ? CONCLAVE_ENOMEM : buf_check(&text);
    json_decref(value);
    if (rv == 0) {
        buf_move(&c->answer, &text);
        c->status = 200;
    }
    buf_free(&text);
    return rv;
}

int call_created(struct call *c, json_t *value)
{
    int rv = call_answer(c, value);
    if (rv == 0)
        c->status = 201;
    return rv;
}

json_t *call_base64(struct bytes data)
{
    struct buf text = {0};
    base64_put(&text, data);
    json_t *value = buf_check(&text) == 0
                        ? json_stringn(text.n == 0 ? "" : (const char *)text.p, text.n)
                        : NULL;
    buf_free(&text);
    return value;
}

json_int_t call_integer(uint64_t value)
{
    const uint64_t most = (UINT64_C(1) << 53) - 1; /* RFC 8259 6 */
    return (json_int_t)(value < most ? value : most);
}

/* One parameter of the query, as it is: what pages are asked with needs no escapes. */
static int query_find(struct call *c, const char *name, char *out, size_t cap)
{
    size_t name_n = strlen(name);
    out[0] = '\0';
    for (const char *p = c->request->query; *p != '\0';) {
        size_t n = strcspn(p, "&");
        if (n > name_n && strncmp(p, name, name_n) == 0 && p[name_n] == '=') {
            size_t value_n = n - name_n - 1;
            if (value_n >= cap)
                return CONCLAVE_ESYNTAX;
            memcpy(out, p + name_n + 1, value_n);
            out[value_n] = '\0';
            return 0;
        }
        p += n + (p[n] == '&');
    }
    return 0;
}

int page_begin(struct call *c, struct page *p)
{
    char max[CALL_PARAMETER];
    uint64_t asked = 100;
    *p = (struct page){0};
    if (query_find(c, "max", max, sizeof max) != 0 ||
        (max[0] != '\0' && (!read_id(max, &asked) || asked == 0 || asked > LIMIT_SERVICE_PAGE)))
        return call_refuse_field(c, "max");
    if (query_find(c, "after", p->after, sizeof p->after) != 0 ||
        (p->after[0] != '\0' && !all_digits(p->after)))
        return call_refuse_field(c, "after");
    p->max = (unsigned)asked;
    p->items = json_array();
    return p->items == NULL ? CONCLAVE_ENOMEM : 0;
}

int page_begin_ids(struct call *c, struct page *p, uint64_t *out_after)
{
    int rv = page_begin(c, p);
    *out_after = 0;
    if (rv == 0 && p->after[0] != '\0' && !read_id(p->after, out_after)) {
        json_decref(p->items);
        rv = call_refuse_field(c, "after");
    }
    return rv;
}

bool page_add(struct page *p, json_t *item, const char *key)
{
    p->failed = item == NULL || json_array_append_new(p->items, item) != 0;
    p->n++;
    (void)snprintf(p->last, sizeof p->last, "%s", key);
    return !p->failed;
}

bool page_add_id(struct page *p, json_t *item, uint64_t id)
{
    char key[CALL_PARAMETER];
    (void)snprintf(key, sizeof key, "%llu", (unsigned long long)id);
    return page_add(p, item, key);
}

bool page_weigh(struct page *p, size_t bytes)
{
    p->bytes += bytes;
    return p->bytes < LIMIT_SERVICE_PAGE_BYTES;
}

int page_end(struct call *c, struct page *p, const char *name, int rv)
{
    if (rv != 0 || p->failed) {
        json_decref(p->items);
        return rv != 0 ? rv : CONCLAVE_ENOMEM;
    }
    bool full = p->n == p->max || p->bytes >= LIMIT_SERVICE_PAGE_BYTES;
    const char *next = full ? p->last : NULL;
    return call_answer(c, json_pack("{s:o, s:s*}", name, p->items, "next", next));
}

/* ---- Changing ---- */

int call_change(struct call *c, int (*change)(struct call *c, void *ctx), void *ctx)
{
    struct store *store = c->service->config.store;
    int rv = store_begin(store);
    if (rv != 0)
        return rv;
    rv = change(c, ctx);
    if (rv == 0)
        rv = store_commit(store);
    else
        store_rollback(store);
    return rv;
}

static void name_actor(const struct who *who, char *out, size_t cap)
{
    if (who->kind == 0)
        (void)snprintf(out, cap, "%s", who_kind_name(who->kind));
    else
        (void)snprintf(out, cap, "%s:%llu", who_kind_name(who->kind),
                       (unsigned long long)who_id(who));
}

int call_audit_text(struct call *c, const char *action, const char *kind, const char *text)
{
    struct store_audit a = {.at = c->now};
    name_actor(&c->who, a.actor, sizeof a.actor);
    (void)snprintf(a.action, sizeof a.action, "%s", action);
    (void)snprintf(a.object, sizeof a.object, "%s:%s", kind, text);
    return store_audit_add(c->service->config.store, &a);
}

int call_audit(struct call *c, const char *action, const char *kind, uint64_t id)
{
    char text[CALL_PARAMETER];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)id);
    return call_audit_text(c, action, kind, text);
}
