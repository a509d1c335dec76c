/* Reads an input as a script of reads over itself: the first half says what to read from the
 * second. Whatever is read lies inside; after a failure all reads are zero; what a varint says is
 * what its shortest form says. */
#include "fuzz/fuzz.h"

#include "wire/reader.h"
#include "wire/writer.h"

/* A view into the input, or nothing. */
static void check_view(struct bytes whole, struct bytes view)
{
    must(view.n == 0 || (view.p >= whole.p && view.p + view.n <= whole.p + whole.n));
}

static void read_number(struct reader *r, uint8_t what)
{
    const uint8_t *mark = r->p;
    uint8_t shortest[4];
    switch (what % 5) {
    case 0:
        must(read_u8(r) == 0 || reader_ok(r));
        break;
    case 1:
        must(read_u16(r) == 0 || reader_ok(r));
        break;
    case 2:
        must(read_u32(r) == 0 || reader_ok(r));
        break;
    case 3:
        must(read_u64(r) == 0 || reader_ok(r));
        break;
    default: {
        uint32_t v = read_varint(r);
        must(v == 0 || reader_ok(r));
        if (reader_ok(r)) {
            struct bytes form = read_since(r, mark);
            must(bytes_equal(form, bytes_of(shortest, varint_encode(v, shortest))));
        }
        break;
    }
    }
}

static void run(struct bytes script, struct bytes data, struct reader *r, int depth)
{
    for (size_t i = 0; i < script.n; i++) {
        size_t left = reader_left(r);
        uint8_t what = script.p[i];
        if (what < 100) {
            read_number(r, what);
        } else if (what < 140) {
            check_view(data, read_bytes(r, what - 100));
        } else if (what < 180) {
            check_view(data, read_vec(r));
        } else if (what < 220) {
            struct reader sub = read_sub(r);
            must(reader_ok(&sub) == reader_ok(r));
            if (depth < 2)
                run(bytes_of(script.p + i + 1, script.n - i - 1), data, &sub, depth + 1);
        } else {
            must(!read_optional(r) || reader_ok(r));
        }
        must(reader_left(r) <= left);
        must(reader_ok(r) || reader_left(r) == 0 || reader_end(r) != 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t half = size / 2 < 24 ? size / 2 : 24; /* vectors in vectors run the script anew */
    struct bytes content = bytes_of(data + half, size - half);
    struct reader r = reader_of(content);
    run(bytes_of(data, half), content, &r, 0);
    return 0;
}
