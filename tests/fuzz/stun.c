/* STUN: what is read is written and read again as the same; nothing is verified that was not made
 * with the password. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "rtc/stun.h"

#define PASSWORD bytes_str("VOkJxbRl1RmTxUk/WvJxBt")

static void check_written(const struct stun_message *m)
{
    struct stun_message again;
    struct buf out = {0};

    must(stun_write(m, PASSWORD, &out) == 0);
    must(stun_read(buf_view(&out), &again) == 0);
    must(again.class == m->class && again.method == m->method && again.error == m->error);
    must(memcmp(again.transaction, m->transaction, sizeof m->transaction) == 0);
    must(again.has_username == m->has_username && bytes_equal(again.username, m->username));
    must(again.has_priority == m->has_priority && again.priority == m->priority);
    must(again.use_candidate == m->use_candidate);
    must(again.role == m->role && again.tie_breaker == m->tie_breaker);
    must(rtc_address_equal(&again.mapped, &m->mapped));
    must(stun_verify(&again, PASSWORD) == 0);
    must(stun_verify(&again, bytes_str("another")) == CONCLAVE_ESIGNATURE);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stun_message m;

    if (stun_read(bytes_of(data, size), &m) != 0)
        return 0;
    must(size <= STUN_MESSAGE_MAX && m.username.n <= STUN_USERNAME_MAX);
    int rv = stun_verify(&m, PASSWORD);
    must(rv == CONCLAVE_ESIGNATURE || (rv == 0 && m.integrity.n != 0));
    check_written(&m);
    return 0;
}
