#include "base/ct.h"

#include "base/taint.h"

/* The volatile read keeps the compiler from leaving the loop early. Whether there was a difference
 * is what the caller shows everybody by what it does next. */
static uint8_t fold(struct bytes a, const uint8_t *b)
{
    volatile uint8_t diff = 0;
    for (size_t i = 0; i < a.n; i++)
        diff = (uint8_t)(diff | (a.p[i] ^ (b == NULL ? 0 : b[i])));
    uint8_t differs = diff;
    taint_public(&differs, sizeof differs);
    return differs;
}

bool ct_equal(struct bytes a, struct bytes b)
{
    if (a.n != b.n)
        return false;
    return a.n == 0 || fold(a, b.p) == 0;
}

bool ct_is_zero(struct bytes a)
{
    return fold(a, NULL) == 0;
}
