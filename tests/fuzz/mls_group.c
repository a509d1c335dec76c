/* A group of four driven by the input: they propose, commit, talk, restart, and get messages in any
 * order, changed on the way, or forged by an insider who signs what the fuzzer likes. What is
 * refused has changed nothing; what was changed on the way is refused; whoever takes the commits
 * that were accepted is in the end where the others are. */
#include "fuzz/fuzz.h"
#include "fuzz/mls_stage.h"

#include <stdlib.h>
#include <string.h>

#include "mls/framing.h"
#include "mls/group.h"

#define NOTHING bytes_of(NULL, 0)
#define POOL 48
#define STEPS 64
#define NONE POOL

enum kind { APPLICATION, PROPOSAL, COMMIT };

struct sent {
    struct buf bytes;
    enum kind kind;
    unsigned from;
    uint64_t epoch;
    bool given_up; /* a commit that its maker has dropped */
};

struct play {
    struct mls_group *g[STAGE_MEMBERS];
    unsigned pending[STAGE_MEMBERS]; /* the commit in the pool */
    struct sent pool[POOL];
    unsigned n;
    unsigned accepted[POOL + 2]; /* by epoch: the commit that ended it */
    struct reader in;
};

static void state_of(struct mls_group *g, struct buf *out)
{
    MUST_HOLD(mls_group_save(g, NOTHING, out) == 0);
}

static void send(struct play *p, unsigned from, enum kind kind, struct buf *message)
{
    if (p->n == POOL) {
        buf_free(message);
        return;
    }
    struct sent *s = &p->pool[p->n++];
    *s = (struct sent){.kind = kind, .from = from, .epoch = mls_group_epoch(p->g[from])};
    buf_move(&s->bytes, message);
}

/* First come: the commit that ends its epoch, unless another has. */
static bool accept(struct play *p, unsigned i)
{
    uint64_t epoch = p->pool[i].epoch;
    if (epoch > POOL || p->pool[i].given_up)
        return false;
    if (p->accepted[epoch] == NONE)
        p->accepted[epoch] = i;
    return p->accepted[epoch] == i;
}

static void merge_own(struct play *p, unsigned who)
{
    struct buf welcome = {0};
    unsigned i = p->pending[who];
    if (!mls_group_has_pending(p->g[who]) || i == NONE)
        return;
    if (accept(p, i)) {
        MUST_HOLD(mls_group_merge_own(p->g[who], &welcome) == 0);
    } else {
        MUST_HOLD(mls_group_drop_own(p->g[who]) == 0);
        p->pool[i].given_up = true;
    }
    p->pending[who] = NONE;
    buf_free(&welcome);
}

/* Gives a message to a member, who merges what was accepted. */
static int give(struct play *p, unsigned who, const struct sent *s, unsigned index)
{
    struct buf before = {0}, after = {0};
    struct mls_received r;
    state_of(p->g[who], &before);
    int rv = mls_group_receive(p->g[who], buf_view(&s->bytes), STAGE_NOW, &r);
    if (rv != 0) {
        state_of(p->g[who], &after);
        MUST_HOLD(bytes_equal(buf_view(&before), buf_view(&after)));
    } else if (r.kind == MLS_RECEIVED_COMMIT && index != NONE && accept(p, index)) {
        MUST_HOLD(mls_group_merge(p->g[who], mls_received_take(&r)) == 0);
        p->pending[who] = NONE;
    }
    if (rv == 0 && r.kind == MLS_RECEIVED_OWN_COMMIT)
        merge_own(p, who);
    if (rv == 0)
        mls_received_free(&r);
    buf_free(&before);
    buf_free(&after);
    return rv;
}

/* A message that somebody has changed on its way. */
static void give_changed(struct play *p, unsigned who, const struct sent *s)
{
    struct sent bad = *s;
    uint32_t at = read_u16(&p->in);
    uint8_t how = read_u8(&p->in);
    buf_init(&bad.bytes);
    buf_put(&bad.bytes, buf_view(&s->bytes));
    MUST_HOLD(buf_check(&bad.bytes) == 0);
    at %= (uint32_t)bad.bytes.n;
    if (how == 0)
        bad.bytes.n = at;
    else
        bad.bytes.p[at] ^= how;
    MUST_HOLD(give(p, who, &bad, NONE) != 0);
    bad.bytes.n = s->bytes.n;
    buf_free(&bad.bytes);
}

