#include "service/inside.h"

#define SECOND UINT64_C(1000000)

static const struct limiter_rule rules[] = {
    [RATE_REQUEST] = {RATE_REQUEST, 600, SECOND / 20},
    [RATE_SIGN_IN_ADDRESS] = {RATE_SIGN_IN_ADDRESS, 30, 10 * SECOND},
    [RATE_SIGN_IN_ACCOUNT] = {RATE_SIGN_IN_ACCOUNT, 20, 30 * SECOND},
    [RATE_CODE] = {RATE_CODE, 10, 60 * SECOND},
    [RATE_GUEST] = {RATE_GUEST, 60, 10 * SECOND},
    [RATE_CERTIFICATE] = {RATE_CERTIFICATE, 30, 60 * SECOND},
    [RATE_MEETING] = {RATE_MEETING, 60, 30 * SECOND},
};

bool service_rate_take(struct service *s, enum service_rate rate, struct bytes who, uint64_t now_us)
{
    return limiter_take(&s->limiter, &rules[rate], who, now_us);
}

void service_rate_give(struct service *s, enum service_rate rate, struct bytes who)
{
    limiter_give(&s->limiter, &rules[rate], who);
}
