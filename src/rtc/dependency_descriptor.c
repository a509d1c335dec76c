#include "rtc/dependency_descriptor.h"

#include <string.h>

#include "wire/bits.h"

/* A.8.2: next_layer_idc */
enum next_layer {
    NEXT_SAME = 0,
    NEXT_TEMPORAL = 1,
    NEXT_SPATIAL = 2,
    NEXT_NONE = 3,
};

static void read_mandatory(struct bit_reader *r, struct dd *d)
{
    d->start_of_frame = bit_read(r);
    d->end_of_frame = bit_read(r);
    d->template_id = (uint8_t)bits_read(r, 6);
    d->frame_number = (uint16_t)bits_read(r, 16);
}

int dd_read_mandatory(struct bytes data, struct dd *out)
{
    struct bit_reader r = bit_reader_of(data);
    struct dd d = {0};
    read_mandatory(&r, &d);
    if (r.failed)
        return CONCLAVE_ESYNTAX;
    *out = d;
    return 0;
}

static int read_template_layers(struct bit_reader *r, struct dd_structure *s)
{
    uint8_t spatial = 0;
    uint8_t temporal = 0;
    for (;;) {
        /* A.8.2: MAX_TEMPLATE_ID, MAX_SPATIAL_ID and MAX_TEMPORAL_ID bound the walk */
        if (r->failed || s->template_count == DD_TEMPLATES_MAX || spatial > DD_SPATIAL_ID_MAX ||
            temporal > DD_TEMPORAL_ID_MAX)
            return CONCLAVE_ESYNTAX;
        s->template[s->template_count].spatial_id = spatial;
        s->template[s->template_count].temporal_id = temporal;
        s->template_count++;
        switch ((enum next_layer)bits_read(r, 2)) {
        case NEXT_TEMPORAL:
            temporal++;
            break;
        case NEXT_SPATIAL:
            temporal = 0;
            spatial++;
            break;
        case NEXT_NONE:
            s->spatial_id_max = spatial;
            return 0;
        case NEXT_SAME:
        default:
            break;
        }
    }
}

static void read_indications(struct bit_reader *r, unsigned targets, struct dd_dependencies *d)
{
    for (unsigned i = 0; i < targets; i++)
        d->indication[i] = (uint8_t)bits_read(r, 2);
}

static int read_template_fdiffs(struct bit_reader *r, struct dd_dependencies *d)
{
    d->fdiff_count = 0;
    while (bit_read(r)) {
        if (d->fdiff_count == DD_FDIFFS_MAX)
            return CONCLAVE_ELIMIT;
        d->fdiff[d->fdiff_count++] = (uint16_t)(bits_read(r, 4) + 1);
    }
    return 0;
}

static void read_template_chains(struct bit_reader *r, struct dd_structure *s)
{
    s->chain_count = (uint8_t)bits_read_ns(r, s->target_count + 1u);
    if (r->failed || s->chain_count == 0)
        return;
    for (unsigned i = 0; i < s->target_count; i++)
        s->protected_by[i] = (uint8_t)bits_read_ns(r, s->chain_count);
    for (unsigned t = 0; t < s->template_count; t++)
        for (unsigned c = 0; c < s->chain_count; c++)
            s->template[t].chain_fdiff[c] = (uint8_t)bits_read(r, 4);
}

static int read_structure(struct bit_reader *r, struct dd_structure *s)
{
    *s = (struct dd_structure){0};
    s->template_id_offset = (uint8_t)bits_read(r, 6);
    s->target_count = (uint8_t)(bits_read(r, 5) + 1);
    int rv = read_template_layers(r, s);
    if (rv != 0)
        return rv;
    for (unsigned t = 0; t < s->template_count; t++)
        read_indications(r, s->target_count, &s->template[t]);
    for (unsigned t = 0; t < s->template_count && rv == 0; t++)
        rv = read_template_fdiffs(r, &s->template[t]);
    if (rv != 0)
        return rv;
    read_template_chains(r, s);
    s->has_resolutions = bit_read(r);
    for (unsigned i = 0; s->has_resolutions && i <= s->spatial_id_max; i++) {
        s->resolution[i].width = bits_read(r, 16) + 1;
        s->resolution[i].height = bits_read(r, 16) + 1;
    }
    return r->failed ? CONCLAVE_ESYNTAX : 0;
}

