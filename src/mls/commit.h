/* RFC 9420 12.4 and 7.6: Commit and UpdatePath on the wire. */
#ifndef MLS_COMMIT_H
#define MLS_COMMIT_H

#include "mls/proposal.h"

struct mls_commit_view {
    struct bytes proposals; /* content of ProposalOrRef proposals<V> */
    size_t n_proposals;
    bool has_path;
    struct mls_leaf path_leaf;
    struct bytes path_nodes; /* content of UpdatePathNode nodes<V> */
    size_t n_path_nodes;
};

enum { PROPOSAL_BY_VALUE = 1, PROPOSAL_BY_REFERENCE = 2 };

struct mls_proposal_or_ref {
    bool is_ref;
    struct bytes ref;
    struct mls_proposal proposal;
};

/* One node of an UpdatePath; the ciphertexts are walked with mls_ciphertext_read(). */
struct mls_path_node {
    struct bytes encryption_key;
    struct bytes ciphertexts; /* content of HPKECiphertext<V> */
};

struct mls_ciphertext {
    struct bytes kem_output, ciphertext;
};

void mls_proposal_or_ref_read(struct reader *r, struct mls_proposal_or_ref *out, int *error);
void mls_ciphertext_read(struct reader *r, struct mls_ciphertext *out);
void mls_path_node_read(struct reader *r, struct mls_path_node *out);

/* An UpdatePath by itself, and a Commit; all of it is checked for syntax. */
void mls_update_path_read(struct reader *r, struct mls_commit_view *out, int *error);
void mls_commit_read(struct reader *r, struct mls_commit_view *out, int *error);

#endif
