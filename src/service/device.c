/* Room devices: an administrator names one and gets a code, somebody types the code into it. */
#include <string.h>

#include "base/wipe.h"
#include "crypto/sha256.h"
#include "service/handlers.h"
#include "service/session.h"

/* 60 bits, read aloud and typed: base32 (RFC 4648 6) in groups of four. Enough for what ends after
 * an hour and is counted for each address. */
#define CODE_SYMBOLS 12
#define CODE_TEXT (CODE_SYMBOLS + CODE_SYMBOLS / 4) /* with hyphens and a terminator */

static const char symbols[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* The symbols of a code as somebody types it: any case, hyphens and spaces or none; 0 and 1 for the
 * letters they resemble, which alone are in the alphabet. */
static bool read_code(const char *text, char out[static CODE_SYMBOLS + 1])
{
    size_t n = 0;
    for (; *text != '\0'; text++) {
        char symbol = *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text;
        symbol = symbol == '0' ? 'O' : symbol == '1' ? 'I' : symbol;
        if (symbol == '-' || symbol == ' ')
            continue;
        if (n == CODE_SYMBOLS || strchr(symbols, symbol) == NULL)
            return false;
        out[n++] = symbol;
    }
    out[n] = '\0';
    return n == CODE_SYMBOLS;
}

static int make_code(struct crypto *c, char out[static CODE_SYMBOLS + 1],
                     char out_text[static CODE_TEXT])
{
    uint8_t random[CODE_SYMBOLS];
    int rv = crypto_random(c, random, sizeof random);
    if (rv != 0)
        return rv;
    for (size_t i = 0, at = 0; i < CODE_SYMBOLS; i++) {
        if (i % 4 == 0 && i != 0)
            out_text[at++] = '-';
        out[i] = out_text[at++] = symbols[random[i] % 32];
    }
    out[CODE_SYMBOLS] = out_text[CODE_TEXT - 1] = '\0';
    wipe(random, sizeof random);
    return 0;
}

/* ---- The device's side ---- */

static int activate_change(struct call *c, void *ctx)
{
    const uint8_t *hash = ctx;
    struct store *store = c->service->config.store;
    struct store_device device;
    uint64_t id;
    int rv = store_activation_take(store, hash, c->now, &id);
    if (rv == 0)
        rv = store_device_get(store, id, &device);
    if (rv == 0) /* what was activated before is another machine, or this one set up anew */
        rv = store_token_remove_of(store, STORE_TOKEN_DEVICE, id, 0);
    if (rv != 0)
        return call_map(c, rv, CONCLAVE_ENOTFOUND, REASON_ACTIVATION_CODE);
    return session_open(c, STORE_TOKEN_DEVICE, id, device.name, "device-activate");
}

int device_activate_post(struct call *c)
{
    const char *text;
    char code[CODE_SYMBOLS + 1];
    uint8_t hash[SHA256_SIZE], address[LIMITER_ADDRESS];
    struct bytes who = limiter_address(c->request->address, address);
    int rv = call_text(c, "code", 64, &text);
    if (rv != 0)
        return rv;
    if (!service_rate_take(c->service, RATE_CODE, who, c->now_us))
        return call_refuse(c, REASON_SIGN_IN_LIMIT);
    if (!read_code(text, code))
        return call_refuse(c, REASON_ACTIVATION_CODE);
    rv = crypto_sha256(bytes_str(code), hash);
    if (rv == 0)
        rv = call_change(c, activate_change, hash);
    if (rv == 0)
        service_rate_give(c->service, RATE_CODE, who);
    wipe(code, sizeof code);
    return rv;
}

/* ---- The administrator's side ---- */

static json_t *describe(const struct store_device *d)
{
    return json_pack("{s:I, s:s, s:b, s:b, s:I}", "id", call_integer(d->id), "name", d->name,
                     "activated", (int)d->activated, "revoked", (int)d->revoked, "created_at",
                     call_integer(d->created_at));
}

/* A code for a device, and the answer that shows it: the only time. */
static int give_code(struct call *c, const struct store_device *d)
{
    char code[CODE_SYMBOLS + 1], text[CODE_TEXT];
    uint8_t hash[SHA256_SIZE];
    uint64_t expires = c->now + SERVICE_CODE_SECONDS;
    int rv = make_code(c->service->config.crypto, code, text);
    if (rv == 0)
        rv = crypto_sha256(bytes_str(code), hash);
    if (rv == 0)
        rv = store_activation_put(c->service->config.store, hash, d->id, expires);
    if (rv == 0)
        rv = call_audit(c, "device-code", "device", d->id);
    if (rv == 0)
        rv = call_created(c, json_pack("{s:o, s:s, s:I}", "device", describe(d), "code", text,
                                       "expires", call_integer(expires)));
    wipe(code, sizeof code);
    wipe(text, sizeof text);
    return rv;
}

static int create_change(struct call *c, void *ctx)
{
    struct store_device *d = ctx;
    int rv = store_device_add(c->service->config.store, d, &d->id);
    if (rv == 0)
        rv = call_audit(c, "device-create", "device", d->id);
    if (rv == 0)
        rv = give_code(c, d);
    return call_map(c, rv, CONCLAVE_EDUPLICATE, REASON_NAME_TAKEN);
}

int admin_devices_post(struct call *c)
{
    struct store_device d = {.created_at = c->now};
    int rv = call_name(c, "name", IDENTITY_DEVICE, d.name);
    return rv != 0 ? rv : call_change(c, create_change, &d);
}

static int code_change(struct call *c, void *ctx)
{
    return give_code(c, ctx);
}

int admin_device_code_post(struct call *c)
{
    struct store_device d;
    uint64_t id;
    int rv = call_id(c, &id);
    if (rv == 0)
        rv = store_device_get(c->service->config.store, id, &d);
    if (rv != 0)
        return call_map(c, rv, CONCLAVE_ENOTFOUND, REASON_NO_SUCH_ENTRY);
    if (d.revoked)
        return call_refuse(c, REASON_DEVICE_REVOKED);
    return call_change(c, code_change, &d);
}

static bool list_one(void *ctx, const struct store_device *d)
{
    return page_add_id(ctx, describe(d), d->id);
}

int admin_devices_get(struct call *c)
{
    struct page page;
    uint64_t after;
    int rv = page_begin_ids(c, &page, &after);
    if (rv != 0)
        return rv;
    rv = store_device_each(c->service->config.store, after, page.max, list_one, &page);
    return page_end(c, &page, "devices", rv);
}

static int revoke_change(struct call *c, void *ctx)
{
    const uint64_t *id = ctx;
    int rv = store_device_revoke(c->service->config.store, *id);
    if (rv == 0)
        rv = call_audit(c, "device-revoke", "device", *id);
    return call_map(c, rv, CONCLAVE_ENOTFOUND, REASON_NO_SUCH_ENTRY);
}

int admin_device_delete(struct call *c)
{
    uint64_t id;
    int rv = call_id(c, &id);
    return rv != 0 ? rv : call_change(c, revoke_change, &id);
}
