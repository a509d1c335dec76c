/* The dependency descriptor: the first byte says how long the first of two descriptors is; the
 * second one is read with the structure of the first. What was read is written back the same. */

#include "fuzz/fuzz.h"
#include "rtc/dependency_descriptor.h"

static void check(const struct dd *d, const struct dd_structure *s)
{
    struct buf out = {0};
    struct buf again = {0};
    struct dd e;
    struct dd_structure t;

    must(dd_write(d, s, &out) == 0);
    must(dd_read(buf_view(&out), s, &e, &t) == 0);
    must(dd_write(&e, e.has_structure ? &t : s, &again) == 0);
    must(bytes_equal(buf_view(&out), buf_view(&again)));
    must(e.has_structure == d->has_structure && e.active_targets == d->active_targets &&
         e.frame_number == d->frame_number && e.frame.fdiff_count == d->frame.fdiff_count);
    buf_free(&out);
    buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dd d;
    struct dd_structure s;
    struct dd_structure second;

    if (size < 1)
        return 0;
    size_t n = data[0] < size - 1 ? data[0] : size - 1;
    if (dd_read(bytes_of(data + 1, n), NULL, &d, &s) != 0)
        return 0;
    must(d.has_structure);
    check(&d, &s);
    if (dd_read(bytes_of(data + 1 + n, size - 1 - n), &s, &d, &second) == 0)
        check(&d, d.has_structure ? &second : &s);
    return 0;
}
