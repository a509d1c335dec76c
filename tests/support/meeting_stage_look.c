/* What a test may ask of a stage. */
#include "participant/inner.h"
#include "support/meeting_stage.h"

size_t stage_in_meeting(const struct stage *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        n +=
            s->actors[i]->p != NULL && participant_phase(s->actors[i]->p) == PARTICIPANT_IN_MEETING;
    return n;
}

void stage_agree(struct stage *s, size_t least)
{
    const struct participant *first = NULL;
    struct room_summary summary;
    for (size_t i = 0; i < s->n; i++) {
        const struct participant *p = s->actors[i]->p;
        if (p == NULL || p->phase != PARTICIPANT_IN_MEETING)
            continue;
        if (first == NULL)
            first = p;
        assert_int_equal(mls_group_epoch(p->group), mls_group_epoch(first->group));
        assert_true(bytes_equal(mls_group_epoch_authenticator(p->group),
                                mls_group_epoch_authenticator(first->group)));
    }
    assert_in_range(stage_in_meeting(s), least, STAGE_ACTORS);
    if (first == NULL || s->room == NULL)
        return;
    room_summary(s->room, &summary);
    assert_int_equal(summary.epoch, mls_group_epoch(first->group));
    assert_int_equal(summary.members, mls_group_member_count(first->group));
}

bool stage_told(const struct stage_actor *a, int reason)
{
    for (size_t i = 0; i < a->n_notices; i++)
        if (a->notices[i].reason == reason)
            return true;
    return false;
}

uint32_t stage_leaf(const struct stage_actor *a)
{
    return a->p == NULL || a->p->group == NULL ? MLS_NO_LEAF : mls_group_own_leaf(a->p->group);
}

uint32_t stage_find(struct stage_actor *in, const struct stage_actor *whom)
{
    struct mls_member m;
    uint32_t at = 0;
    while (in->p->group != NULL && mls_group_next_member(in->p->group, &at, &m))
        if (bytes_equal(m.signature_key, crypto_signer_public(whom->person->signer)))
            return m.leaf_index;
    return MLS_NO_LEAF;
}

size_t stage_roster_count(struct stage_actor *a)
{
    struct participant_person person;
    uint32_t at = 0;
    size_t n = 0;
    while (participant_roster_next(a->p, &at, &person))
        n++;
    return n;
}

size_t stage_lobby_count(struct stage_actor *a)
{
    struct participant_person person;
    uint32_t at = 0;
    size_t n = 0;
    while (participant_lobby_next(a->p, &at, &person))
        n++;
    return n;
}
