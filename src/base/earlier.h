/* Of two times the earlier one. Deadlines: UINT64_MAX is never. */
#ifndef BASE_EARLIER_H
#define BASE_EARLIER_H

#include <stdint.h>

static inline uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

#endif
