/* What a fuzzer defines; libFuzzer and replay.c call it. Returns 0. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What always holds: where it does not, the fuzzer has found something. */
static inline void must(bool holds)
{
    if (!holds)
        abort();
}

#endif
