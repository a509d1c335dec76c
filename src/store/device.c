#include "store/account.h"
#include "store/query.h"

static void get_columns(struct query *q, struct store_device *d)
{
    d->id = query_u64(q);
    query_text(q, d->name, sizeof d->name);
    d->activated = query_u64(q) != 0;
    d->revoked = query_u64(q) != 0;
    d->created_at = query_u64(q);
}

int store_device_add(struct store *s, const struct store_device *d, uint64_t *out_id)
{
    struct query q = query_begin(s, SQL_DEVICE_ADD);
    query_put_text(&q, d->name);
    query_put_u64(&q, d->created_at);
    return query_number(&q, out_id);
}

int store_device_get(struct store *s, uint64_t id, struct store_device *out)
{
    struct store_device d = {0};
    struct query q = query_begin(s, SQL_DEVICE_GET);
    query_put_u64(&q, id);
    bool found = query_row(&q);
    if (found)
        get_columns(&q, &d);
    int rv = query_end(&q);
    if (rv == 0 && !found)
        rv = CONCLAVE_ENOTFOUND;
    if (rv == 0)
        *out = d;
    return rv;
}

static int change(struct store *s, enum sql which, uint64_t id)
{
    struct query q = query_begin(s, which);
    query_put_u64(&q, id);
    return query_change(&q);
}

static int drop_code(struct store *s, uint64_t device)
{
    struct query q = query_begin(s, SQL_ACTIVATION_DROP);
    query_put_u64(&q, device);
    return query_run(&q);
}

static int revoke(struct store *s, uint64_t id)
{
    int rv = change(s, SQL_DEVICE_REVOKE, id);
    return rv != 0 ? rv : drop_code(s, id);
}

int store_device_revoke(struct store *s, uint64_t id)
{
    int rv = query_group(s);
    return rv != 0 ? rv : query_group_end(s, revoke(s, id));
}

int store_device_each(struct store *s, uint64_t after_id, unsigned max,
                      bool (*each)(void *ctx, const struct store_device *d), void *ctx)
{
    struct store_device d = {0};
    struct query q = query_begin(s, SQL_DEVICE_EACH);
    query_put_u64(&q, after_id);
    query_put_u64(&q, max);
    while (query_row(&q)) {
        get_columns(&q, &d);
        if (q.rv != 0 || !each(ctx, &d))
            break;
    }
    return query_end(&q);
}

static int put_code(struct store *s, const uint8_t *hash, uint64_t device, uint64_t expires_at)
{
    int rv = drop_code(s, device);
    if (rv != 0)
        return rv;
    struct query q = query_begin(s, SQL_ACTIVATION_PUT);
    query_put_bytes(&q, bytes_of(hash, STORE_HASH));
    query_put_u64(&q, device);
    query_put_u64(&q, expires_at);
    return query_run(&q);
}

int store_activation_put(struct store *s, const uint8_t hash[static STORE_HASH], uint64_t device,
                         uint64_t expires_at)
{
    int rv = query_group(s);
    return rv != 0 ? rv : query_group_end(s, put_code(s, hash, device, expires_at));
}

static int take_code(struct store *s, const uint8_t *hash, uint64_t now, uint64_t *out_device)
{
    uint64_t device = 0;
    struct query q = query_begin(s, SQL_ACTIVATION_TAKE);
    query_put_bytes(&q, bytes_of(hash, STORE_HASH));
    query_put_u64(&q, now);
    bool found = query_row(&q);
    if (found)
        device = query_u64(&q);
    int rv = query_run(&q); /* on to its end: what RETURNING shows is not done before */
    if (rv == 0)
        rv = found ? change(s, SQL_DEVICE_ACTIVATED, device) : CONCLAVE_ENOTFOUND;
    if (rv == 0)
        *out_device = device;
    return rv;
}

int store_activation_take(struct store *s, const uint8_t hash[static STORE_HASH], uint64_t now,
                          uint64_t *out_device)
{
    uint64_t device = 0;
    int rv = query_group(s);
    if (rv == 0)
        rv = query_group_end(s, take_code(s, hash, now, &device));
    if (rv == 0)
        *out_device = device;
    return rv;
}
