/* Passwords: scrypt (RFC 7914), one at a time, on whatever thread. */
#ifndef SERVICE_PASSWORD_H
#define SERVICE_PASSWORD_H

#include <conclave/crypto.h>

#include "store/account.h"

/* NIST SP 800-63B 5.1.1.2: 8 characters at least, and no rules of composition. */
#define PASSWORD_MIN 8
#define PASSWORD_MAX 256

/* One derivation. Wiped by password_fini(). */
struct password_job {
    struct buf password;
    struct store_password made; /* salt and cost given; the hash is the result */
    int rv;
};
void password_fini(struct password_job *j);

/* With the salt and the cost of one that was stored, to be compared with. ENOMEM. */
int password_again(struct password_job *j, const char *password,
                   const struct store_password *stored) CONCLAVE_CHECKED;
/* With a fresh salt and today's cost, to be stored. ERANDOM, ENOMEM. */
int password_anew(struct password_job *j, const char *password, struct crypto *c) CONCLAVE_CHECKED;

/* Takes about 100 ms and 32 MiB. */
void password_run(struct password_job *j);

/* Whether what was derived is what was stored. */
bool password_fits(const struct password_job *j, const struct store_password *stored);

/* One that no password fits, and that costs as much to try. ERANDOM. */
int password_nobody(struct crypto *c, struct store_password *out) CONCLAVE_CHECKED;

#endif
