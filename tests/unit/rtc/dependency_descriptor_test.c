/* The dependency descriptor, checked bit by bit and by round trips of random structures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rtc/dependency_descriptor.h"
#include "support/alloc_fail.h"
#include "support/random.h"
#include "wire/bits.h"

/* One spatial layer, two temporal ones, two decode targets, three templates, two chains. Bits of
 * the extended part: flags 10000, offset 000001, targets 00001, layers 00 01 11, indications 1010
 * 1111 0001, differences 0 100010 100000, chains 11, protected by 0 1, chain differences 0000 0000
 * 0010 0100 0001 0001, resolutions 1, 639 and 359. */
static const uint8_t first_packet[] = {0xc1, 0x12, 0x34, 0x80, 0x21, 0x1e, 0xbc, 0x51, 0x41,
                                       0xa0, 0x04, 0x82, 0x30, 0x27, 0xf0, 0x16, 0x70};

/* Everything of its own: flags 01111, active 10, indications 01 10, differences of 4, 8 and 12 bits
 * (3, 17, 4096), chain differences 255 and 7. */
static const uint8_t custom_packet[] = {0x03, 0xff, 0xff, 0x7c, 0xc9, 0x42,
                                        0x1f, 0xff, 0x9f, 0xe0, 0xe0};

static struct dd_structure structure_of_first_packet(void)
{
    struct dd_structure s;
    struct dd d;

    assert_int_equal(dd_read(bytes_of(first_packet, sizeof first_packet), NULL, &d, &s), 0);
    return s;
}

static void a_structure_is_read_as_the_specification_lays_it_out(void **state)
{
    struct dd_structure s;
    struct dd d;

    (void)state;
    assert_int_equal(dd_read(bytes_of(first_packet, sizeof first_packet), NULL, &d, &s), 0);
    assert_true(d.start_of_frame && d.end_of_frame && d.has_structure && !d.has_active_targets);
    assert_int_equal(d.template_id, 1);
    assert_int_equal(d.frame_number, 0x1234);
    assert_int_equal(d.active_targets, 3);
    assert_int_equal(d.frame.temporal_id, 0);
    assert_int_equal(d.frame.fdiff_count, 0);
    assert_int_equal(d.frame.indication[0], DD_SWITCH);

    assert_int_equal(s.template_id_offset, 1);
    assert_int_equal(s.target_count, 2);
    assert_int_equal(s.template_count, 3);
    assert_int_equal(s.chain_count, 2);
    assert_int_equal(s.protected_by[0], 0);
    assert_int_equal(s.protected_by[1], 1);
    assert_int_equal(s.spatial_id_max, 0);
    assert_int_equal(s.template[1].temporal_id, 0);
    assert_int_equal(s.template[1].indication[1], DD_REQUIRED);
    assert_int_equal(s.template[1].fdiff_count, 1);
    assert_int_equal(s.template[1].fdiff[0], 2);
    assert_int_equal(s.template[1].chain_fdiff[0], 2);
    assert_int_equal(s.template[1].chain_fdiff[1], 4);
    assert_int_equal(s.template[2].temporal_id, 1);
    assert_int_equal(s.template[2].indication[0], DD_NOT_PRESENT);
    assert_int_equal(s.template[2].indication[1], DD_DISCARDABLE);
    assert_int_equal(s.template[2].fdiff[0], 1);
    assert_int_equal(s.template[2].chain_fdiff[0], 1);
    assert_true(s.has_resolutions);
    assert_int_equal(s.resolution[0].width, 640);
    assert_int_equal(s.resolution[0].height, 360);
    assert_int_equal(dd_target_layer(&s, 0).temporal_id, 0);
    assert_int_equal(dd_target_layer(&s, 1).temporal_id, 1);
}

