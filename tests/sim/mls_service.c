#include "sim/mls_service.h"

#include <stdlib.h>

/* Doubles an array that is full. */
static void *room(void *p, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return p;
    *cap = *cap == 0 ? 64 : *cap * 2;
    void *bigger = realloc(p, *cap * size);
    assert_non_null(bigger);
    return bigger;
}

void service_init(struct service *s, struct party *founder, bool public_handshakes)
{
    struct buf info = {0}, tree = {0};
    *s = (struct service){.epoch = mls_group_epoch(founder->group)};
    s->callbacks.check_identity = mls_identity_accept_any;
    if (!public_handshakes)
        return;
    struct mls_context context;
    mls_group_context(founder->group, &context);
    OK(mls_group_info(founder->group, MLS_INFO_EXTERNAL_PUB, &info));
    OK(mls_group_tree(founder->group, &tree));
    OK(mls_public_group_new(context.suite, &s->callbacks, NULL, buf_view(&info), buf_view(&tree),
                            NOW, &s->group));
    buf_free(&info);
    buf_free(&tree);
}

void service_fini(struct service *s)
{
    mls_public_group_free(s->group);
    for (size_t i = 0; i < s->n; i++)
        buf_free(&s->log[i].bytes);
    for (size_t i = 0; i < s->n_welcomes; i++) {
        buf_free(&s->welcomes[i].welcome);
        buf_free(&s->welcomes[i].tree);
    }
    free(s->log);
    free(s->welcomes);
}

static void append(struct service *s, struct bytes handshake)
{
    s->log = room(s->log, s->n, &s->cap, sizeof *s->log);
    struct posted *p = &s->log[s->n++];
    *p = (struct posted){.epoch = s->epoch};
    buf_put(&p->bytes, handshake);
}

/* Without a public group a service goes by what stands after group_id and epoch: the content type
 * of a PrivateMessage, the sender of a PublicMessage. Only commits of newcomers and SelfRemove are
 * public then. */
static bool looks_like_commit(enum mls_wire_format kind, struct bytes message,
                              struct bytes group_id)
{
    size_t at = (size_t)(group_id.p - message.p) + group_id.n + sizeof(uint64_t);
    uint8_t wanted = kind == MLS_PRIVATE_MESSAGE ? 3 : MLS_SENDER_NEW_MEMBER_COMMIT;
    return at < message.n && message.p[at] == wanted;
}

/* By the public group: what is valid is taken over. */
static int judge(struct service *s, struct bytes message, bool *out_commit)
{
    struct mls_received r;
    int rv = mls_public_group_receive(s->group, message, NOW, &r);
    if (rv != 0)
        return rv;
    *out_commit = r.kind == MLS_RECEIVED_COMMIT;
    if (*out_commit)
        OK(mls_public_group_merge(s->group, mls_received_take(&r)));
    mls_received_free(&r);
    return 0;
}

int service_post(struct service *s, const struct buf *handshake)
{
    enum mls_wire_format kind;
    struct bytes group_id;
    uint64_t epoch;
    int rv = 0;
    OK(mls_message_peek(buf_view(handshake), &kind, &group_id, &epoch));
    if (epoch != s->epoch) {
        s->late++;
        return CONCLAVE_EEPOCH;
    }
    bool commit = looks_like_commit(kind, buf_view(handshake), group_id);
    if (s->group != NULL)
        rv = judge(s, buf_view(handshake), &commit);
    if (rv != 0) {
        s->invalid++;
        return rv;
    }
    append(s, buf_view(handshake));
    s->epoch += commit;
    return 0;
}

void service_post_welcome(struct service *s, struct buf *welcome, struct mls_group *from)
{
    s->welcomes = room(s->welcomes, s->n_welcomes, &s->cap_welcomes, sizeof *s->welcomes);
    struct welcome_post *w = &s->welcomes[s->n_welcomes++];
    *w = (struct welcome_post){{0}, {0}};
    buf_move(&w->welcome, welcome);
    OK(mls_group_tree(from, &w->tree));
}

void service_compare(const struct service *s, struct mls_group *member)
{
    struct mls_context ours, theirs;
    struct buf a = {0}, b = {0};
    if (s->group == NULL)
        return;
    mls_public_group_context(s->group, &ours);
    mls_group_context(member, &theirs);
    assert_int_equal(ours.epoch, theirs.epoch);
    assert_true(bytes_equal(ours.tree_hash, theirs.tree_hash));
    assert_true(bytes_equal(ours.confirmed_transcript_hash, theirs.confirmed_transcript_hash));
    assert_true(bytes_equal(ours.extensions, theirs.extensions));
    OK(mls_public_group_tree(s->group, &a));
    OK(mls_group_tree(member, &b));
    assert_true(bytes_equal(buf_view(&a), buf_view(&b)));
    buf_free(&a);
    buf_free(&b);
}

void service_restart(struct service *s)
{
    struct buf saved = {0};
    struct mls_context context;
    if (s->group == NULL)
        return;
    mls_public_group_context(s->group, &context);
    uint16_t suite = context.suite;
    OK(mls_public_group_save(s->group, &saved));
    mls_public_group_free(s->group);
    s->group = NULL;
    OK(mls_public_group_restore(suite, &s->callbacks, NULL, buf_view(&saved), &s->group));
    buf_free(&saved);
}
