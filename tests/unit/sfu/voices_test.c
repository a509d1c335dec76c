/* Who hears whom: whoever comes, goes, speaks and falls silent, each receiver gets the active
 * voices but its own, in slots that are each one voice's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hub.h"
#include "support/random.h"

#define LEAVES 24u

static const struct sfu_voice *voice_of(const struct hub *h, uint32_t leaf)
{
    const struct sfu_member *m = sfu_member_of(sfu_meeting_of(h->sfu, HUB_MEETING), leaf);

    return m == NULL || m->publications[SFU_AUDIO] == NULL ? NULL
                                                           : &m->publications[SFU_AUDIO]->voice;
}

static unsigned slots_with(const struct sfu_receiver *r, const struct sfu_voice *v)
{
    unsigned n = 0;

    for (unsigned i = 0; i < r->n_audio; i++)
        n += r->sinks[i].source != NULL && &r->sinks[i].source->publication->voice == v;
    return n;
}

/* The spare voice is for those who are active themselves: they do not hear themselves. */
static bool is_to_hear(const struct hub *h, const struct sfu_voice *own, const struct sfu_voice *v)
{
    const struct sfu_speakers *s = &sfu_meeting_of(h->sfu, HUB_MEETING)->speakers;

    return v != NULL && v != own && v->active && (v != s->spare || (own != NULL && own->active));
}

static void check_receiver(const struct hub *h, const struct sfu_peer *p)
{
    const struct sfu_voice *own = voice_of(h, p->of->leaf);
    unsigned used = 0;
    unsigned expected = 0;

    for (uint32_t leaf = 0; leaf < LEAVES; leaf++) {
        const struct sfu_voice *v = voice_of(h, leaf);
        unsigned n = v == NULL ? 0 : slots_with(p->receiver, v);
        assert_int_equal(n, is_to_hear(h, own, v));
        expected += n;
    }
    for (unsigned i = 0; i < p->receiver->n_audio; i++)
        used += p->receiver->sinks[i].source != NULL;
    assert_int_equal(used, expected); /* nobody who is gone */
}

static void come_or_go(struct hub *h, struct random *r, uint32_t leaf)
{
    struct sfu_track t = hub_track(leaf, SFU_AUDIO, 1);

    if (sfu_peer_of(h->sfu, leaf) == NULL)
        hub_join(h, leaf);
    else if (random_chance(r, 15))
        sfu_peer_close(h->sfu, leaf);
    else if (random_chance(r, 15))
        sfu_unpublish(h->sfu, leaf, SFU_AUDIO);
    else
        assert_int_equal(sfu_publish(h->sfu, leaf, &t, h->now), 0);
}

static void each_gets_the_active_voices_but_its_own(void **state)
{
    struct hub *h = *state;
    struct random r = {14};
    uint16_t sequence[LEAVES] = {0};
    unsigned most = 0;

    for (unsigned step = 0; step < 3000; step++) {
        uint32_t leaf = (uint32_t)random_below(&r, LEAVES);
        if (random_chance(&r, 40))
            come_or_go(h, &r, leaf);
        else if (voice_of(h, leaf) != NULL)
            hub_send_voice(h, leaf, sequence[leaf]++, (uint8_t)random_below(&r, 80),
                           hub_kid(leaf, 1));
        if (random_chance(&r, 30))
            hub_pass(h, 50 * MS);
        hub_forget(h);
        for (leaf = 0; leaf < LEAVES; leaf++)
            if (sfu_peer_of(h->sfu, leaf) != NULL)
                check_receiver(h, sfu_peer_of(h->sfu, leaf));
        const struct sfu_speakers *s = &sfu_meeting_of(h->sfu, HUB_MEETING)->speakers;
        most = s->active > most ? s->active : most;
    }
    assert_int_equal(most, SFU_AUDIO_SLOTS_DEFAULT + 1); /* there were more than are heard */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(each_gets_the_active_voices_but_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
