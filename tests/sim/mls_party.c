#include "sim/mls_party.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void party_expect(int rv, int wanted, const char *call, const char *file, int line)
{
    if (rv == wanted)
        return;
    print_error("%s\n  is %s and should be %s\n", call, conclave_error_name(rv),
                conclave_error_name(wanted));
    _fail(file, line);
}

/* ---- The disk ---- */

static void disk_clear(struct disk *d)
{
    for (size_t i = 0; i < d->n; i++)
        buf_free(&d->deltas[i]);
    d->n = 0;
}

static int store(void *ctx, struct bytes group_id, struct bytes delta)
{
    struct disk *d = &((struct party *)ctx)->disk;
    (void)group_id;
    if (d->fails)
        return CONCLAVE_ESTORE;
    if (d->n == d->cap) {
        d->cap = d->cap == 0 ? 16 : d->cap * 2;
        d->deltas = realloc(d->deltas, d->cap * sizeof *d->deltas);
        assert_non_null(d->deltas);
    }
    buf_init(&d->deltas[d->n]);
    buf_put(&d->deltas[d->n++], delta);
    d->writes++;
    return 0;
}

/* Every PSK "x..." is known to all; its value follows from its name. */
static int find_psk(void *ctx, struct bytes psk_id, struct buf *out)
{
    (void)ctx;
    if (psk_id.n == 0 || psk_id.p[0] != 'x')
        return CONCLAVE_ENOTFOUND;
    buf_put(out, bytes_str("the value of "));
    buf_put(out, psk_id);
    return buf_check(out);
}

/* ---- Life ---- */

struct party_options party_defaults(uint16_t suite)
{
    return (struct party_options){.suite = suite, .policy = mls_policy_default()};
}

void party_init(struct party *p, unsigned id, const struct party_options *options)
{
    static const uint16_t extension = CUSTOM_EXTENSION, proposal = CUSTOM_PROPOSAL;
    *p = (struct party){.id = id};
    snprintf(p->name, sizeof p->name, "member %u", id);
    memset(p->key, (int)(id % 251 + 1), sizeof p->key);
    OK(crypto_new(options->suite, &p->crypto));
    struct mls_client_config config = {.suite = options->suite,
                                       .credential = options->credential,
                                       .callbacks = options->callbacks,
                                       .policy = options->policy,
                                       .executor = options->executor,
                                       .signer = options->signer,
                                       .suites = options->suites,
                                       .n_suites = options->n_suites,
                                       .credentials = options->credentials,
                                       .n_credentials = options->n_credentials,
                                       .leaf_extensions = options->leaf_extensions,
                                       .n_leaf_extensions = options->n_leaf_extensions};
    if (!options->plain) {
        config.extensions = &extension;
        config.proposals = &proposal;
        config.n_extensions = config.n_proposals = 1;
    }
    if (config.signer == NULL) {
        OK(crypto_signer_generate(p->crypto, &p->signer));
        config.signer = p->signer;
    }
    if (config.credential.type == 0)
        config.credential =
            (struct mls_credential){.type = MLS_BASIC, .identity = bytes_str(p->name)};
    if (config.callbacks.check_identity == NULL)
        config.callbacks.check_identity = mls_identity_accept_any;
    if (config.callbacks.find_psk == NULL)
        config.callbacks.find_psk = find_psk;
    if (config.callbacks.store == NULL && config.callbacks.ctx == NULL) {
        config.callbacks.store = store;
        config.callbacks.ctx = p;
    }
    OK(mls_client_new(&config, &p->client));
}

void party_fini(struct party *p)
{
    mls_group_free(p->group);
    mls_key_package_free(p->kp);
    mls_client_free(p->client);
    crypto_signer_free(p->signer);
    crypto_free(p->crypto);
    disk_clear(&p->disk);
    free(p->disk.deltas);
    buf_free(&p->disk.saved);
    *p = (struct party){0};
}

struct bytes party_key_package(struct party *p)
{
    mls_key_package_free(p->kp);
    p->kp = NULL;
    OK(mls_key_package_new(p->client, NOW - DAY, NOW + DAY, false, &p->kp));
    return mls_key_package_message(p->kp);
}

void party_found(struct party *p, const char *group_id, const struct mls_extension *extensions,
                 size_t n)
{
    OK(mls_group_new(p->client, bytes_str(group_id), extensions, n, NOW, &p->group));
    party_save(p);
}

void party_join(struct party *p, const struct buf *welcome, struct bytes tree)
{
    assert_null(p->group);
    OK(mls_group_join(p->client, buf_view(welcome), tree, p->kp, NULL, 0, NOW, &p->group));
    party_save(p);
}

void party_state(struct party *p, struct buf *out)
{
    OK(mls_group_save(p->group, NOTHING, out));
}

void party_save(struct party *p)
{
    struct bytes key = bytes_of(p->key, sizeof p->key);
    OK(mls_group_save(p->group, key, &p->disk.saved));
    disk_clear(&p->disk);
}

int party_restore(struct party *p, struct mls_group **out)
{
    struct bytes *deltas = calloc(p->disk.n + 1, sizeof *deltas);
    assert_non_null(deltas);
    for (size_t i = 0; i < p->disk.n; i++)
        deltas[i] = buf_view(&p->disk.deltas[i]);
    int rv = mls_group_restore(p->client, bytes_of(p->key, sizeof p->key), buf_view(&p->disk.saved),
                               deltas, p->disk.n, out);
    free(deltas);
    return rv;
}