static void each_target_is_protected_by_one_of_the_chains(void **state)
{
    struct dd_structure s;
    struct dd d;
    struct buf b = {0};
    struct bit_writer w = bit_writer_of(&b);

    (void)state;
    bits_write(&w, 0xc00001, 24);
    bits_write(&w, 0x10, 5);
    bits_write(&w, 2, 11);     /* offset 0, three targets */
    bits_write(&w, 3, 2);      /* one template */
    bits_write(&w, 0x2a, 6);   /* switch, switch, switch */
    bits_write(&w, 0, 1);      /* it refers to nothing */
    bits_write(&w, 3, 2);      /* ns(4): three chains */
    bits_write(&w, 0x1a, 5);   /* ns(3): 11 0 10 */
    bits_write(&w, 0x123, 12); /* chain differences */
    bits_write(&w, 0, 1);      /* no resolutions */
    assert_int_equal(buf_check(&b), 0);
    assert_int_equal(dd_read(buf_view(&b), NULL, &d, &s), 0);
    assert_int_equal(s.chain_count, 3);
    assert_int_equal(s.protected_by[0], 2);
    assert_int_equal(s.protected_by[1], 0);
    assert_int_equal(s.protected_by[2], 1);
    assert_int_equal(d.frame.chain_fdiff[0], 1);
    assert_int_equal(d.frame.chain_fdiff[2], 3);
    assert_false(s.has_resolutions);
    buf_free(&b);
}

static void a_later_packet_takes_what_it_does_not_say_from_its_template(void **state)
{
    static const uint8_t data[] = {0x83, 0x12, 0x35};
    struct dd_structure s = structure_of_first_packet();
    struct dd_structure untouched;
    struct dd d;

    (void)state;
    memset(&untouched, 0xee, sizeof untouched);
    assert_int_equal(dd_read(bytes_of(data, 3), &s, &d, &untouched), 0);
    assert_true(d.start_of_frame && !d.end_of_frame && !d.has_structure);
    assert_int_equal(d.frame.temporal_id, 1);
    assert_int_equal(d.frame.fdiff_count, 1);
    assert_int_equal(d.frame.fdiff[0], 1);
    assert_int_equal(d.frame.chain_fdiff[0], 1);
    assert_int_equal(untouched.template_count, 0xee);
}

static void a_later_packet_may_have_everything_of_its_own(void **state)
{
    struct dd_structure s = structure_of_first_packet();
    struct dd d;

    (void)state;
    assert_int_equal(dd_read(bytes_of(custom_packet, sizeof custom_packet), &s, &d, &s), 0);
    assert_true(!d.start_of_frame && !d.end_of_frame && d.has_active_targets);
    assert_int_equal(d.frame_number, 0xffff);
    assert_int_equal(d.active_targets, 2);
    assert_int_equal(d.frame.indication[0], DD_DISCARDABLE);
    assert_int_equal(d.frame.indication[1], DD_SWITCH);
    assert_int_equal(d.frame.fdiff_count, 3);
    assert_int_equal(d.frame.fdiff[0], 3);
    assert_int_equal(d.frame.fdiff[1], 17);
    assert_int_equal(d.frame.fdiff[2], 4096);
    assert_int_equal(d.frame.chain_fdiff[0], 255);
    assert_int_equal(d.frame.chain_fdiff[1], 7);
}

static void the_mandatory_fields_need_no_structure(void **state)
{
    struct dd d;

    (void)state;
    assert_int_equal(dd_read_mandatory(bytes_of(custom_packet, 3), &d), 0);
    assert_int_equal(d.template_id, 3);
    assert_int_equal(d.frame_number, 0xffff);
    assert_int_equal(dd_read_mandatory(bytes_of(custom_packet, 2), &d), CONCLAVE_ESYNTAX);
}

static void a_frame_without_its_structure_cannot_be_placed(void **state)
{
    static const uint8_t unknown_template[] = {0xc0, 0, 1};
    struct dd_structure s = structure_of_first_packet();
    struct dd_structure other;
    struct dd d = {.frame_number = 9};

    (void)state;
    assert_int_equal(dd_read(bytes_of(custom_packet, sizeof custom_packet), NULL, &d, &other),
                     CONCLAVE_ENOTFOUND);
    assert_int_equal(dd_read(bytes_of(unknown_template, 3), &s, &d, &other), CONCLAVE_ENOTFOUND);
    assert_int_equal(d.frame_number, 9);
}

