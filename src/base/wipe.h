/* Erasing memory that held a secret, in a way the compiler may not remove. */
#ifndef BASE_WIPE_H
#define BASE_WIPE_H

#include <stddef.h>

void wipe(void *p, size_t n);

#endif
