/* What a server needs of MLS, and no more: it follows groups and serves trees and Welcomes. That it
 * runs is not the point; public_symbols.sh looks at what the linker took in for it. */
#include <stdio.h>

#include <conclave/mls.h>

/* A handshake from a client: 0 if it is taken over. */
static int follow(struct mls_public_group *g, struct bytes message, uint64_t now)
{
    struct mls_received r;
    struct mls_proposal_info p;
    struct mls_member m;
    int rv = mls_public_group_receive(g, message, now, &r);
    if (rv != 0)
        return rv;
    if (r.kind == MLS_RECEIVED_COMMIT) {
        for (size_t i = 0; i < mls_staged_proposal_count(r.staged); i++)
            if (mls_staged_proposal(r.staged, i, &p) == 0 && p.type == MLS_REMOVE &&
                mls_staged_old_member(r.staged, p.leaf, &m) == 0)
                printf("leaf %u goes\n", m.leaf_index);
        rv = mls_public_group_merge(g, mls_received_take(&r));
    }
    mls_received_free(&r);
    return rv;
}

/* What a newcomer is handed. */
static int serve(const struct mls_public_group *g, struct bytes welcome, struct buf *tree,
                 struct buf *slice)
{
    struct bytes ref;
    struct mls_welcome_walk walk;
    int rv = mls_public_group_tree(g, tree);
    if (rv == 0)
        rv = mls_welcome_open(welcome, &walk);
    while (rv == 0 && walk.count-- > 0) {
        rv = mls_welcome_next(&walk, &ref, slice);
        if (rv == 0)
            rv = mls_welcome_slice(welcome, ref, slice);
    }
    return rv;
}

static int restart(struct mls_public_group **g, const struct mls_callbacks *callbacks)
{
    struct buf saved = {0};
    struct mls_context context;
    mls_public_group_context(*g, &context);
    int rv = mls_public_group_save(*g, &saved);
    uint16_t suite = context.suite;
    mls_public_group_free(*g);
    *g = NULL;
    if (rv == 0)
        rv = mls_public_group_restore(suite, callbacks, NULL, buf_view(&saved), g);
    buf_free(&saved);
    return rv;
}

/* Arguments: GroupInfo, handshake, Welcome, as bytes of the command line. */
int main(int argc, char **argv)
{
    struct mls_callbacks callbacks = {.check_identity = mls_identity_accept_any};
    struct bytes in[3] = {{0}};
    struct mls_public_group *g = NULL;
    struct buf tree = {0}, slice = {0};
    struct mls_member m;
    enum mls_wire_format kind;
    struct bytes group_id;
    uint64_t epoch;
    for (int i = 0; i < 3 && i + 1 < argc; i++)
        in[i] = bytes_str(argv[i + 1]);
    int rv = mls_message_peek(in[0], &kind, &group_id, &epoch);
    if (rv == 0)
        rv = mls_public_group_new(CRYPTO_P256_AES128GCM_SHA256_P256, &callbacks, NULL, in[0],
                                  bytes_of(NULL, 0), 0, &g);
    if (rv == 0)
        rv = follow(g, in[1], 0);
    if (rv == 0)
        rv = serve(g, in[2], &tree, &slice);
    if (rv == 0)
        rv = mls_public_group_clear_proposals(g);
    if (rv == 0)
        rv = restart(&g, &callbacks);
    for (uint32_t i = 0; rv == 0 && mls_public_group_next_member(g, &i, &m);)
        printf("leaf %u of %u\n", m.leaf_index, mls_public_group_member_count(g));
    if (rv == 0)
        rv = mls_public_group_member(g, 0, &m);
    printf("%s\n", conclave_error_name(rv));
    mls_public_group_free(g);
    buf_free(&tree);
    buf_free(&slice);
    return rv == 0;
}