static void template_ids_wrap_at_sixty_four(void **state)
{
    struct dd_structure s = structure_of_first_packet();
    uint8_t data[] = {0xc0, 0, 1};
    struct dd d;

    (void)state;
    s.template_id_offset = 62;
    assert_int_equal(dd_read(bytes_of(data, 3), &s, &d, &s), 0); /* 62, 63, 0: the third */
    assert_int_equal(d.frame.temporal_id, 1);
    data[0] = 0xc1;
    assert_int_equal(dd_read(bytes_of(data, 3), &s, &d, &s), CONCLAVE_ENOTFOUND);
}

static void each_truncation_is_refused_and_leaves_the_outputs_alone(void **state)
{
    struct dd_structure s = structure_of_first_packet();
    struct dd_structure out = {.target_count = 77};
    struct dd d = {.frame_number = 77};

    (void)state;
    for (size_t n = 0; n < sizeof first_packet; n++) {
        int rv = dd_read(bytes_of(first_packet, n), NULL, &d, &out);
        assert_int_equal(rv, n == 3 ? CONCLAVE_ENOTFOUND : CONCLAVE_ESYNTAX);
        assert_int_equal(d.frame_number, 77);
        assert_int_equal(out.target_count, 77);
    }
    for (size_t n = 4; n < sizeof custom_packet; n++)
        assert_int_equal(dd_read(bytes_of(custom_packet, n), &s, &d, &out), CONCLAVE_ESYNTAX);
}

/* A structure that begins with the layers given as next_layer_idc steps; what follows is zero. */
static int read_layers(const uint8_t *steps, size_t n)
{
    struct buf b = {0};
    struct bit_writer w = bit_writer_of(&b);
    struct dd_structure s;
    struct dd d;

    bits_write(&w, 0, 24);
    bits_write(&w, 0x10, 5);
    bits_write(&w, 0, 11);
    for (size_t i = 0; i < n; i++)
        bits_write(&w, steps[i], 2);
    buf_put_zero(&b, 200);
    assert_int_equal(buf_check(&b), 0);
    int rv = dd_read(buf_view(&b), NULL, &d, &s);
    buf_free(&b);
    return rv;
}

static void layers_beyond_the_specification_are_refused(void **state)
{
    static const uint8_t four_spatial[] = {2, 2, 2, 3};
    static const uint8_t five_spatial[] = {2, 2, 2, 2, 3};
    static const uint8_t eight_temporal[] = {1, 1, 1, 1, 1, 1, 1, 3};
    static const uint8_t nine_temporal[] = {1, 1, 1, 1, 1, 1, 1, 1, 3};
    uint8_t same[65] = {0};

    (void)state;
    assert_int_equal(read_layers(four_spatial, 4), 0);
    assert_int_equal(read_layers(five_spatial, 5), CONCLAVE_ESYNTAX);
    assert_int_equal(read_layers(eight_temporal, 8), 0);
    assert_int_equal(read_layers(nine_temporal, 9), CONCLAVE_ESYNTAX);
    same[63] = 3;
    assert_int_equal(read_layers(same, 64), 0);
    same[63] = 0;
    same[64] = 3;
    assert_int_equal(read_layers(same, 65), CONCLAVE_ESYNTAX);
}

/* A frame of template 1 with n references of its own, each one frame back. */
static int read_references(const struct dd_structure *s, unsigned n)
{
    struct dd_structure unused;
    struct dd d;
    struct buf b = {0};
    struct bit_writer w = bit_writer_of(&b);

    bits_write(&w, 0x01, 8);
    bits_write(&w, 0, 16);
    bits_write(&w, 0x02, 5);
    for (unsigned i = 0; i < n; i++)
        bits_write(&w, 0x10, 6);
    bits_write(&w, 0, 2);
    assert_int_equal(buf_check(&b), 0);
    int rv = dd_read(buf_view(&b), s, &d, &unused);
    buf_free(&b);
    return rv;
}

static void a_list_of_references_is_cut_at_the_limit(void **state)
{
    struct dd_structure s = structure_of_first_packet();
    uint8_t data[60];
    struct dd d;

    (void)state;
    assert_int_equal(read_references(&s, DD_FDIFFS_MAX), 0);
    assert_int_equal(read_references(&s, DD_FDIFFS_MAX + 1), CONCLAVE_ELIMIT);
    memset(data, 0xff, sizeof data); /* a template whose fdiff_follows_flag is always set */
    data[3] = 0x80;
    data[4] = 0x00;
    assert_int_equal(dd_read(bytes_of(data, sizeof data), NULL, &d, &s), CONCLAVE_ELIMIT);
}

