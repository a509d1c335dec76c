/* An SFrame header that is read is the only way to write its numbers: RFC 9605 4.3-2. */
#include <stdlib.h>

#include <conclave/sframe.h>

#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sframe_header h;
    uint8_t out[SFRAME_HEADER_MAX];
    size_t n;
    if (sframe_header_read(bytes_of(data, size), &h, &n) != 0)
        return 0;
    if (n > size || sframe_header_write(h.kid, h.ctr, out) != n ||
        !bytes_equal(bytes_of(out, n), bytes_of(data, n)))
        abort();
    return 0;
}
