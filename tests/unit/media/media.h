/* What the tests of media cryptography share. */
#ifndef TESTS_UNIT_MEDIA_H
#define TESTS_UNIT_MEDIA_H

/* cmocka wants these before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <conclave/bytes.h>

#include "support/random.h"

/* Decodes hex, spaces allowed, into out; returns the number of bytes. */
static inline size_t unhex(const char *hex, uint8_t *out)
{
    size_t n = 0;
    unsigned value = 0, digits = 0;
    for (; *hex != 0; hex++) {
        if (*hex == ' ')
            continue;
        unsigned digit = (unsigned)(*hex <= '9' ? *hex - '0' : (*hex | 0x20) - 'a' + 10);
        value = value << 4 | digit;
        if (++digits % 2 == 0)
            out[n++] = (uint8_t)value;
    }
    return n;
}

static inline bool all_zero(const uint8_t *p, size_t n)
{
    uint8_t any = 0;
    for (size_t i = 0; i < n; i++)
        any |= p[i];
    return any == 0;
}

#endif
