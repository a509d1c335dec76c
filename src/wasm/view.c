/* What a meeting looks like now. */
#include "wasm/meeting.h"

#include "base/wipe.h"

static void write_info(struct buf *b, const struct participant *p)
{
    struct participant_meeting m;
    bool known = participant_meeting(p, &m) == 0;
    write_u8(b, known);
    if (!known)
        return;
    wasm_write_text(b, m.title);
    wasm_write_text(b, m.organiser);
    wasm_write_identity(b, &m.organiser_identity);
    write_u8(b, m.open);
    write_u8(b, m.in_meeting);
    write_u8(b, m.locked);
    write_u8(b, m.host_present);
    write_u64(b, m.epoch);
    write_u64(b, m.started_at);
    write_u32(b, m.members);
    write_u16(b, m.suite);
    write_vec(b, m.card_hash);
}

static void write_member(struct buf *b, const struct participant_person *person)
{
    write_u32(b, person->leaf);
    write_u8(b, person->me);
    write_u8(b, person->connected);
    write_u8(b, person->hand);
    write_u8(b, person->sends_known);
    write_u8(b, person->sends);
    write_u8(b, person->confirmed);
    write_u8(b, person->same_name);
    write_u8(b, (uint8_t)person->role);
    wasm_write_text(b, person->name);
    wasm_write_identity(b, &person->identity);
}

static void write_waiting(struct buf *b, const struct participant_person *person)
{
    write_vec(b, person->ref);
    write_u64(b, person->since);
    write_u8(b, person->same_name);
    wasm_write_text(b, person->name);
    wasm_write_identity(b, &person->identity);
}

/* phase<V> end-reason info members<V> waiting<V> */
WASM_EXPORT("meeting_view") int wasm_meeting_view(struct wasm_meeting *m, struct buf *answer);
int wasm_meeting_view(struct wasm_meeting *m, struct buf *answer)
{
    struct participant *p = m->participant;
    struct participant_person person;
    wasm_write_text(answer, participant_phase_name(participant_phase(p)));
    wasm_write_reason(answer, participant_end_reason(p));
    write_info(answer, p);
    size_t mark = write_vec_begin(answer);
    for (uint32_t at = 0; participant_roster_next(p, &at, &person);)
        write_member(answer, &person);
    write_vec_end(answer, mark);
    mark = write_vec_begin(answer);
    for (uint32_t at = 0; participant_lobby_next(p, &at, &person);)
        write_waiting(answer, &person);
    write_vec_end(answer, mark);
    return buf_check(answer);
}

WASM_EXPORT("meeting_code") int wasm_meeting_code(struct wasm_meeting *m, struct buf *answer);
int wasm_meeting_code(struct wasm_meeting *m, struct buf *answer)
{
    char code[PARTICIPANT_CODE_SIZE];
    int rv = participant_code(m->participant, code);
    if (rv != 0)
        return rv;
    buf_put(answer, bytes_str(code));
    return buf_check(answer);
}

WASM_EXPORT("meeting_stats") int wasm_meeting_stats(struct wasm_meeting *m, struct buf *answer);
int wasm_meeting_stats(struct wasm_meeting *m, struct buf *answer)
{
    struct participant_stats s;
    participant_stats(m->participant, &s);
    const uint64_t numbers[] = {s.bytes_in,    s.bytes_out,     s.epochs,
                                s.messages_in, s.heartbeats_in, s.refused};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        write_u64(answer, numbers[i]);
    return buf_check(answer);
}

/* ---- Certificates of one ---- */

/* A member by its leaf, somebody in the lobby by the ref. */
static bool find(struct participant *p, uint32_t leaf, struct bytes ref,
                 struct participant_person *out)
{
    uint32_t at = leaf;
    if (ref.n == 0)
        return participant_roster_next(p, &at, out) && out->leaf == leaf;
    at = 0;
    while (participant_lobby_next(p, &at, out))
        if (bytes_equal(out->ref, ref))
            return true;
    return false;
}

/* ENOTFOUND. */
WASM_EXPORT("meeting_describe")
int wasm_meeting_describe(struct wasm_meeting *m, uint32_t leaf, const uint8_t *ref, size_t n_ref,
                          struct buf *answer);
int wasm_meeting_describe(struct wasm_meeting *m, uint32_t leaf, const uint8_t *ref, size_t n_ref,
                          struct buf *answer)
{
    struct participant_person person;
    struct bytes chain[WASM_CHAIN_MAX];
    size_t n = 0;
    if (!find(m->participant, leaf, bytes_of(ref, n_ref), &person))
        return CONCLAVE_ENOTFOUND;
    struct bytes rest = person.certificates;
    while (n < WASM_CHAIN_MAX && mls_certificate_next(&rest, &chain[n]))
        n++;
    return identity_describe(&person.identity, chain, n, answer);
}

/* ---- The key of frames ---- */

/* uint64 epoch; uint32 leaves; uint32 own leaf; key[32]: what sframe_keys_add_epoch() is given
 * (docs/MEDIA.md). ESTATE. */
WASM_EXPORT("meeting_frame_key")
int wasm_meeting_frame_key(struct wasm_meeting *m, struct buf *answer);
int wasm_meeting_frame_key(struct wasm_meeting *m, struct buf *answer)
{
    struct participant_frame_key k;
    int rv = participant_frame_key(m->participant, &k);
    if (rv != 0)
        return rv;
    write_u64(answer, k.epoch);
    write_u32(answer, k.group_size);
    write_u32(answer, k.own_leaf);
    buf_put(answer, bytes_of(k.key, sizeof k.key));
    wipe(&k, sizeof k);
    return buf_check(answer);
}
