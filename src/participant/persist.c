/* Saving and restoring: a snapshot of the group, and deltas that stand on it. Effects are carried
 * out in order, so what is saved is on disk before what depends on it is sent. */
#include <stdlib.h>

#include "participant/inner.h"
#include "wire/reader.h"
#include "wire/writer.h"

#define SAVED_VERSION 1

int participant_persist_store(void *ctx, struct bytes group_id, struct bytes delta)
{
    struct participant *p = ctx;
    (void)group_id;
    if (p->rejoining != NULL) /* saved whole once it has taken the group's place */
        return 0;
    if (p->effects.failed) /* what is refused must not be kept all the same */
        return CONCLAVE_ESTORE;
    participant_effect_data(p, PARTICIPANT_SAVE_DELTA, delta, !p->lazy_save);
    if (p->effects.failed)
        return CONCLAVE_ESTORE;
    p->delta_bytes += delta.n;
    return 0;
}

static int write_snapshot(struct participant *p, struct buf *out)
{
    struct buf group = {0};
    int rv = mls_group_save(p->group, buf_view(&p->save_key), &group);
    if (rv == 0) {
        write_u8(out, SAVED_VERSION);
        write_u8(out, p->founding);
        write_vec(out, card_encoded(p->card));
        write_vec(out, buf_view(&group));
        rv = buf_check(out);
    }
    buf_free(&group);
    return rv;
}

int participant_persist_snapshot(struct participant *p)
{
    struct buf data = {0};
    if (!p->persist)
        return 0;
    int rv = write_snapshot(p, &data);
    if (rv == 0) {
        participant_effect_data(p, PARTICIPANT_SAVE_SNAPSHOT, buf_view(&data), true);
        rv = p->effects.failed ? CONCLAVE_ENOMEM : 0;
    }
    if (rv == 0) {
        p->snapshot_bytes = data.n;
        p->delta_bytes = 0;
    }
    buf_free(&data);
    return rv;
}

/* Large groups change little at a time: a snapshot is worth it when the deltas have outgrown it. */
int participant_persist_tick(struct participant *p)
{
    if (!p->persist || p->group == NULL || p->delta_bytes <= PARTICIPANT_DELTAS_BYTES ||
        p->delta_bytes <= 2 * p->snapshot_bytes)
        return 0;
    return participant_persist_snapshot(p);
}

static int restore_group(struct participant *p, struct bytes snapshot, const struct bytes *deltas,
                         size_t n_deltas)
{
    struct reader r = reader_of(snapshot);
    uint8_t version = read_u8(&r);
    bool founding = read_optional(&r);
    struct bytes card = read_vec(&r), group = read_vec(&r);
    int rv = reader_end(&r);
    if (rv == 0 && version != SAVED_VERSION)
        rv = CONCLAVE_EVERSION;
    if (rv == 0)
        rv = participant_open_card(p, card);
    if (rv == 0 && p->phase == PARTICIPANT_OVER)
        rv = CONCLAVE_ECREDENTIAL; /* what is wrong, a new one will say */
    if (rv == 0)
        rv = mls_group_restore(p->client, buf_view(&p->save_key), group, deltas, n_deltas,
                               &p->group);
    if (rv == 0 && !mls_group_is_member(p->group))
        rv = CONCLAVE_EREMOVED;
    if (rv == 0 && founding && mls_group_epoch(p->group) != 0)
        rv = CONCLAVE_ESYNTAX; /* this byte is not sealed; nobody founds what has had a commit */
    if (rv == 0)
        rv = participant_group_check(p, p->group);
    p->founding = founding;
    return rv;
}

int participant_restore(const struct participant_config *config, struct bytes snapshot,
                        const struct bytes *deltas, size_t n_deltas, uint64_t now_us,
                        struct participant **out)
{
    struct participant *p = NULL;
    int rv = participant_new(config, now_us, &p);
    if (rv != 0)
        return rv;
    rv = restore_group(p, snapshot, deltas, n_deltas);
    if (rv == 0)
        rv = participant_group_read_state(p);
    if (rv == 0)
        rv = participant_roster_reset(p);
    if (rv == 0) {
        p->snapshot_bytes = snapshot.n;
        for (size_t i = 0; i < n_deltas; i++)
            p->delta_bytes += deltas[i].n;
        participant_lead_new_epoch(p, true);
        participant_talk_new_epoch(p, false);
        if (!p->founding)
            participant_phase_set(p, PARTICIPANT_RECONNECTING);
        rv = participant_effects_check(&p->effects);
    }
    if (rv != 0) {
        participant_free(p);
        return rv;
    }
    *out = p;
    return 0;
}