static struct dd_dependencies random_dependencies(struct random *r, const struct dd_structure *s,
                                                  unsigned fdiff_max, unsigned chain_max)
{
    struct dd_dependencies d = {.fdiff_count = (uint8_t)random_below(r, DD_FDIFFS_MAX + 1)};

    for (unsigned i = 0; i < s->target_count; i++)
        d.indication[i] = (uint8_t)random_below(r, 4);
    for (unsigned i = 0; i < d.fdiff_count; i++)
        d.fdiff[i] = (uint16_t)(1 + random_below(r, random_chance(r, 50) ? 16 : fdiff_max));
    for (unsigned i = 0; i < s->chain_count; i++)
        d.chain_fdiff[i] = (uint8_t)random_below(r, chain_max + 1);
    return d;
}

static struct dd_structure random_structure(struct random *r)
{
    struct dd_structure s = {
        .template_id_offset = (uint8_t)random_below(r, 64),
        .target_count = (uint8_t)(1 + random_below(r, DD_TARGETS_MAX)),
        .template_count = (uint8_t)(1 + random_below(r, DD_TEMPLATES_MAX)),
        .has_resolutions = random_chance(r, 50),
    };
    uint8_t spatial = 0;
    uint8_t temporal = 0;

    s.chain_count = (uint8_t)random_below(r, s.target_count + 1u);
    for (unsigned i = 0; i < s.template_count; i++) {
        s.template[i] = random_dependencies(r, &s, 16, DD_TEMPLATE_CHAIN_MAX);
        s.template[i].spatial_id = spatial;
        s.template[i].temporal_id = temporal;
        if (i + 1 == s.template_count) {
            s.spatial_id_max = spatial;
        } else if (random_chance(r, 10) && spatial < DD_SPATIAL_ID_MAX) {
            spatial++;
            temporal = 0;
        } else if (random_chance(r, 30) && temporal < DD_TEMPORAL_ID_MAX) {
            temporal++;
        }
    }
    for (unsigned i = 0; s.chain_count != 0 && i < s.target_count; i++)
        s.protected_by[i] = (uint8_t)random_below(r, s.chain_count);
    for (unsigned i = 0; s.has_resolutions && i <= s.spatial_id_max; i++) {
        s.resolution[i].width = (uint32_t)(1 + random_below(r, 65536));
        s.resolution[i].height = (uint32_t)(1 + random_below(r, 65536));
    }
    return s;
}

static struct dd random_descriptor(struct random *r, const struct dd_structure *s)
{
    unsigned index = (unsigned)random_below(r, s->template_count);
    struct dd d = {
        .start_of_frame = random_chance(r, 50),
        .end_of_frame = random_chance(r, 50),
        .template_id = (uint8_t)((index + s->template_id_offset) % 64),
        .frame_number = (uint16_t)random_u64(r),
        .has_active_targets = random_chance(r, 20),
        .frame = s->template[index],
    };
    if (random_chance(r, 30)) {
        d.frame = random_dependencies(r, s, DD_FDIFF_MAX, 255);
        d.frame.spatial_id = s->template[index].spatial_id;
        d.frame.temporal_id = s->template[index].temporal_id;
    }
    if (d.has_active_targets)
        d.active_targets = (uint32_t)(random_u64(r) & ((UINT64_C(1) << s->target_count) - 1));
    return d;
}

static void assert_dependencies_equal(const struct dd_dependencies *a,
                                      const struct dd_dependencies *b)
{
    assert_int_equal(a->spatial_id, b->spatial_id);
    assert_int_equal(a->temporal_id, b->temporal_id);
    assert_memory_equal(a->indication, b->indication, sizeof a->indication);
    assert_memory_equal(a->chain_fdiff, b->chain_fdiff, sizeof a->chain_fdiff);
    assert_int_equal(a->fdiff_count, b->fdiff_count);
    assert_memory_equal(a->fdiff, b->fdiff, a->fdiff_count * sizeof a->fdiff[0]);
}

