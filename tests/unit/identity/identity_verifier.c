/* A program that only verifies: what it is linked with is looked at by identity_links.sh. */
#include <conclave/identity.h>

int main(void)
{
    const struct identity_policy policy = identity_policy_default();
    struct identity_anchors *a;
    struct identity id;
    struct buf text = {0};
    if (identity_anchors_new(&a) != 0 ||
        identity_anchors_add_pem(a, &(struct identity_anchor){.purpose = IDENTITY_PUBLIC},
                                 bytes_str("none")) != CONCLAVE_ESYNTAX ||
        identity_verify(a, NULL, 0, bytes_of(NULL, 0), 0, &policy, &id) != 0 ||
        identity_describe(&id, NULL, 0, &text) != 0)
        return 1;
    bool same = identity_same(&id, &id);
    identity_anchors_free(a);
    buf_free(&text);
    return same || id.reason != IDENTITY_NO_CERTIFICATE;
}
