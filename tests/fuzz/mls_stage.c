#include "fuzz/mls_stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mls/client.h"
#include "support/random.h"

static struct stage the_stage;
static struct crypto_ops ops; /* OpenSSL's, with random numbers that are none */
static struct random weak;
static struct buf *deltas; /* where store() puts the next; NULL: nowhere */

void stage_must_hold(bool holds, const char *what, const char *file, int line)
{
    if (holds)
        return;
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

#define MUST_WORK(call) MUST_HOLD((call) == 0)

static int weak_random(void *state, uint8_t *out, size_t n)
{
    (void)state;
    random_fill(&weak, out, n);
    return 0;
}

void stage_seed(uint64_t seed)
{
    weak.state = seed;
}

static int store(void *ctx, struct bytes group_id, struct bytes delta)
{
    (void)ctx;
    (void)group_id;
    if (deltas == NULL || deltas == the_stage.deltas + STAGE_DELTAS)
        return 0;
    buf_put(deltas, delta);
    return buf_check(deltas++);
}

static int find_psk(void *ctx, struct bytes psk_id, struct buf *out)
{
    (void)ctx;
    buf_put(out, psk_id);
    buf_put(out, bytes_str("'s value"));
    return buf_check(out);
}

static void make_client(struct stage *s, unsigned i, struct crypto *c)
{
    static const uint16_t custom = STAGE_CUSTOM;
    static const char *names[] = {"Ann", "Ben", "Cyd", "Dan", "Eve"};
    uint8_t seed[32];
    memset(seed, (int)(i + 1), sizeof seed);
    MUST_WORK(crypto_signer_from_private(c, bytes_of(seed, sizeof seed), &s->signer[i]));
    struct mls_client_config config = {
        .suite = STAGE_SUITE,
        .signer = s->signer[i],
        .credential = {.type = MLS_BASIC, .identity = bytes_str(names[i])},
        .callbacks = s->callbacks,
        .policy = mls_policy_default(),
        .extensions = &custom,
        .n_extensions = 1,
        .proposals = &custom,
        .n_proposals = 1};
    config.policy.grease = false;
    MUST_WORK(mls_client_new(&config, &s->client[i]));
    s->client[i]->crypto->ops = &ops;
}

static void take(struct mls_group *g, struct buf *message)
{
    struct mls_received r;
    MUST_WORK(mls_group_receive(g, buf_view(message), STAGE_NOW, &r));
    if (r.kind == MLS_RECEIVED_COMMIT)
        MUST_WORK(mls_group_merge(g, mls_received_take(&r)));
    mls_received_free(&r);
}

static struct mls_key_package *new_key_package(struct mls_client *c)
{
    struct mls_key_package *kp = NULL;
    MUST_WORK(mls_key_package_new(c, STAGE_NOW - 1000, STAGE_NOW + 1000000, false, &kp));
    return kp;
}

/* Epoch 1: the first has added the others. */
static void found(struct stage *s, struct mls_group **members)
{
    struct mls_key_package *kp[STAGE_MEMBERS];
    struct mls_change adds[STAGE_MEMBERS];
    struct buf commit = {0}, welcome = {0};
    struct mls_commit_options options = {.force_path = true};
    MUST_WORK(mls_group_new(s->client[0], bytes_str("stage"), NULL, 0, STAGE_NOW, &members[0]));
    for (int i = 1; i < STAGE_MEMBERS; i++) {
        kp[i] = new_key_package(s->client[i]);
        adds[i - 1] = mls_add(mls_key_package_message(kp[i]));
    }
    MUST_WORK(mls_group_commit(members[0], adds, STAGE_MEMBERS - 1, &options, STAGE_NOW, &commit));
    MUST_WORK(mls_group_merge_own(members[0], &welcome));
    for (int i = 1; i < STAGE_MEMBERS; i++) {
        MUST_WORK(mls_group_join(s->client[i], buf_view(&welcome), bytes_of(NULL, 0), kp[i], NULL,
                                 0, STAGE_NOW, &members[i]));
        mls_key_package_free(kp[i]);
    }
    for (int i = 0; i < STAGE_MEMBERS; i++)
        MUST_WORK(mls_group_save(members[i], bytes_of(NULL, 0), &s->saved[i]));
    buf_free(&commit);
    buf_free(&welcome);
}

static void make_public(struct stage *s, struct mls_group *member)
{
    struct mls_public_group *g = NULL;
    MUST_WORK(mls_group_info(member, MLS_INFO_EXTERNAL_PUB, &s->group_info));
    MUST_WORK(mls_group_tree(member, &s->tree));
    MUST_WORK(mls_public_group_new(STAGE_SUITE, &s->callbacks, NULL, buf_view(&s->group_info),
                                   buf_view(&s->tree), STAGE_NOW, &g));
    MUST_WORK(mls_public_group_save(g, &s->public_saved));
    mls_public_group_free(g);
}

/* What the others send, and the deltas that taking it leaves with member 1. */
static void make_messages(struct stage *s, struct mls_group **members)
{
    struct mls_key_package *kp = new_key_package(s->client[STAGE_MEMBERS]);
    struct mls_change update = mls_update(), add = mls_add(mls_key_package_message(kp));
    struct buf own = {0}, unused = {0};
    MUST_WORK(mls_key_package_save(kp, bytes_of(NULL, 0), &s->key_package));
    buf_put(&s->key_package_message, mls_key_package_message(kp));
    MUST_WORK(mls_group_protect(members[0], bytes_of(NULL, 0), bytes_str("text"), &s->application));
    s->client[2]->policy.private_handshake = true;
    MUST_WORK(mls_group_commit(members[2], NULL, 0, NULL, STAGE_NOW, &s->private_commit));
    s->client[2]->policy.private_handshake = false;
    MUST_WORK(mls_group_drop_own(members[2]));
    MUST_WORK(mls_group_propose(members[2], &update, NULL, STAGE_NOW, &s->proposal));
    take(members[0], &s->proposal);
    MUST_WORK(mls_group_commit(members[0], &add, 1, NULL, STAGE_NOW, &s->commit));
    MUST_WORK(mls_group_merge_own(members[0], &s->welcome));
    deltas = s->deltas;
    take(members[1], &s->application);
    take(members[1], &s->proposal);
    MUST_WORK(mls_group_propose(members[1], &update, NULL, STAGE_NOW, &own));
    MUST_WORK(mls_group_commit(members[1], NULL, 0, NULL, STAGE_NOW, &own));
    take(members[1], &s->commit);
    MUST_WORK(mls_group_commit(members[1], NULL, 0, NULL, STAGE_NOW, &own));
    deltas = NULL;
    mls_key_package_free(kp);
    buf_free(&own);
    buf_free(&unused);
}

const struct stage *stage(void)
{
    struct stage *s = &the_stage;
    struct mls_group *members[STAGE_MEMBERS] = {NULL};
    struct crypto *c = NULL;
    if (s->client[0] != NULL)
        return s;
    stage_seed(1);
    ops = crypto_openssl;
    ops.random = weak_random;
    s->callbacks = (struct mls_callbacks){
        .check_identity = mls_identity_accept_any, .find_psk = find_psk, .store = store};
    MUST_WORK(crypto_new(STAGE_SUITE, &c));
    for (unsigned i = 0; i <= STAGE_MEMBERS; i++)
        make_client(s, i, c);
    found(s, members);
    make_public(s, members[0]);
    make_messages(s, members);
    for (int i = 0; i < STAGE_MEMBERS; i++)
        mls_group_free(members[i]);
    crypto_free(c);
    return s;
}

struct mls_group *stage_member(unsigned i)
{
    const struct stage *s = stage();
    struct mls_group *g = NULL;
    MUST_WORK(
        mls_group_restore(s->client[i], bytes_of(NULL, 0), buf_view(&s->saved[i]), NULL, 0, &g));
    return g;
}

struct mls_key_package *stage_key_package(void)
{
    const struct stage *s = stage();
    struct mls_key_package *kp = NULL;
    MUST_WORK(mls_key_package_restore(s->client[STAGE_MEMBERS], bytes_of(NULL, 0),
                                      buf_view(&s->key_package), &kp));
    return kp;
}

void stage_edit(const struct buf *base, struct bytes edits, struct buf *out)
{
    buf_put(out, buf_view(base));
    MUST_HOLD(buf_check(out) == 0);
    for (size_t i = 0; i + 3 <= edits.n && out->n != 0; i += 3) {
        size_t at = ((size_t)edits.p[i] << 8 | edits.p[i + 1]) % out->n;
        if (edits.p[i + 2] == 0)
            out->n = at;
        else
            out->p[at] ^= edits.p[i + 2];
    }
}