static void assert_structures_equal(const struct dd_structure *a, const struct dd_structure *b)
{
    assert_int_equal(a->template_id_offset, b->template_id_offset);
    assert_int_equal(a->target_count, b->target_count);
    assert_int_equal(a->template_count, b->template_count);
    assert_int_equal(a->chain_count, b->chain_count);
    assert_int_equal(a->spatial_id_max, b->spatial_id_max);
    assert_int_equal(a->has_resolutions, b->has_resolutions);
    assert_memory_equal(a->protected_by, b->protected_by, sizeof a->protected_by);
    assert_memory_equal(a->resolution, b->resolution, sizeof a->resolution);
    for (unsigned i = 0; i < a->template_count; i++)
        assert_dependencies_equal(&a->template[i], &b -> template[i]);
}

static void random_structures_and_frames_come_back_as_they_were(void **state)
{
    struct random random = {4};
    struct buf out = {0};

    (void)state;
    for (int i = 0; i < 500; i++) {
        struct dd_structure s = random_structure(&random);
        struct dd_structure t = {0};
        for (int k = 0; k < 5; k++) {
            struct dd d = random_descriptor(&random, &s);
            struct dd e;
            d.has_structure = k == 0;
            buf_clear(&out);
            assert_int_equal(dd_write(&d, &s, &out), 0);
            assert_int_equal(dd_read(buf_view(&out), k == 0 ? NULL : &t, &e, &t), 0);
            assert_structures_equal(&s, &t);
            assert_int_equal(e.start_of_frame, d.start_of_frame);
            assert_int_equal(e.end_of_frame, d.end_of_frame);
            assert_int_equal(e.template_id, d.template_id);
            assert_int_equal(e.frame_number, d.frame_number);
            assert_int_equal(e.has_active_targets, d.has_active_targets);
            if (d.has_active_targets)
                assert_int_equal(e.active_targets, d.active_targets);
            assert_dependencies_equal(&e.frame, &d.frame);
        }
    }
    buf_free(&out);
}

static void what_was_read_is_written_back_byte_for_byte(void **state)
{
    struct dd_structure s;
    struct dd d;
    struct buf out = {0};

    (void)state;
    assert_int_equal(dd_read(bytes_of(first_packet, sizeof first_packet), NULL, &d, &s), 0);
    assert_int_equal(dd_write(&d, &s, &out), 0);
    assert_true(bytes_equal(buf_view(&out), bytes_of(first_packet, sizeof first_packet)));
    buf_clear(&out);
    assert_int_equal(dd_read(bytes_of(custom_packet, sizeof custom_packet), &s, &d, &s), 0);
    assert_int_equal(dd_write(&d, &s, &out), 0);
    assert_true(bytes_equal(buf_view(&out), bytes_of(custom_packet, sizeof custom_packet)));
    buf_free(&out);
}

static void assert_not_written(const struct dd *d, const struct dd_structure *s)
{
    struct buf out = {0};

    assert_int_equal(dd_write(d, s, &out), CONCLAVE_EINVAL);
    assert_int_equal(out.n, 0);
}

static void frames_that_could_not_be_read_back_are_not_written(void **state)
{
    const struct dd_structure s = structure_of_first_packet();
    const struct dd good = {.template_id = 1, .frame = s.template[0]};
    struct dd d = good;
    struct buf out = {0};

    (void)state;
    assert_int_equal(dd_write(&good, &s, &out), 0);
    buf_free(&out);
    d.template_id = 64;
    assert_not_written(&d, &s);
    d.template_id = 4;
    assert_not_written(&d, &s);
    d = good;
    d.frame.temporal_id = 1;
    assert_not_written(&d, &s);
    d = good;
    d.frame.indication[1] = 4;
    assert_not_written(&d, &s);
    d = good;
    d.frame.fdiff_count = 1;
    assert_not_written(&d, &s);
    d.frame.fdiff[0] = DD_FDIFF_MAX + 1;
    assert_not_written(&d, &s);
    d.frame.fdiff_count = DD_FDIFFS_MAX + 1;
    assert_not_written(&d, &s);
    d = good;
    d.has_active_targets = true;
    d.active_targets = 4;
    assert_not_written(&d, &s);
}