static int read_frame_fdiffs(struct bit_reader *r, struct dd_dependencies *d)
{
    d->fdiff_count = 0;
    for (unsigned size = bits_read(r, 2); size != 0; size = bits_read(r, 2)) {
        if (d->fdiff_count == DD_FDIFFS_MAX)
            return CONCLAVE_ELIMIT;
        d->fdiff[d->fdiff_count++] = (uint16_t)(bits_read(r, 4 * size) + 1);
    }
    return 0;
}

static const struct dd_dependencies *template_of(const struct dd_structure *s, uint8_t id)
{
    unsigned i = (id + 64u - s->template_id_offset) % 64u;
    return i < s->template_count ? &s->template[i] : NULL;
}

struct dd_layer dd_target_layer(const struct dd_structure *s, unsigned target)
{
    struct dd_layer layer = {0, 0};
    for (unsigned i = 0; i < s->template_count; i++) {
        const struct dd_dependencies *t = &s->template[i];
        if (t->indication[target] == DD_NOT_PRESENT)
            continue;
        layer.spatial_id = t->spatial_id > layer.spatial_id ? t->spatial_id : layer.spatial_id;
        if (t->temporal_id > layer.temporal_id)
            layer.temporal_id = t->temporal_id;
    }
    return layer;
}

static uint32_t all_targets(const struct dd_structure *s)
{
    return (uint32_t)((UINT64_C(1) << s->target_count) - 1);
}

struct custom {
    bool dtis, fdiffs, chains;
};

static int read_frame(struct bit_reader *r, struct custom custom, const struct dd_structure *s,
                      struct dd *d)
{
    const struct dd_dependencies *t = template_of(s, d->template_id);
    if (t == NULL)
        return r->failed ? CONCLAVE_ESYNTAX : CONCLAVE_ENOTFOUND;
    int rv = 0;
    d->frame = *t;
    if (custom.dtis)
        read_indications(r, s->target_count, &d->frame);
    if (custom.fdiffs)
        rv = read_frame_fdiffs(r, &d->frame);
    for (unsigned c = 0; custom.chains && c < s->chain_count; c++)
        d->frame.chain_fdiff[c] = (uint8_t)bits_read(r, 8);
    if (rv != 0)
        return rv;
    /* A.8.2: the bits left over are padding and ignored */
    return r->failed ? CONCLAVE_ESYNTAX : 0;
}

int dd_read(struct bytes data, const struct dd_structure *known, struct dd *out,
            struct dd_structure *out_structure)
{
    struct bit_reader r = bit_reader_of(data);
    struct dd d = {0};
    struct dd_structure fresh;
    struct custom custom = {false, false, false};
    const struct dd_structure *s = known;
    read_mandatory(&r, &d);
    if (data.n > 3) { /* A.8.2: otherwise there are no extended fields */
        d.has_structure = bit_read(&r);
        d.has_active_targets = bit_read(&r);
        custom.dtis = bit_read(&r);
        custom.fdiffs = bit_read(&r);
        custom.chains = bit_read(&r);
    }
    if (d.has_structure) {
        int rv = read_structure(&r, &fresh);
        if (rv != 0)
            return rv;
        s = &fresh;
        d.active_targets = all_targets(s);
    }
    if (r.failed)
        return CONCLAVE_ESYNTAX;
    if (s == NULL)
        return CONCLAVE_ENOTFOUND;
    if (d.has_active_targets)
        d.active_targets = bits_read(&r, s->target_count);
    int rv = read_frame(&r, custom, s, &d);
    if (rv != 0)
        return rv;
    if (d.has_structure)
        *out_structure = fresh;
    *out = d;
    return 0;
}

