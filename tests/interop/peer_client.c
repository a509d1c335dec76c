#include "peer_client.h"

#include <stdlib.h>
#include <string.h>

#include "peer_json.h"

#define MAX_TYPES 16

static int find_psk(void *ctx, struct bytes psk_id, struct buf *out)
{
    const struct peer *p = ctx;
    for (size_t i = 0; i < p->n_psks; i++) {
        if (bytes_equal(buf_view(&p->psks[i].id), psk_id)) {
            buf_clear(out);
            buf_put(out, buf_view(&p->psks[i].secret));
            return buf_check(out);
        }
    }
    return CONCLAVE_ENOTFOUND;
}

static int store(void *ctx, struct bytes group_id, struct bytes delta)
{
    struct peer *p = ctx;
    (void)group_id;
    if (p->saved.n == 0)
        return 0; /* the first save, still to come, will contain it */
    if (p->n_deltas == PEER_MAX_DELTAS)
        return CONCLAVE_ESTORE;
    struct buf *to = &p->deltas[p->n_deltas];
    buf_init(to);
    buf_put(to, delta);
    if (buf_check(to) != 0)
        return CONCLAVE_ESTORE;
    p->n_deltas++;
    return 0;
}

static size_t read_types(const json_t *list, uint16_t out[static MAX_TYPES])
{
    size_t n = json_array_size(list);
    n = n < MAX_TYPES ? n : MAX_TYPES;
    for (size_t i = 0; i < n; i++)
        out[i] = (uint16_t)json_integer_value(json_array_get(list, i));
    return n;
}

static struct mls_policy read_policy(const json_t *command)
{
    struct mls_policy policy = mls_policy_default();
    policy.private_handshake =
        peer_json_get_bool(command, "private_handshake", policy.private_handshake);
    policy.tree_in_welcome = peer_json_get_bool(command, "tree_in_welcome", policy.tree_in_welcome);
    policy.grease = peer_json_get_bool(command, "grease", policy.grease);
    policy.past_epochs = (uint32_t)peer_json_get_number(command, "past_epochs", policy.past_epochs);
    policy.padding_block =
        (uint32_t)peer_json_get_number(command, "padding_block", policy.padding_block);
    return policy;
}

int peer_new(const char *name, const json_t *command, struct peer **out)
{
    uint16_t extensions[MAX_TYPES];
    struct mls_client_config config = {
        .suite = (uint16_t)peer_json_get_number(command, "suite", 0),
        .credential = {.type = MLS_BASIC, .identity = bytes_str(name)},
        .callbacks = {.check_identity = mls_identity_accept_any,
                      .find_psk = find_psk,
                      .store = store},
        .policy = read_policy(command),
        .extensions = extensions,
        .n_extensions = read_types(json_object_get(command, "extensions"), extensions),
    };
    struct peer *p = calloc(1, sizeof *p);
    if (p == NULL)
        return CONCLAVE_ENOMEM;
    config.callbacks.ctx = p;
    p->name = strdup(name);
    int rv = p->name != NULL ? crypto_new(config.suite, &p->crypto) : CONCLAVE_ENOMEM;
    if (rv == 0)
        rv = crypto_signer_generate(p->crypto, &p->signer);
    config.signer = p->signer;
    if (rv == 0)
        rv = mls_client_new(&config, &p->client);
    if (rv != 0) {
        peer_free(p);
        return rv;
    }
    *out = p;
    return 0;
}

static void forget_saved(struct peer *p)
{
    buf_free(&p->saved);
    for (size_t i = 0; i < p->n_deltas; i++)
        buf_free(&p->deltas[i]);
    p->n_deltas = 0;
}

void peer_drop_group(struct peer *p)
{
    mls_group_free(p->group);
    p->group = NULL;
    forget_saved(p);
}

void peer_free(struct peer *p)
{
    if (p == NULL)
        return;
    peer_drop_group(p);
    for (size_t i = 0; i < p->n_psks; i++) {
        buf_free(&p->psks[i].id);
        buf_free(&p->psks[i].secret);
    }
    mls_key_package_free(p->key_package);
    mls_client_free(p->client);
    crypto_signer_free(p->signer);
    crypto_free(p->crypto);
    free(p->name);
    free(p);
}

int peer_add_psk(struct peer *p, struct bytes id, struct bytes secret)
{
    if (p->n_psks == PEER_MAX_PSKS)
        return CONCLAVE_ELIMIT;
    struct peer_psk *psk = &p->psks[p->n_psks];
    buf_put(&psk->id, id);
    buf_put(&psk->secret, secret);
    int rv = buf_check(&psk->id);
    if (rv == 0)
        rv = buf_check(&psk->secret);
    if (rv == 0)
        p->n_psks++;
    return rv;
}

int peer_save(struct peer *p)
{
    struct buf saved = {0};
    int rv = mls_group_save(p->group, (struct bytes){0}, &saved);
    if (rv != 0)
        return rv;
    forget_saved(p);
    buf_move(&p->saved, &saved);
    return 0;
}

int peer_take_group(struct peer *p, struct mls_group *group)
{
    peer_drop_group(p);
    p->group = group;
    return peer_save(p);
}

int peer_restore(struct peer *p)
{
    struct bytes deltas[PEER_MAX_DELTAS];
    struct mls_group *group;
    for (size_t i = 0; i < p->n_deltas; i++)
        deltas[i] = buf_view(&p->deltas[i]);
    int rv = mls_group_restore(p->client, (struct bytes){0}, buf_view(&p->saved), deltas,
                               p->n_deltas, &group);
    if (rv != 0)
        return rv;
    mls_group_free(p->group);
    p->group = group;
    return 0;
}
