/* SipHash-2-4: a keyed hash for tables whose keys an outsider chooses. */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <conclave/bytes.h>

uint64_t siphash(const uint8_t key[static 16], struct bytes data);

#endif
