/* A frame or a content that is read is the only one that says so: writing gives it back. */
#include "fuzz/fuzz.h"
#include "signal/signal.h"

static void walk(const struct signal_message *m)
{
    struct signal_entry entry;
    struct signal_presence change;
    struct bytes ref, entries = m->entries, refs = m->refs, presence = m->presence;
    while (signal_next_entry(&entries, &entry))
        continue;
    while (signal_next_ref(&refs, &ref))
        continue;
    while (signal_next_presence(&presence, &change))
        continue;
    must(entries.n == 0 && refs.n == 0 && presence.n == 0);
}

static void frame(struct bytes data)
{
    struct signal_message m;
    struct buf again = {0};
    if (signal_read(data, &m) != 0)
        return;
    must(data.n <= signal_limit(m.type));
    walk(&m);
    must(signal_write(&m, &again) == 0);
    must(bytes_equal(buf_view(&again), data));
    buf_free(&again);
}

static void content(struct bytes data)
{
    struct signal_content c;
    struct buf again = {0};
    if (signal_content_read(data, &c) != 0)
        return;
    must(signal_content_write(&c, &again) == 0);
    must(bytes_equal(buf_view(&again), data));
    buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    frame(bytes_of(data, size));
    content(bytes_of(data, size));
    return 0;
}
