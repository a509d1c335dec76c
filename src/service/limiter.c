#include "service/limiter.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/siphash.h"

int limiter_init(struct limiter *l, struct crypto *c)
{
    *l = (struct limiter){0};
    return crypto_random(c, l->key, sizeof l->key);
}

static uint64_t name_of(const struct limiter *l, const struct limiter_rule *rule, struct bytes who)
{
    uint64_t hash = siphash(l->key, who);
    uint8_t in[1 + sizeof hash] = {rule->kind};
    memcpy(in + 1, &hash, sizeof hash);
    return siphash(l->key, bytes_of(in, sizeof in));
}

/* The entry of a name; or else the one that can best be spared. */
static uint64_t *find(struct limiter *l, uint64_t name, bool *out_found)
{
    uint64_t *names = l->name[name % LIMITER_SETS], *earned = l->earned_at[name % LIMITER_SETS];
    unsigned best = 0;
    for (unsigned i = 0; i < LIMITER_WAYS; i++) {
        if (names[i] == name && earned[i] != 0) {
            *out_found = true;
            return &earned[i];
        }
        if (earned[i] < earned[best])
            best = i;
    }
    *out_found = false;
    return &earned[best];
}

bool limiter_take(struct limiter *l, const struct limiter_rule *rule, struct bytes who,
                  uint64_t now_us)
{
    bool found;
    uint64_t name = name_of(l, rule, who), *earned = find(l, name, &found);
    uint64_t from = found && *earned > now_us ? *earned : now_us;
    if (from - now_us > rule->interval_us * (rule->burst - 1))
        return false;
    *earned = from + rule->interval_us;
    l->name[name % LIMITER_SETS][earned - l->earned_at[name % LIMITER_SETS]] = name;
    return true;
}

void limiter_give(struct limiter *l, const struct limiter_rule *rule, struct bytes who)
{
    bool found;
    uint64_t *earned = find(l, name_of(l, rule, who), &found);
    if (found && *earned > rule->interval_us)
        *earned -= rule->interval_us;
}

struct bytes limiter_address(const char *text, uint8_t space[static LIMITER_ADDRESS])
{
    static const uint8_t mapped[12] = {[10] = 0xff, 0xff}; /* RFC 4291 2.5.5.2 */
    if (inet_pton(AF_INET, text, space) == 1)
        return bytes_of(space, 4);
    if (inet_pton(AF_INET6, text, space) == 1)
        return memcmp(space, mapped, sizeof mapped) == 0 ? bytes_of(space + 12, 4)
                                                         : bytes_of(space, 8);
    size_t n = strlen(text);
    n = n < LIMITER_ADDRESS ? n : LIMITER_ADDRESS;
    memcpy(space, text, n);
    return bytes_of(space, n);
}