static struct mls_change any_change(struct play *p, uint8_t what)
{
    static const struct mls_extension extension = {STAGE_CUSTOM, {(const uint8_t *)"note", 4}};
    uint8_t more = read_u8(&p->in);
    switch (what % 8) {
    case 0:
        return mls_remove(more % (STAGE_MEMBERS + 2));
    case 1:
        return mls_add(buf_view(&stage()->key_package_message));
    case 2:
        return mls_external_psk(bytes_of("psk", more % 4));
    case 3:
        return mls_set_extensions(&extension, more % 2);
    case 4:
        return mls_custom(more % 2 == 0 ? STAGE_CUSTOM : more, bytes_str("data"));
    case 5: /* of epoch 0 only the founder knows */
        return more % 8 == 0 ? mls_reinit(bytes_str("next"), STAGE_SUITE, &extension, 1)
                             : mls_resumption_psk(bytes_str("stage"), 1 + more % 4);
    case 6:
        return mls_self_remove();
    default:
        return mls_update();
    }
}

static void propose(struct play *p, unsigned who)
{
    struct buf message = {0};
    struct mls_change change = any_change(p, read_u8(&p->in));
    if (mls_group_propose(p->g[who], &change, NULL, STAGE_NOW, &message) == 0)
        send(p, who, PROPOSAL, &message);
    buf_free(&message);
}

static void commit(struct play *p, unsigned who)
{
    struct buf message = {0};
    struct mls_change changes[3];
    uint8_t flags = read_u8(&p->in);
    size_t n = flags % 4;
    struct mls_commit_options options = {.force_path = flags & 16, .ignore_cached = flags & 32};
    if (p->n == POOL)
        return;
    for (size_t i = 0; i < n; i++)
        changes[i] = any_change(p, read_u8(&p->in));
    if (mls_group_commit(p->g[who], changes, n, &options, STAGE_NOW, &message) == 0) {
        p->pending[who] = p->n;
        send(p, who, COMMIT, &message);
    }
    buf_free(&message);
}

static void talk(struct play *p, unsigned who)
{
    struct buf message = {0};
    if (mls_group_protect(p->g[who], NOTHING, bytes_str("text"), &message) == 0)
        send(p, who, APPLICATION, &message);
    buf_free(&message);
}

/* A member signs and tags anything as a Proposal or a Commit. No such commit is taken: its
 * confirmation tag cannot be right. A proposal that one takes goes to all. */
static void forge(struct play *p, unsigned who, unsigned to)
{
    struct mls_group *g = p->g[who];
    bool is_commit = read_u8(&p->in) & 1;
    struct bytes body = read_bytes(&p->in, read_u8(&p->in));
    uint8_t tag[CRYPTO_HASH_MAX] = {0};
    struct buf encoded = {0}, signature = {0}, auth = {0}, message = {0};
    struct mls_ratchet_step *step = NULL;
    struct mls_content content = {.group_id = g->pub.view.group_id,
                                  .epoch = g->pub.view.epoch,
                                  .sender = {MLS_SENDER_MEMBER, g->own_leaf},
                                  .type = is_commit ? CONTENT_COMMIT : CONTENT_PROPOSAL,
                                  .body = body};
    if (body.n == 0 || !mls_group_is_member(g))
        return;
    mls_content_write(&encoded, &content);
    MUST_HOLD(mls_content_sign(g->signer, MLS_PUBLIC_MESSAGE, MLS_SENDER_MEMBER, buf_view(&encoded),
                               buf_view(&g->pub.context), &signature) == 0);
    mls_auth_write(&auth, content.type, buf_view(&signature), bytes_of(tag, g->pub.tree.nh));
    MUST_HOLD(mls_group_frame(g, &content, buf_view(&encoded), buf_view(&auth), false, &message,
                              &step) == 0);
    struct sent s = {.bytes = message, .kind = PROPOSAL};
    int rv = who == to ? CONCLAVE_ESENDER : give(p, to, &s, NONE);
    MUST_HOLD(!is_commit || rv != 0);
    if (rv == 0)
        send(p, who, PROPOSAL, &s.bytes);
    buf_free(&s.bytes);
    buf_free(&encoded);
    buf_free(&signature);
    buf_free(&auth);
}

