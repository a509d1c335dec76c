#include "service/password.h"

#include "base/ct.h"
#include "base/wipe.h"
#include "crypto/scrypt.h"

/* 32 MiB: OWASP's second choice of parameters (N=2^16 with p=2 for 64 MiB would halve how many can
 * sign in at once). Kept with each password, so that tomorrow's may be dearer. */
#define COST_N (UINT64_C(1) << 15)
#define COST_R 8
#define COST_P 1

void password_fini(struct password_job *j)
{
    buf_free(&j->password);
    wipe(j, sizeof *j);
}

int password_again(struct password_job *j, const char *password,
                   const struct store_password *stored)
{
    buf_clear(&j->password);
    buf_put(&j->password, bytes_str(password));
    j->made = *stored;
    wipe(j->made.hash, sizeof j->made.hash);
    return buf_check(&j->password);
}

int password_anew(struct password_job *j, const char *password, struct crypto *c)
{
    struct store_password fresh = {.cost_n = COST_N, .cost_r = COST_R, .cost_p = COST_P};
    int rv = crypto_random(c, fresh.salt, sizeof fresh.salt);
    return rv != 0 ? rv : password_again(j, password, &fresh);
}

void password_run(struct password_job *j)
{
    const struct scrypt_cost cost = {j->made.cost_n, j->made.cost_r, j->made.cost_p};
    j->rv = crypto_scrypt(buf_view(&j->password), bytes_of(j->made.salt, sizeof j->made.salt),
                          &cost, j->made.hash, sizeof j->made.hash);
}

bool password_fits(const struct password_job *j, const struct store_password *stored)
{
    return j->rv == 0 && ct_equal(bytes_of(j->made.hash, sizeof j->made.hash),
                                  bytes_of(stored->hash, sizeof stored->hash));
}

int password_nobody(struct crypto *c, struct store_password *out)
{
    struct store_password p = {.cost_n = COST_N, .cost_r = COST_R, .cost_p = COST_P};
    int rv = crypto_random(c, p.salt, sizeof p.salt);
    if (rv == 0)
        rv = crypto_random(c, p.hash, sizeof p.hash);
    if (rv == 0)
        *out = p;
    return rv;
}
