#include "mls/commit.h"

#include "base/limits.h"

void mls_proposal_or_ref_read(struct reader *r, struct mls_proposal_or_ref *out, int *error)
{
    uint8_t kind = read_u8(r);
    *out = (struct mls_proposal_or_ref){.is_ref = kind == PROPOSAL_BY_REFERENCE};
    if (kind == PROPOSAL_BY_VALUE)
        mls_proposal_read(r, &out->proposal, error);
    else if (kind == PROPOSAL_BY_REFERENCE)
        out->ref = read_vec(r);
    else
        reader_fail(r);
}

void mls_ciphertext_read(struct reader *r, struct mls_ciphertext *out)
{
    out->kem_output = read_vec(r);
    out->ciphertext = read_vec(r);
}

void mls_path_node_read(struct reader *r, struct mls_path_node *out)
{
    struct mls_ciphertext unused;
    out->encryption_key = read_vec(r);
    out->ciphertexts = read_vec(r);
    struct reader list = reader_of(out->ciphertexts);
    while (reader_left(&list) != 0)
        mls_ciphertext_read(&list, &unused);
    if (reader_end(&list) != 0)
        reader_fail(r);
}

void mls_update_path_read(struct reader *r, struct mls_commit_view *out, int *error)
{
    struct mls_path_node unused;
    mls_leaf_read(r, &out->path_leaf, error);
    out->path_nodes = read_vec(r);
    out->n_path_nodes = 0;
    out->has_path = reader_ok(r);
    struct reader nodes = reader_of(out->path_nodes);
    while (reader_left(&nodes) != 0 && reader_ok(r)) {
        mls_path_node_read(&nodes, &unused);
        if (++out->n_path_nodes > LIMIT_MLS_LEVELS)
            reader_fail(r);
    }
    if (reader_end(&nodes) != 0)
        reader_fail(r);
}

void mls_commit_read(struct reader *r, struct mls_commit_view *out, int *error)
{
    struct mls_proposal_or_ref unused;
    *out = (struct mls_commit_view){.proposals = read_vec(r)};
    struct reader list = reader_of(out->proposals);
    while (reader_left(&list) != 0) {
        mls_proposal_or_ref_read(&list, &unused, error);
        if (++out->n_proposals > LIMIT_MLS_PROPOSALS) {
            *error = *error != 0 ? *error : CONCLAVE_ELIMIT;
            reader_fail(&list);
        }
    }
    if (reader_end(&list) != 0)
        reader_fail(r);
    if (read_optional(r))
        mls_update_path_read(r, out, error);
}
