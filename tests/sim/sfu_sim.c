/* Meetings over bad networks, through the switch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/sfu_world.h"

static void print(const char *name, struct sfu_world *w)
{
    struct sfu_stats s;

    sfu_stats(w->sfu, &s);
    printf("%s: in %llu, out %llu, lost %llu, recovered %llu, resent %llu (not %llu), key frames "
           "asked %llu, refused %llu, memory %zu\n",
           name, (unsigned long long)s.counters.packets_in,
           (unsigned long long)s.counters.packets_out, (unsigned long long)s.counters.lost_in,
           (unsigned long long)s.counters.recovered_in,
           (unsigned long long)s.counters.retransmitted,
           (unsigned long long)s.counters.not_retransmitted,
           (unsigned long long)s.counters.key_frames_asked, (unsigned long long)s.counters.refused,
           s.memory);
    for (size_t i = 0; i < w->n_members; i++)
        for (size_t k = 0; k < SFU_VIDEO_SLOTS; k++) {
            struct world_slot *slot = &w->members[i].slots[k];
            if (slot->begun)
                printf("  %zu sees %u: %u frames, %u broken, layer %u, %u switches, freeze %llu\n",
                       i, slot->leaf, slot->frames, slot->broken, slot->layer, slot->switches,
                       (unsigned long long)slot->freeze_us / 1000);
        }
}

static void test_two_see_and_hear_each_other(void **state)
{
    struct sfu_world *w = sfu_world_new(1, NULL);

    (void)state;
    for (uint32_t leaf = 0; leaf < 2; leaf++) {
        struct world_member *m = sfu_world_join(w, leaf);
        sfu_world_speak(m, 20);
        sfu_world_film(m, SFU_CAMERA, 3);
    }
    sfu_world_watch_all(w, 720);
    sfu_world_run(w, 10 * SECOND);
    print("two", w);
    sfu_world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_see_and_hear_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