void party_crash(struct party *p)
{
    mls_group_free(p->group);
    p->group = NULL;
    OK(party_restore(p, &p->group));
}

/* ---- Several ---- */

static bool takes_part(const struct party *p)
{
    return p->group != NULL && mls_group_is_member(p->group);
}

void parties_read(struct party *all, size_t n, const struct party *from, const struct buf *message,
                  const char *text)
{
    for (size_t i = 0; i < n; i++) {
        struct mls_received r;
        if (&all[i] == from || !takes_part(&all[i]))
            continue;
        OK(mls_group_receive(all[i].group, buf_view(message), NOW, &r));
        assert_int_equal(r.kind, MLS_RECEIVED_APPLICATION);
        assert_true(bytes_equal(buf_view(&r.data), bytes_str(text)));
        assert_int_equal(r.sender.index, mls_group_own_leaf(from->group));
        mls_received_free(&r);
    }
}

void parties_take(struct party *all, size_t n, const struct party *from, const struct buf *message)
{
    for (size_t i = 0; i < n; i++) {
        struct mls_received r;
        if (&all[i] == from || !takes_part(&all[i]))
            continue;
        OK(mls_group_receive(all[i].group, buf_view(message), NOW, &r));
        assert_int_not_equal(r.kind, MLS_RECEIVED_APPLICATION);
        if (r.kind == MLS_RECEIVED_COMMIT)
            OK(mls_group_merge(all[i].group, mls_received_take(&r)));
        mls_received_free(&r);
    }
}

void parties_commit(struct party *all, size_t n, struct party *by, const struct mls_change *changes,
                    size_t n_changes, const struct mls_commit_options *options)
{
    struct buf commit = {0}, welcome = {0}, tree = {0};
    OK(mls_group_commit(by->group, changes, n_changes, options, NOW, &commit));
    parties_take(all, n, by, &commit);
    OK(mls_group_merge_own(by->group, &welcome));
    OK(mls_group_tree(by->group, &tree));
    for (size_t i = 0; welcome.n != 0 && i < n; i++)
        if (all[i].group == NULL && all[i].kp != NULL &&
            mls_welcome_is_for(buf_view(&welcome), all[i].kp))
            party_join(&all[i], &welcome, buf_view(&tree));
    buf_free(&commit);
    buf_free(&welcome);
    buf_free(&tree);
}

bool groups_equal(struct mls_group *a, struct mls_group *b)
{
    struct mls_context x, y;
    struct mls_member m, k;
    uint8_t key_a[32], key_b[32];
    uint32_t i = 0, j = 0;
    bool more;
    mls_group_context(a, &x);
    mls_group_context(b, &y);
    OK(mls_group_export(a, "equal", bytes_str("groups"), sizeof key_a, key_a));
    OK(mls_group_export(b, "equal", bytes_str("groups"), sizeof key_b, key_b));
    while ((more = mls_group_next_member(a, &i, &m)) == mls_group_next_member(b, &j, &k) && more)
        if (i != j || m.leaf_index != k.leaf_index ||
            !bytes_equal(m.signature_key, k.signature_key) ||
            !bytes_equal(m.encryption_key, k.encryption_key) ||
            !bytes_equal(m.credential.identity, k.credential.identity) ||
            !bytes_equal(m.credential.certificates, k.credential.certificates))
            return false;
    return !more && x.epoch == y.epoch && x.suite == y.suite &&
           bytes_equal(x.group_id, y.group_id) && bytes_equal(x.tree_hash, y.tree_hash) &&
           bytes_equal(x.confirmed_transcript_hash, y.confirmed_transcript_hash) &&
           bytes_equal(x.extensions, y.extensions) &&
           bytes_equal(bytes_of(key_a, 32), bytes_of(key_b, 32)) &&
           bytes_equal(mls_group_epoch_authenticator(a), mls_group_epoch_authenticator(b));
}

void parties_agree(struct party *all, size_t n)
{
    struct party *first = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!takes_part(&all[i]))
            continue;
        if (first == NULL)
            first = &all[i];
        assert_true(groups_equal(first->group, all[i].group));
    }
    assert_non_null(first);
}

void parties_talk(struct party *all, size_t n)
{
    parties_agree(all, n);
    for (size_t i = 0; i < n; i++) {
        struct buf message = {0};
        if (!takes_part(&all[i]))
            continue;
        OK(mls_group_protect(all[i].group, NOTHING, bytes_str(all[i].name), &message));
        parties_read(all, n, &all[i], &message, all[i].name);
        buf_free(&message);
    }
}

void parties_gather(struct party *all, size_t n, const char *group_id)
{
    struct mls_change *adds = calloc(n, sizeof *adds);
    assert_non_null(adds);
    party_found(&all[0], group_id, NULL, 0);
    for (size_t i = 1; i < n; i++)
        adds[i - 1] = mls_add(party_key_package(&all[i]));
    parties_commit(all, n, &all[0], adds, n - 1, NULL);
    parties_agree(all, n);
    free(adds);
}
