#include "sfu/speaker.h"

#include <string.h>

#define RISE 4u
#define FALL 32u

static struct sfu_voice *voice_of(struct link *k)
{
    return LIST_OWNER(k, struct sfu_voice, line);
}

void sfu_speakers_init(struct sfu_speakers *s, unsigned most)
{
    *s = (struct sfu_speakers){.most = most};
    list_init(&s->all);
}

/* The voice with the highest score (or lowest) among the active or the others; NULL if there is
 * none. The first added wins a draw. */
static struct sfu_voice *extreme(struct sfu_speakers *s, bool active, bool highest)
{
    struct sfu_voice *best = NULL;
    for (struct link *k = list_first(&s->all); k != NULL; k = list_next(&s->all, k)) {
        struct sfu_voice *v = voice_of(k);
        if (v->active != active || (!highest && v == s->dominant))
            continue;
        if (best == NULL || (highest ? v->score > best->score : v->score <= best->score))
            best = v;
    }
    return best;
}

static void set_active(struct sfu_speakers *s, struct sfu_voice *v, bool active)
{
    v->active = active;
    s->active += active ? 1u : -1u;
}

/* True if it is another one now. */
static bool choose_spare(struct sfu_speakers *s)
{
    struct sfu_voice *now = s->spare;
    struct sfu_voice *least = s->active < s->most ? NULL : extreme(s, true, false);
    bool good = now != NULL && now->active && now != s->dominant && least != NULL &&
                (now->score < SFU_VOICE_SPEAKS || now->score <= least->score + SFU_VOICE_MARGIN);
    s->spare = good ? now : least;
    return s->spare != now;
}

void sfu_speakers_add(struct sfu_speakers *s, struct sfu_voice *v)
{
    list_put(&s->all, &v->line);
    if (s->active < s->most)
        set_active(s, v, true);
    choose_spare(s);
}

void sfu_speakers_remove(struct sfu_speakers *s, struct sfu_voice *v)
{
    list_take(&s->all, &v->line);
    if (s->dominant == v)
        s->dominant = NULL;
    if (s->challenger == v)
        s->challenger = NULL;
    if (!v->active)
        return;
    set_active(s, v, false);
    struct sfu_voice *next = extreme(s, false, true);
    if (next != NULL)
        set_active(s, next, true);
    choose_spare(s);
}

static bool comes_before(const struct sfu_speakers *s, const struct sfu_voice *a,
                         const struct sfu_voice *b)
{
    if ((a == s->dominant) != (b == s->dominant))
        return a == s->dominant;
    return a->score > b->score;
}

size_t sfu_speakers_list(const struct sfu_speakers *s, const struct sfu_voice **out, size_t max)
{
    size_t n = 0;
    for (struct link *k = list_first(&s->all); k != NULL; k = list_next(&s->all, k)) {
        const struct sfu_voice *v = voice_of(k);
        if (!v->active || v->score < SFU_VOICE_SPEAKS)
            continue;
        size_t at = n;
        while (at > 0 && comes_before(s, v, out[at - 1]))
            at--;
        if (at == max)
            continue;
        n += n < max;
        memmove(out + at + 1, out + at, (n - 1 - at) * sizeof *out);
        out[at] = v;
    }
    return n;
}

static void smooth(struct sfu_voice *v)
{
    uint32_t heard = v->loudness * SFU_VOICE_ONE;
    if (heard > v->score)
        v->score += (heard - v->score) / RISE;
    else
        v->score -= (v->score - heard + FALL - 1) / FALL;
    v->loudness = 0;
}

/* Those who speak and are not forwarded take the places of those who say less. */
static bool fill(struct sfu_speakers *s)
{
    bool changed = false;
    for (;;) {
        struct sfu_voice *in = extreme(s, false, true);
        struct sfu_voice *out = extreme(s, true, false);
        if (in == NULL || out == NULL || in->score < SFU_VOICE_SPEAKS)
            return changed;
        uint32_t margin = out->score < SFU_VOICE_SPEAKS ? 0 : SFU_VOICE_MARGIN;
        if (in->score <= out->score + margin)
            return changed;
        set_active(s, out, false);
        set_active(s, in, true);
        changed = true;
    }
}

static bool crown(struct sfu_speakers *s, struct sfu_voice *v, uint64_t now_us)
{
    s->dominant = v;
    s->challenger = NULL;
    s->since_us = now_us;
    return true;
}

static bool elect(struct sfu_speakers *s, uint64_t now_us)
{
    struct sfu_voice *best = extreme(s, true, true);
    if (best == NULL || best->score < SFU_VOICE_SPEAKS || best == s->dominant) {
        s->challenger = NULL;
        return false;
    }
    if (s->dominant == NULL)
        return crown(s, best, now_us);
    uint32_t now = s->dominant->score;
    if (best->score <= now + now / 4 + SFU_VOICE_MARGIN) {
        s->challenger = NULL;
        return false;
    }
    if (s->challenger != best) {
        s->challenger = best;
        s->patience = 0;
    }
    s->patience++;
    if (s->patience < SFU_VOICE_PATIENCE || now_us - s->since_us < SFU_VOICE_REIGN_US)
        return false;
    return crown(s, best, now_us);
}

struct sfu_speakers_change sfu_speakers_tick(struct sfu_speakers *s, uint64_t now_us)
{
    struct sfu_speakers_change change = {0};
    if (now_us < s->tick_us)
        return change;
    s->tick_us = now_us + SFU_VOICE_TICK_US;
    for (struct link *k = list_first(&s->all); k != NULL; k = list_next(&s->all, k))
        smooth(voice_of(k));
    change.active = fill(s);
    change.dominant = elect(s, now_us);
    change.active = choose_spare(s) || change.active;
    return change;
}