/* What comes back from a save is what was saved. */
static void restart(struct play *p, unsigned who)
{
    struct buf before = {0}, after = {0};
    struct mls_group *g = NULL;
    state_of(p->g[who], &before);
    MUST_HOLD(mls_group_restore(stage()->client[who], NOTHING, buf_view(&before), NULL, 0, &g) ==
              0);
    state_of(g, &after);
    MUST_HOLD(bytes_equal(buf_view(&before), buf_view(&after)));
    mls_group_free(p->g[who]);
    p->g[who] = g;
    buf_free(&before);
    buf_free(&after);
}

static void step(struct play *p)
{
    uint8_t what = read_u8(&p->in);
    unsigned who = what / 16 % STAGE_MEMBERS, to = what / 64 % STAGE_MEMBERS;
    uint8_t index = what % 16 >= 6 && what % 16 <= 12 ? read_u8(&p->in) : 0;
    struct sent *s = p->n == 0 ? NULL : &p->pool[index % p->n];
    switch (what % 16) {
    case 0:
        talk(p, who);
        break;
    case 1:
    case 2:
        propose(p, who);
        break;
    case 3:
    case 4:
        commit(p, who);
        break;
    case 5:
        merge_own(p, who);
        break;
    case 13:
        forge(p, who, to);
        break;
    case 14:
        restart(p, who);
        break;
    case 15:
        MUST_HOLD(mls_group_clear_proposals(p->g[who]) == 0);
        break;
    case 11:
    case 12:
        if (s != NULL)
            give_changed(p, who, s);
        break;
    default:
        if (s != NULL)
            (void)give(p, who, s, index % p->n);
        break;
    }
}

/* ---- In the end ---- */

/* A member takes the proposals and the accepted commit of its epoch; false if it has none. */
static bool catch_up(struct play *p, unsigned who)
{
    uint64_t epoch = mls_group_epoch(p->g[who]);
    if (!mls_group_is_member(p->g[who]) || epoch > POOL || p->accepted[epoch] == NONE)
        return false;
    unsigned last = p->accepted[epoch];
    if (p->pool[last].from == who) {
        MUST_HOLD(p->pending[who] == last);
        merge_own(p, who);
        return true;
    }
    for (unsigned i = 0; i < p->n; i++)
        if (p->pool[i].kind == PROPOSAL && p->pool[i].epoch == epoch)
            (void)give(p, who, &p->pool[i], i);
    MUST_HOLD(give(p, who, &p->pool[last], last) == 0);
    MUST_HOLD(!mls_group_is_member(p->g[who]) || mls_group_epoch(p->g[who]) == epoch + 1);
    return true;
}

static void converge(struct play *p)
{
    struct mls_group *first = NULL;
    for (unsigned i = 0; i < STAGE_MEMBERS; i++) {
        while (catch_up(p, i)) {
        }
        if (!mls_group_is_member(p->g[i]))
            continue;
        if (first == NULL)
            first = p->g[i];
        MUST_HOLD(mls_group_epoch(first) == mls_group_epoch(p->g[i]));
        MUST_HOLD(bytes_equal(mls_group_epoch_authenticator(first),
                              mls_group_epoch_authenticator(p->g[i])));
        MUST_HOLD(bytes_equal(buf_view(&first->pub.context), buf_view(&p->g[i]->pub.context)));
    }
    MUST_HOLD(first != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct play p;
    p = (struct play){.in = reader_of(bytes_of(data, size))};
    (void)stage();
    stage_seed(5);
    for (unsigned i = 0; i < STAGE_MEMBERS; i++) {
        p.g[i] = stage_member(i);
        p.pending[i] = NONE;
    }
    for (size_t i = 0; i < sizeof p.accepted / sizeof p.accepted[0]; i++)
        p.accepted[i] = NONE;
    for (int i = 0; i < STEPS && reader_left(&p.in) != 0; i++)
        step(&p);
    converge(&p);
    for (unsigned i = 0; i < STAGE_MEMBERS; i++)
        mls_group_free(p.g[i]);
    for (unsigned i = 0; i < p.n; i++)
        buf_free(&p.pool[i].bytes);
    return 0;
}