static void structures_that_could_not_be_read_back_are_not_written(void **state)
{
    const struct dd_structure good = structure_of_first_packet();
    const struct dd d = {.template_id = 1, .has_structure = true, .frame = good.template[0]};
    struct dd_structure s = good;

    (void)state;
    s.template_id_offset = 64;
    assert_not_written(&d, &s);
    s = good;
    s.target_count = 0;
    assert_not_written(&d, &s);
    s.target_count = 33;
    assert_not_written(&d, &s);
    s = good;
    s.template_count = 0;
    assert_not_written(&d, &s);
    s = good;
    s.chain_count = 3;
    assert_not_written(&d, &s);
    s = good;
    s.protected_by[0] = 2;
    assert_not_written(&d, &s);
    s = good;
    s.template[0].temporal_id = 1;
    assert_not_written(&d, &s);
    s = good;
    s.template[0].spatial_id = 1;
    assert_not_written(&d, &s);
    s = good;
    s.template[2].temporal_id = 2;
    assert_not_written(&d, &s);
    s = good;
    s.template[1].chain_fdiff[0] = 16;
    assert_not_written(&d, &s);
    s = good;
    s.template[1].fdiff[0] = 17;
    assert_not_written(&d, &s);
    s = good;
    s.spatial_id_max = 1;
    assert_not_written(&d, &s);
    s = good;
    s.resolution[0].width = 0;
    assert_not_written(&d, &s);
    s.resolution[0].width = 65537;
    assert_not_written(&d, &s);
}

static void layers_beyond_the_specification_are_not_written(void **state)
{
    struct dd_structure s = {.target_count = 1, .template_count = 9};
    struct dd d = {.has_structure = true};
    struct buf out = {0};

    (void)state;
    for (uint8_t i = 0; i < 9; i++)
        s.template[i].temporal_id = i;
    assert_not_written(&d, &s);
    s.template_count = 8;
    assert_int_equal(dd_write(&d, &s, &out), 0);
    s = (struct dd_structure){.target_count = 1, .template_count = 5, .spatial_id_max = 4};
    for (uint8_t i = 0; i < 5; i++)
        s.template[i].spatial_id = i;
    assert_not_written(&d, &s);
    s.template_count = 4;
    s.spatial_id_max = 3;
    assert_int_equal(dd_write(&d, &s, &out), 0);
    buf_free(&out);
}

static int writes_a_structure(void *ctx)
{
    const struct dd_structure *s = ctx;
    struct dd d = {.template_id = 1, .has_structure = true, .frame = s->template[0]};
    struct buf out = {0};
    int rv = dd_write(&d, s, &out);

    if (rv != 0)
        assert_int_equal(out.n, 0);
    buf_free(&out);
    return rv;
}

static void a_failed_allocation_leaves_the_output_as_it_was(void **state)
{
    struct dd_structure s = structure_of_first_packet();

    (void)state;
    assert_true(alloc_sweep(writes_a_structure, &s) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_structure_is_read_as_the_specification_lays_it_out),
        cmocka_unit_test(each_target_is_protected_by_one_of_the_chains),
        cmocka_unit_test(a_later_packet_takes_what_it_does_not_say_from_its_template),
        cmocka_unit_test(a_later_packet_may_have_everything_of_its_own),
        cmocka_unit_test(the_mandatory_fields_need_no_structure),
        cmocka_unit_test(a_frame_without_its_structure_cannot_be_placed),
        cmocka_unit_test(template_ids_wrap_at_sixty_four),
        cmocka_unit_test(each_truncation_is_refused_and_leaves_the_outputs_alone),
        cmocka_unit_test(layers_beyond_the_specification_are_refused),
        cmocka_unit_test(a_list_of_references_is_cut_at_the_limit),
        cmocka_unit_test(random_structures_and_frames_come_back_as_they_were),
        cmocka_unit_test(what_was_read_is_written_back_byte_for_byte),
        cmocka_unit_test(frames_that_could_not_be_read_back_are_not_written),
        cmocka_unit_test(structures_that_could_not_be_read_back_are_not_written),
        cmocka_unit_test(layers_beyond_the_specification_are_not_written),
        cmocka_unit_test(a_failed_allocation_leaves_the_output_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
