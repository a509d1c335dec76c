/* The assembler: five bytes are a packet (how far the number goes, flags, how much time passes). Of
 * whatever stream, every number but those of padding is accounted for once and in order, what comes
 * out is what went in, memory holds, and nothing waits beyond its deadline. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "rtc/assembler.h"

struct state {
    struct assembler *assembler;
    uint16_t expected; /* number of the next output */
    bool started;
};

static bool is_padding(uint16_t sequence)
{
    return sequence % 16 == 7;
}

/* The content of a packet is a function of its number. */
static size_t content_of(uint16_t sequence, uint8_t out[static 64])
{
    size_t n = is_padding(sequence) ? 0 : sequence % 64;

    memset(out, sequence >> 3 & 0xff, n);
    return n;
}

static void check_frame(const struct assembler_output *o)
{
    size_t at = 0;

    for (uint32_t i = 0; i < o->count; i++) {
        uint8_t content[64];
        size_t n = content_of((uint16_t)(o->sequence + i), content);
        must(!is_padding((uint16_t)(o->sequence + i)));
        must(o->frame.n - at >= n && (n == 0 || memcmp(o->frame.p + at, content, n) == 0));
        at += n;
    }
    must(at == o->frame.n && o->count >= 1);
}

static void take_all(struct state *s, uint64_t now)
{
    struct assembler_output o;

    for (;;) {
        must(assembler_next(s->assembler, now, &o) == 0);
        must(assembler_memory(s->assembler) <= assembler_memory_max(s->assembler));
        if (o.what == ASSEMBLER_NOTHING)
            break;
        while (s->started && s->expected != o.sequence) /* those that arrived are not mentioned */
            must(is_padding(s->expected++));
        must(o.count >= 1 && o.arrived <= o.count);
        if (o.what == ASSEMBLER_FRAME)
            check_frame(&o);
        s->expected = (uint16_t)(o.sequence + o.count);
        s->started = true;
    }
    must(assembler_deadline(s->assembler) > now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct assembler_config configs[] = {
        {.packets = 16, .bytes = RTP_PACKET_MAX, .wait_us = 1000},
        {.packets = 1, .wait_us = 100},
        {.packets = 256, .wait_us = 100000},
        {.packets = 0},
    };
    struct state s = {0};
    uint16_t sequence = 65500;
    uint16_t missing[20];
    uint64_t now = 0;

    if (size < 1)
        return 0;
    must(assembler_new(&configs[data[0] % 4], &s.assembler) == 0);
    for (size_t i = 1; i + 5 <= size; i += 5) {
        uint8_t content[64];
        struct assembler_packet p = {
            .start = (data[i + 2] & 1) != 0,
            .end = (data[i + 2] & 2) != 0,
            .timestamp = data[i + 2] >> 2 & 3,
            .kind = data[i + 2] >> 4 & 1,
        };
        int step = data[i] < 128 ? data[i] : data[i] - 256;
        sequence = (uint16_t)(sequence +
                              ((data[i + 2] & 0x80) != 0 ? step * 256 + data[i + 1] : step % 16));
        now += (uint64_t)data[i + 3] * data[i + 4];
        p.sequence = sequence;
        p.padding = is_padding(sequence);
        p.payload = bytes_of(content, content_of(sequence, content));
        must(assembler_input(s.assembler, &p, now) == 0);
        must(assembler_missing(s.assembler, missing, 20) <= 20);
        take_all(&s, now);
    }
    while (assembler_deadline(s.assembler) != UINT64_MAX)
        take_all(&s, assembler_deadline(s.assembler));
    must(assembler_missing(s.assembler, missing, 20) == 0);
    assembler_free(s.assembler);
    return 0;
}
