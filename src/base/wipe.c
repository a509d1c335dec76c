#include "base/wipe.h"

#include <string.h>

void wipe(void *p, size_t n)
{
    if (n == 0)
        return;
    memset(p, 0, n);
    __asm__ volatile("" : : "r"(p) : "memory"); /* the store above is seen, so it must happen */
}
