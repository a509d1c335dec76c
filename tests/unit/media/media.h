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

/* splitmix64: the same seed tells the same story. */
static inline uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline void fill_random(uint64_t *state, uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)next_random(state);
}

static inline bool all_zero(const uint8_t *p, size_t n)
{
    uint8_t any = 0;
    for (size_t i = 0; i < n; i++)
        any |= p[i];
    return any == 0;
}

#endif
