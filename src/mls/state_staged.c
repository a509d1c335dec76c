/* A staged commit as bytes: what is different from the group it was staged on. */
#include <stdlib.h>
#include <string.h>

#include "mls/group.h"
#include "wire/writer.h"

enum flags { FLAG_SECRETS = 1, FLAG_HAS_PATH = 2 };

static void write_nodes(const struct mls_staged *s, struct buf *b)
{
    write_u32(b, s->tree.width);
    size_t mark = write_vec_begin(b);
    for (uint32_t i = 0; i < tm_node_count(s->tree.width); i++) {
        bool outside = i >= tm_node_count(s->old_tree.width);
        if (outside ? mls_tree_is_blank(&s->tree, i)
                    : mls_tree_same_node(&s->old_tree, &s->tree, i))
            continue;
        write_u32(b, i);
        mls_tree_write_node(&s->tree, i, b);
    }
    write_vec_end(b, mark);
}

/* The proposals, references replaced by what they stand for, so that they can be shown again. */
static void write_list(const struct mls_staged *s, struct buf *b)
{
    size_t mark = write_vec_begin(b);
    for (size_t i = 0; i < s->n_list; i++) {
        const struct mls_listed *l = &s->list[i];
        write_u8(b, l->by_ref);
        buf_put(b, bytes_of(l->ref, sizeof l->ref));
        write_u8(b, (uint8_t)l->sender.type);
        write_u32(b, l->sender.index);
        write_u32(b, l->leaf);
        write_vec(b, l->p.raw);
    }
    write_vec_end(b, mark);
}

static void write_secrets(const struct mls_staged_secrets *secrets, struct buf *b)
{
    write_u32(b, secrets->own_leaf);
    mls_state_write_path(b, &secrets->path);
    mls_state_write_epoch(b, &secrets->epoch);
    mls_secret_tree_write(&secrets->tree, b);
    write_vec(b, buf_view(&secrets->welcome));
    write_vec(b, buf_view(&secrets->message));
}

int mls_staged_write(const struct mls_staged *s, struct buf *b)
{
    write_u8(
        b, (uint8_t)((s->secrets != NULL ? FLAG_SECRETS : 0) | (s->has_path ? FLAG_HAS_PATH : 0)));
    write_u8(b, (uint8_t)s->sender.type);
    write_u32(b, s->sender.index);
    write_u32(b, s->committer);
    write_vec(b, buf_view(&s->authenticated_data));
    write_vec(b, buf_view(&s->context));
    write_vec(b, buf_view(&s->confirmation_tag));
    buf_put(b, bytes_of(s->interim, sizeof s->interim));
    write_list(s, b);
    write_nodes(s, b);
    if (s->secrets != NULL)
        write_secrets(s->secrets, b);
    return buf_check(b);
}

/* ---- Reading ---- */

static int read_listed(struct reader *r, struct mls_listed *l)
{
    int error = 0;
    l->by_ref = read_optional(r);
    struct bytes ref = read_bytes(r, sizeof l->ref);
    l->sender.type = (enum mls_sender_type)read_u8(r);
    l->sender.index = read_u32(r);
    l->leaf = read_u32(r);
    struct bytes raw = read_vec(r);
    if (!reader_ok(r))
        return CONCLAVE_ESYNTAX;
    memcpy(l->ref, ref.p, sizeof l->ref);
    l->owned = malloc(raw.n + 1);
    if (l->owned == NULL)
        return CONCLAVE_ENOMEM;
    memcpy(l->owned, raw.p, raw.n);
    struct reader again = reader_of(bytes_of(l->owned, raw.n));
    mls_proposal_read(&again, &l->p, &error);
    return reader_end(&again);
}

static int read_list(struct mls_staged *s, struct reader *r)
{
    struct reader list = read_sub(r);
    size_t room = reader_left(&list) / (CRYPTO_HASH_MAX + 11); /* none is shorter */
    int rv = 0;
    s->list = room == 0 ? NULL : calloc(room, sizeof *s->list);
    if (room != 0 && s->list == NULL)
        return CONCLAVE_ENOMEM;
    while (rv == 0 && reader_left(&list) != 0 && s->n_list < room) {
        struct mls_listed *l = &s->list[s->n_list++];
        rv = read_listed(&list, l);
        if (rv == 0 && l->p.type == MLS_REINIT)
            s->reinit = l;
    }
    return rv != 0 ? rv : reader_end(&list);
}

