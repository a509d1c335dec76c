/* Handshakes as they come, and the ways into the group. */
#include "sim/mls_world.h"

/* ---- Following the log ---- */

void merge_own(struct world *w, struct member *x)
{
    struct buf welcome = {0};
    OK(mls_group_merge_own(x->p.group, &welcome));
    enter(w, x);
    if (chance(w, 10)) /* the restored group has the new epoch, and goes on with it */
        crash(w, x);
    if (welcome.n != 0 && chance(w, 90)) /* some Welcomes are lost */
        service_post_welcome(&w->service, &welcome, x->p.group);
    buf_free(&welcome);
}

/* Between receiving and merging a member may fail to write, or drop what it has and ask again. */
static bool merge(struct world *w, struct member *x, struct mls_staged *staged)
{
    bool removes_us = mls_staged_removes_us(staged);
    bool hold = !removes_us && chance(w, 4);
    if (hold) {
        x->p.disk.fails = true;
        REFUSED(mls_group_merge(x->p.group, staged), CONCLAVE_ESTORE);
        x->p.disk.fails = false;
        w->count.failed_writes++;
        return false;
    }
    OK(mls_group_merge(x->p.group, staged));
    if (removes_us)
        assert_false(mls_group_is_member(x->p.group));
    else
        enter(w, x);
    return true;
}

/* One handshake of the log. */
static int take(struct world *w, struct member *x, const struct posted *post, bool *out_done)
{
    struct mls_received r;
    int rv = mls_group_receive(x->p.group, buf_view(&post->bytes), NOW, &r);
    *out_done = true;
    if (rv != 0)
        return rv;
    if (r.kind == MLS_RECEIVED_COMMIT)
        *out_done = merge(w, x, mls_received_take(&r));
    else if (r.kind == MLS_RECEIVED_OWN_COMMIT)
        merge_own(w, x);
    else
        assert_int_equal(r.kind, MLS_RECEIVED_PROPOSAL);
    mls_received_free(&r);
    return 0;
}

static void expect_early(struct world *w, struct member *x, const struct posted *post)
{
    struct mls_received r;
    if (post->epoch == mls_group_epoch(x->p.group))
        return;
    REFUSED(mls_group_receive(x->p.group, buf_view(&post->bytes), NOW, &r), CONCLAVE_EEPOCH);
    w->count.early++;
}

/* Takes some of what the service has, with losses, repetitions and things far too early. */
void follow(struct world *w, struct member *x, bool all)
{
    struct service *s = &w->service;
    bool lost_any = false;
    while (x->cursor < s->n && mls_group_is_member(x->p.group)) {
        const struct posted *post = &s->log[x->cursor];
        uint64_t epoch = mls_group_epoch(x->p.group);
        if (post->epoch < epoch) {
            x->cursor++;
            continue;
        }
        if (!all && chance(w, 10))
            break; /* the rest is delayed */
        if (!all && chance(w, 3))
            expect_early(w, x, &s->log[x->cursor + pick(w, s->n - x->cursor)]);
        if (!all && chance(w, 4)) {
            x->cursor++; /* lost; if it was a commit the next one is too early, and we ask again */
            lost_any = true;
            continue;
        }
        bool done;
        int rv = take(w, x, post, &done);
        if (lost_any && (rv == CONCLAVE_EUNKNOWNREF || rv == CONCLAVE_EEPOCH)) {
            lost_any = false;
            while (x->cursor > 0 && s->log[x->cursor - 1].epoch >= epoch)
                x->cursor--;
            continue;
        }
        if (w->private_handshakes && rv == CONCLAVE_EREPLAY)
            rv = 0; /* a proposal that came before: its key is gone */
        OK(rv);
        if (done && (!chance(w, 3) || mls_group_epoch(x->p.group) != epoch))
            x->cursor++; /* else it comes once more */
    }
    if (lost_any && mls_group_is_member(x->p.group)) /* found out by asking again later */
        x->cursor = 0;
}

/* ---- Coming in ---- */

void come_in(struct world *w, struct member *x)
{
    x->role = INSIDE;
    x->cursor = 0;
    x->since = mls_group_epoch(x->p.group);
    x->present = true;
    enter(w, x);
}

/* Joins by a Welcome if there is one. */
static bool join(struct world *w, struct member *x)
{
    struct bytes key_package = mls_key_package_message(x->p.kp);
    struct buf ref = {0}, slice = {0};
    struct mls_member unused;
    bool joined = false;
    OK(mls_key_package_inspect(x->p.client, key_package, NOW, &unused, &ref));
    for (size_t i = w->service.n_welcomes; !joined && i-- > 0;) {
        const struct welcome_post *post = &w->service.welcomes[i];
        if (!mls_welcome_is_for(buf_view(&post->welcome), x->p.kp))
            continue;
        OK(mls_welcome_slice(buf_view(&post->welcome), buf_view(&ref), &slice));
        party_join(&x->p, chance(w, 50) ? &slice : &post->welcome, buf_view(&post->tree));
        w->count.joins++;
        joined = true;
    }
    buf_free(&ref);
    buf_free(&slice);
    if (joined)
        come_in(w, x);
    return joined;
}

/* By external commit, taking our old leaf's place if there is one. */
void join_external(struct world *w, struct member *x)
{
    struct buf info = {0}, tree = {0}, message = {0}, welcome = {0};
    struct bytes psk = bytes_str("x of those who come");
    struct member *helper = random_member(w);
    if (helper == NULL || mls_group_epoch(helper->p.group) != w->service.epoch)
        return;
    uint32_t old = leaf_of(helper->p.group, x->p.name);
    leave_group(x);
    OK(mls_group_info(helper->p.group, MLS_INFO_EXTERNAL_PUB, &info));
    OK(mls_group_tree(helper->p.group, &tree));
    OK(mls_group_join_external(x->p.client, buf_view(&info), buf_view(&tree), old, &psk,
                               chance(w, 50), NOW, &x->p.group, &message));
    party_save(&x->p);
    if (chance(w, 30))
        party_crash(&x->p);
    OK(service_post(&w->service, &message));
    OK(mls_group_merge_own(x->p.group, &welcome));
    assert_int_equal(welcome.n, 0);
    party_save(&x->p);
    w->count.external++;
    w->count.resumed += old != MLS_NO_LEAF;
    come_in(w, x);
    buf_free(&info);
    buf_free(&tree);
    buf_free(&message);
}

void wait_for_welcome(struct world *w, struct member *x, bool now)
{
    if (x->role == LOST) {
        join_external(w, x);
    } else if (x->role == INVITED && !join(w, x) && (now || w->step > x->invited + PATIENCE)) {
        if (x->present)
            join_external(w, x); /* added, but the Welcome is lost */
        else
            x->role = OUTSIDE;
    }
}