static bool fdiffs_valid(const struct dd_dependencies *d, unsigned max)
{
    if (d->fdiff_count > DD_FDIFFS_MAX)
        return false;
    for (unsigned i = 0; i < d->fdiff_count; i++)
        if (d->fdiff[i] == 0 || d->fdiff[i] > max)
            return false;
    return true;
}

static bool indications_valid(const struct dd_dependencies *d, unsigned targets)
{
    for (unsigned i = 0; i < targets; i++)
        if (d->indication[i] > DD_REQUIRED)
            return false;
    return true;
}

/* Templates are written as steps from layer to layer. */
static bool next_layer(const struct dd_dependencies *from, const struct dd_dependencies *to,
                       enum next_layer *out)
{
    if (to->spatial_id == from->spatial_id && to->temporal_id == from->temporal_id)
        *out = NEXT_SAME;
    else if (to->spatial_id == from->spatial_id && to->temporal_id == from->temporal_id + 1)
        *out = NEXT_TEMPORAL;
    else if (to->spatial_id == from->spatial_id + 1 && to->temporal_id == 0)
        *out = NEXT_SPATIAL;
    else
        return false;
    return to->spatial_id <= DD_SPATIAL_ID_MAX && to->temporal_id <= DD_TEMPORAL_ID_MAX;
}

static bool template_valid(const struct dd_structure *s, unsigned i)
{
    const struct dd_dependencies *t = &s->template[i];
    enum next_layer step;
    if (i == 0 ? t->spatial_id != 0 || t->temporal_id != 0
               : !next_layer(&s->template[i - 1], t, &step))
        return false;
    for (unsigned c = 0; c < s->chain_count; c++)
        if (t->chain_fdiff[c] > DD_TEMPLATE_CHAIN_MAX)
            return false;
    return fdiffs_valid(t, 16) && indications_valid(t, s->target_count);
}

static bool structure_valid(const struct dd_structure *s)
{
    if (s->template_id_offset > 63 || s->target_count < 1 || s->target_count > DD_TARGETS_MAX ||
        s->template_count < 1 || s->template_count > DD_TEMPLATES_MAX ||
        s->chain_count > s->target_count ||
        s->template[s->template_count - 1].spatial_id != s->spatial_id_max)
        return false;
    for (unsigned i = 0; i < s->template_count; i++)
        if (!template_valid(s, i))
            return false;
    for (unsigned i = 0; s->chain_count != 0 && i < s->target_count; i++)
        if (s->protected_by[i] >= s->chain_count)
            return false;
    for (unsigned i = 0; s->has_resolutions && i <= s->spatial_id_max; i++)
        if (s->resolution[i].width - 1 > 0xffff || s->resolution[i].height - 1 > 0xffff)
            return false;
    return true;
}

static void write_structure(struct bit_writer *w, const struct dd_structure *s)
{
    bits_write(w, s->template_id_offset, 6);
    bits_write(w, s->target_count - 1u, 5);
    for (unsigned i = 1; i < s->template_count; i++) {
        enum next_layer step = NEXT_SAME;
        (void)next_layer(&s->template[i - 1], &s -> template[i], &step);
        bits_write(w, step, 2);
    }
    bits_write(w, NEXT_NONE, 2);
    for (unsigned t = 0; t < s->template_count; t++)
        for (unsigned i = 0; i < s->target_count; i++)
            bits_write(w, s->template[t].indication[i], 2);
    for (unsigned t = 0; t < s->template_count; t++) {
        for (unsigned i = 0; i < s->template[t].fdiff_count; i++)
            bits_write(w, 0x10u | (s->template[t].fdiff[i] - 1u), 5); /* flag, then difference */
        bit_write(w, false);
    }
    bits_write_ns(w, s->chain_count, s->target_count + 1u);
    for (unsigned i = 0; s->chain_count != 0 && i < s->target_count; i++)
        bits_write_ns(w, s->protected_by[i], s->chain_count);
    for (unsigned t = 0; t < s->template_count; t++)
        for (unsigned c = 0; c < s->chain_count; c++)
            bits_write(w, s->template[t].chain_fdiff[c], 4);
    bit_write(w, s->has_resolutions);
    for (unsigned i = 0; s->has_resolutions && i <= s->spatial_id_max; i++) {
        bits_write(w, s->resolution[i].width - 1, 16);
        bits_write(w, s->resolution[i].height - 1, 16);
    }
}

