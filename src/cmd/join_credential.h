/* What somebody joins with: a key of their own, and the server's certificate for it. Made when it
 * is needed, and kept in a folder if there is one, so that the next time nobody has to sign in.
 */
#ifndef CMD_JOIN_CREDENTIAL_H
#define CMD_JOIN_CREDENTIAL_H

#include <conclave/crypto.h>

#include "cmd/account_api.h"
#include "cmd/join_folder.h"

enum join_as {
    JOIN_AS_SAVED,  /* whoever is kept in the folder; else a guest */
    JOIN_AS_USER,   /* name: the e-mail address */
    JOIN_AS_DEVICE, /* name: the activation code */
    JOIN_AS_GUEST,
};

struct join_credential_config {
    struct account_api *api;
    const struct join_folder *folder; /* NULL: nothing is kept */
    const char *file;                 /* its name in the folder */
    enum join_as as;
    const char *name;
    /* Asked only when a password is needed. Appends it; an error ends the attempt. */
    int (*password)(void *ctx, struct buf *out);
    void *ctx;
    uint16_t suite;
};

struct join_credential {
    uint16_t suite;
    struct crypto_signer *signer;
    struct account_pass pass;
    struct account_certificate certificate;
    uint64_t issued; /* when the certificate was got, Unix seconds */
};

/* EPOLICY: *out_problem says why; ESTORE, ERANDOM, ENOMEM, an error of password(). */
int join_credential_obtain(const struct join_credential_config *config, uint64_t now,
                           struct join_credential *out,
                           struct account_problem *out_problem) CONCLAVE_CHECKED;
void join_credential_fini(struct join_credential *c);

/* Two thirds of the certificate's life: when to ask for the next, Unix seconds. */
uint64_t join_credential_renewal(const struct join_credential *c);

/* Puts a certificate got with account_certify() in place of the present one, and keeps it. Takes
 * what it holds. ESTORE, ENOMEM: it is taken, but not kept. */
int join_credential_renew(const struct join_credential_config *config, struct join_credential *c,
                          struct account_certificate *certificate, uint64_t now) CONCLAVE_CHECKED;

/* The chain as struct participant_config wants it: views. */
size_t join_credential_chain(const struct join_credential *c,
                             struct bytes out[static ACCOUNT_CHAIN_MAX]);

#endif