/* Blanks all that changes or falls off, then fills: a key may have moved between nodes. */
static int read_nodes(struct mls_staged *s, struct reader *r)
{
    uint32_t width = read_u32(r);
    struct bytes nodes = read_vec(r);
    int rv = reader_ok(r) && width != 0 && width <= LIMIT_MLS_LEAVES && (width & (width - 1)) == 0
                 ? 0
                 : CONCLAVE_ESYNTAX;
    for (uint32_t i = tm_node_count(width); rv == 0 && i < tm_node_count(s->tree.width); i++)
        rv = mls_tree_blank_node(&s->tree, i);
    if (rv == 0)
        rv = mls_tree_resize(&s->tree, width);
    for (int pass = 0; rv == 0 && pass < 2; pass++) {
        struct reader list = reader_of(nodes);
        while (rv == 0 && reader_left(&list) != 0) {
            uint32_t i = read_u32(&list);
            if (!reader_ok(&list) || i >= tm_node_count(width))
                return CONCLAVE_ESYNTAX;
            rv = pass == 0 ? mls_tree_skip_node(&list) : mls_tree_read_node(&s->tree, i, &list);
            if (rv == 0 && pass == 0)
                rv = mls_tree_blank_node(&s->tree, i);
        }
        if (rv == 0)
            rv = reader_end(&list);
    }
    return rv;
}

static int read_secrets(struct mls_group *g, struct mls_staged *s, struct reader *r)
{
    struct mls_staged_secrets *secrets = calloc(1, sizeof *secrets);
    if (secrets == NULL)
        return CONCLAVE_ENOMEM;
    s->secrets = secrets;
    s->secrets_free = mls_staged_secrets_free;
    secrets->own_leaf = read_u32(r);
    secrets->signer = g->signer;
    mls_state_read_path(r, &secrets->path);
    mls_state_read_epoch(r, &secrets->epoch);
    int rv = reader_ok(r) ? mls_secret_tree_read(&secrets->tree, r) : CONCLAVE_ESYNTAX;
    if (rv != 0)
        return rv;
    buf_put(&secrets->welcome, read_vec(r));
    buf_put(&secrets->message, read_vec(r));
    if (!reader_ok(r))
        return CONCLAVE_ESYNTAX;
    return secrets->welcome.failed ? CONCLAVE_ENOMEM : buf_check(&secrets->message);
}

static int read_context(struct mls_staged *s, struct reader *r)
{
    struct mls_group_context parsed;
    int error = 0;
    buf_put(&s->context, read_vec(r));
    buf_put(&s->confirmation_tag, read_vec(r));
    struct bytes interim = read_bytes(r, sizeof s->interim);
    if (!reader_ok(r) || s->context.failed || s->confirmation_tag.failed)
        return reader_ok(r) ? CONCLAVE_ENOMEM : CONCLAVE_ESYNTAX;
    memcpy(s->interim, interim.p, sizeof s->interim);
    struct reader c = reader_of(buf_view(&s->context));
    mls_group_context_read(&c, &parsed, &error);
    s->view = parsed.view;
    return reader_end(&c);
}

static int read_staged(struct mls_group *g, struct mls_staged *s, struct reader *r, uint8_t flags)
{
    int rv = read_context(s, r);
    s->has_path = flags & FLAG_HAS_PATH;
    if (rv == 0)
        rv = read_list(s, r);
    if (rv == 0)
        mls_staged_set_own(s, g->own_leaf);
    if (rv == 0)
        rv = read_nodes(s, r);
    if (rv == 0 && (flags & FLAG_SECRETS) != 0)
        rv = read_secrets(g, s, r);
    return rv;
}

int mls_staged_read(struct mls_group *g, struct reader *r, struct mls_staged **out)
{
    struct mls_staged *s = NULL;
    struct mls_sender sender;
    uint8_t flags = read_u8(r);
    sender.type = (enum mls_sender_type)read_u8(r);
    sender.index = read_u32(r);
    uint32_t committer = read_u32(r);
    struct bytes authenticated_data = read_vec(r);
    if (!reader_ok(r))
        return CONCLAVE_ESYNTAX;
    int rv = mls_staged_begin(&g->pub, sender, bytes_of(NULL, 0), &s);
    if (rv != 0)
        return rv;
    s->committer = committer;
    buf_put(&s->authenticated_data, authenticated_data);
    rv = buf_check(&s->authenticated_data);
    if (rv == 0)
        rv = read_staged(g, s, r, flags);
    if (rv == 0)
        rv = mls_state_check_staged(g, s);
    if (rv != 0) {
        mls_staged_free(s);
        return rv;
    }
    *out = s;
    return 0;
}