static void write_frame_fdiffs(struct bit_writer *w, const struct dd_dependencies *d)
{
    for (unsigned i = 0; i < d->fdiff_count; i++) {
        unsigned v = d->fdiff[i] - 1u;
        unsigned size = v < 0x10 ? 1 : v < 0x100 ? 2 : 3;
        bits_write(w, size, 2);
        bits_write(w, v, 4 * size);
    }
    bits_write(w, 0, 2);
}

static struct custom custom_of(const struct dd_dependencies *d, const struct dd_dependencies *t,
                               const struct dd_structure *s)
{
    struct custom c = {
        .dtis = !bytes_equal(bytes_of(d->indication, s->target_count),
                             bytes_of(t->indication, s->target_count)),
        .fdiffs = d->fdiff_count != t->fdiff_count ||
                  !bytes_equal(bytes_of(d->fdiff, d->fdiff_count * sizeof d->fdiff[0]),
                               bytes_of(t->fdiff, t->fdiff_count * sizeof t->fdiff[0])),
        .chains = !bytes_equal(bytes_of(d->chain_fdiff, s->chain_count),
                               bytes_of(t->chain_fdiff, s->chain_count)),
    };
    return c;
}

static void write_descriptor(struct bit_writer *w, const struct dd *d, struct custom custom,
                             const struct dd_structure *s)
{
    bit_write(w, d->start_of_frame);
    bit_write(w, d->end_of_frame);
    bits_write(w, d->template_id, 6);
    bits_write(w, d->frame_number, 16);
    if (!d->has_structure && !d->has_active_targets && !custom.dtis && !custom.fdiffs &&
        !custom.chains)
        return;
    bit_write(w, d->has_structure);
    bit_write(w, d->has_active_targets);
    bit_write(w, custom.dtis);
    bit_write(w, custom.fdiffs);
    bit_write(w, custom.chains);
    if (d->has_structure)
        write_structure(w, s);
    if (d->has_active_targets)
        bits_write(w, d->active_targets, s->target_count);
    for (unsigned i = 0; custom.dtis && i < s->target_count; i++)
        bits_write(w, d->frame.indication[i], 2);
    if (custom.fdiffs)
        write_frame_fdiffs(w, &d->frame);
    for (unsigned c = 0; custom.chains && c < s->chain_count; c++)
        bits_write(w, d->frame.chain_fdiff[c], 8);
}

int dd_write(const struct dd *d, const struct dd_structure *s, struct buf *out)
{
    if (!structure_valid(s) || d->template_id > 63 || !fdiffs_valid(&d->frame, DD_FDIFF_MAX) ||
        !indications_valid(&d->frame, s->target_count) ||
        (d->has_active_targets && (d->active_targets & ~all_targets(s)) != 0))
        return CONCLAVE_EINVAL;
    const struct dd_dependencies *t = template_of(s, d->template_id);
    if (t == NULL || t->spatial_id != d->frame.spatial_id || t->temporal_id != d->frame.temporal_id)
        return CONCLAVE_EINVAL;
    struct buf b = {0};
    struct bit_writer w = bit_writer_of(&b);
    write_descriptor(&w, d, custom_of(&d->frame, t, s), s);
    int rv = buf_check(&b);
    if (rv == 0)
        rv = buf_reserve(out, b.n);
    if (rv == 0)
        buf_put(out, buf_view(&b));
    buf_free(&b);
    return rv;
}
