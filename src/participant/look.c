/* Answers to the user's questions. */
#include "base/wipe.h"
#include "meeting/code.h"
#include "participant/inner.h"
#include "signal/media.h"

static const char *const phase_names[] = {
    [PARTICIPANT_IDLE] = "idle",
    [PARTICIPANT_CONNECTING] = "connecting",
    [PARTICIPANT_NOT_STARTED] = "not-started",
    [PARTICIPANT_IN_LOBBY] = "in-lobby",
    [PARTICIPANT_JOINING] = "joining",
    [PARTICIPANT_IN_MEETING] = "in-meeting",
    [PARTICIPANT_RECONNECTING] = "reconnecting",
    [PARTICIPANT_OVER] = "over",
};

enum participant_phase participant_phase(const struct participant *p)
{
    return p->phase;
}

const char *participant_phase_name(enum participant_phase phase)
{
    return (unsigned)phase < sizeof phase_names / sizeof phase_names[0] ? phase_names[phase] : "?";
}

int participant_end_reason(const struct participant *p)
{
    return p->end_reason;
}

const char *participant_reason_name(int reason)
{
    return reason_name(reason);
}

const char *participant_reason_text(int reason)
{
    return reason_text(reason);
}

const char *participant_reason_next(int reason)
{
    return reason_next(reason);
}

static bool host_present(const struct participant *p)
{
    for (uint32_t i = 0; i < p->n_seats; i++)
        if (p->seats[i].connected && participant_roster_role(p, i) >= MEETING_HOST)
            return true;
    return false;
}

int participant_meeting(const struct participant *p, struct participant_meeting *out)
{
    if (p->card == NULL)
        return CONCLAVE_ESTATE;
    const struct card_terms *terms = card_terms(p->card);
    *out = (struct participant_meeting){.title = terms->title,
                                        .organiser = terms->hosts[0],
                                        .organiser_identity = p->organiser,
                                        .open = terms->open,
                                        .suite = terms->suites[0],
                                        .card_hash = card_hash(p->card)};
    if (p->group == NULL || p->founding)
        return 0;
    out->in_meeting = true;
    out->locked = p->state.locked;
    out->started_at = p->state.started_at;
    out->epoch = mls_group_epoch(p->group);
    out->members = mls_group_member_count(p->group);
    out->host_present = host_present(p);
    return 0;
}

int participant_code(struct participant *p, char out[static PARTICIPANT_CODE_SIZE])
{
    _Static_assert(PARTICIPANT_CODE_SIZE == MEETING_CODE_SIZE, "one size");
    if (p->group == NULL || p->founding)
        return CONCLAVE_ESTATE;
    return meeting_code(mls_group_epoch_authenticator(p->group), out);
}

void participant_stats(const struct participant *p, struct participant_stats *out)
{
    *out = p->stats;
}

int participant_export(struct participant *p, const char *label, struct bytes context, size_t n,
                       uint8_t *out)
{
    if (p->group == NULL || p->founding)
        return CONCLAVE_ESTATE;
    return mls_group_export(p->group, label, context, n, out);
}

int participant_frame_key(struct participant *p, struct participant_frame_key *out)
{
    struct participant_frame_key made = {0};
    struct mls_member m;
    int rv =
        participant_export(p, "SFrame 1.0 Base Key", bytes_of(NULL, 0), sizeof made.key, made.key);
    if (rv != 0)
        return rv;
    made.epoch = mls_group_epoch(p->group);
    made.own_leaf = mls_group_own_leaf(p->group);
    /* to the last member's leaf: that takes as many bits as the tree does */
    for (uint32_t at = 0; mls_group_next_member(p->group, &at, &m);)
        made.group_size = m.leaf_index + 1;
    *out = made;
    wipe(&made, sizeof made);
    return 0;
}

int participant_media_send(struct participant *p, struct bytes body, uint64_t now_us)
{
    if (p->phase != PARTICIPANT_IN_MEETING || p->connection != LIVE)
        return CONCLAVE_ESTATE;
    if (body.n > SIGNAL_MEDIA_MAX)
        return CONCLAVE_ELIMIT;
    p->now_us = now_us;
    participant_effect_send(p, &(struct signal_message){.type = SIGNAL_MEDIA, .body = body});
    return participant_settle(p, 0);
}
