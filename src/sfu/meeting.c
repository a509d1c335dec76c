#include <stdlib.h>

#include "sfu/inside.h"

struct sfu_meeting *sfu_meeting_of(const struct sfu *s, uint32_t number)
{
    return u32map_get(&s->meetings, number);
}

static bool config_valid(const struct sfu_meeting_config *c)
{
    return c->epoch_bits <= SFU_EPOCH_BITS_MAX && c->audio_slots <= SFU_AUDIO_SLOTS &&
           c->video_slots <= SFU_VIDEO_SLOTS;
}

int sfu_meeting_open(struct sfu *s, uint32_t meeting, const struct sfu_meeting_config *config)
{
    if (!config_valid(config) || sfu_meeting_of(s, meeting) != NULL)
        return CONCLAVE_EINVAL;
    if (s->meetings_all.n == SFU_MEETINGS)
        return CONCLAVE_ELIMIT;
    struct sfu_meeting *m = calloc(1, sizeof *m);
    if (m == NULL)
        return CONCLAVE_ENOMEM;
    m->number = meeting;
    m->audio_slots = config->audio_slots != 0 ? config->audio_slots : SFU_AUDIO_SLOTS_DEFAULT;
    m->video_slots = config->video_slots != 0 ? config->video_slots : SFU_VIDEO_SLOTS_DEFAULT;
    m->epochs.bits = config->epoch_bits;
    /* one more than a receiver has slots: nobody hears himself */
    sfu_speakers_init(&m->speakers, m->audio_slots + 1);
    int rv = u32map_put(&s->meetings, meeting, m);
    if (rv != 0) {
        free(m);
        return rv;
    }
    list_put(&s->meetings_all, &m->all);
    return 0;
}

static struct sfu_peer *any_peer(const struct sfu_meeting *m)
{
    size_t it = 0;
    uint32_t leaf;
    const struct sfu_member *member = u32map_next(&m->members, &it, &leaf);
    return member == NULL ? NULL : LIST_OWNER(list_first(&member->peers), struct sfu_peer, member);
}

void sfu_meeting_close(struct sfu *s, uint32_t meeting)
{
    struct sfu_meeting *m = u32map_take(&s->meetings, meeting);
    if (m == NULL)
        return;
    for (struct sfu_peer *p; (p = any_peer(m)) != NULL;)
        sfu_peer_free(s, p);
    sfu_counters_add(&s->counters, &m->counters);
    list_take(&s->meetings_all, &m->all);
    list_take(&s->marked_meetings, &m->marked);
    u32map_fini(&m->members);
    free(m);
}

int sfu_meeting_epoch(struct sfu *s, uint32_t meeting, uint64_t epoch, uint32_t leaves)
{
    struct sfu_meeting *m = sfu_meeting_of(s, meeting);
    if (m == NULL || leaves == 0 || leaves > SFU_LEAVES)
        return CONCLAVE_EINVAL;
    sfu_epochs_add(&m->epochs, epoch, leaves);
    return 0;
}

struct sfu_member *sfu_member_of(const struct sfu_meeting *m, uint32_t leaf)
{
    return u32map_get(&m->members, leaf);
}

int sfu_member_make(struct sfu_meeting *m, uint32_t leaf, struct sfu_member **out)
{
    struct sfu_member *member = sfu_member_of(m, leaf);
    if (member == NULL) {
        member = calloc(1, sizeof *member);
        if (member == NULL)
            return CONCLAVE_ENOMEM;
        member->leaf = leaf;
        list_init(&member->peers);
        int rv = u32map_put(&m->members, leaf, member);
        if (rv != 0) {
            free(member);
            return rv;
        }
    }
    *out = member;
    return 0;
}

void sfu_member_drop(struct sfu_meeting *m, struct sfu_member *member)
{
    if (member->peers.n != 0)
        return;
    u32map_take(&m->members, member->leaf);
    free(member);
}

void sfu_leaf_close(struct sfu *s, uint32_t meeting, uint32_t leaf)
{
    struct sfu_meeting *m = sfu_meeting_of(s, meeting);
    struct sfu_member *member = m == NULL ? NULL : sfu_member_of(m, leaf);
    if (member == NULL)
        return;
    /* the member goes with its last peer */
    for (size_t n = member->peers.n; n > 0; n--)
        sfu_peer_free(s, LIST_OWNER(list_first(&member->peers), struct sfu_peer, member));
}

void sfu_meeting_tick(struct sfu *s, struct sfu_meeting *m, uint64_t now_us)
{
    struct sfu_speakers_change change = sfu_speakers_tick(&m->speakers, now_us);
    if (change.active)
        sfu_assign_voices(s, m);
    if (change.dominant)
        sfu_mark_meeting(s, m);
}

static uint32_t leaf_of(const struct sfu_voice *v)
{
    const struct sfu_publication *pub = LIST_OWNER(v, struct sfu_publication, voice);
    return pub->peer->of->leaf;
}

uint32_t sfu_speaker_of(const struct sfu_meeting *m)
{
    return m->speakers.dominant == NULL ? SFU_NOBODY : leaf_of(m->speakers.dominant);
}

size_t sfu_meeting_speakers(const struct sfu *s, uint32_t meeting, uint32_t *out, size_t max)
{
    const struct sfu_meeting *m = sfu_meeting_of(s, meeting);
    const struct sfu_voice *voices[SFU_AUDIO_SLOTS + 1];
    size_t n = m == NULL ? 0 : sfu_speakers_list(&m->speakers, voices, SFU_AUDIO_SLOTS + 1);
    n = n < max ? n : max;
    for (size_t i = 0; i < n; i++)
        out[i] = leaf_of(voices[i]);
    return n;
}
