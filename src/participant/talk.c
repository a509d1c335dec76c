/* What people say to each other, what a host asks of them, and the heartbeats by which they notice
 * a server that shows them different meetings (docs/PROTOCOL.md section 6). */
#include <stdlib.h>
#include <string.h>

#include "base/ct.h"
#include "base/earlier.h"
#include "crypto/sha256.h"
#include "crypto/suite.h"
#include "identity/text.h"
#include "mls/framing_private.h"
#include "participant/inner.h"

#define BEAT_LEAST_US (3 * SECOND_US)
#define BEAT_EACH_US (SECOND_US / 10)
#define WATCH_US (10 * SECOND_US)
#define WATCH_EVERY_US (2 * SECOND_US)
#define LATE_US (2 * SECOND_US) /* a message of the last epoch that was on its way */
#define LATE_EPOCHS 3u          /* the server relays those of two past epochs */
#define WATCH_SINGLY 30u        /* members of a meeting in which each is watched */
#define SENDS_ALL (PARTICIPANT_SENDS_AUDIO | PARTICIPANT_SENDS_CAMERA | PARTICIPANT_SENDS_SCREEN)

/* ---- What waits to be sent ---- */

static void unsent_free(struct unsent *u)
{
    if (u == NULL)
        return;
    buf_free(&u->content);
    buf_free(&u->sent);
    free(u);
}

void participant_talk_fini(struct participant *p)
{
    while (p->unsent != NULL) {
        struct unsent *next = p->unsent->next;
        unsent_free(p->unsent);
        p->unsent = next;
    }
    p->unsent_end = &p->unsent;
    p->n_unsent = 0;
    free(p->chat_ids);
    p->chat_ids = NULL;
    p->n_chat_ids = 0;
}

static void take_out(struct participant *p, struct unsent **at)
{
    struct unsent *u = *at;
    *at = u->next;
    if (u->next == NULL)
        p->unsent_end = at;
    p->n_unsent--;
    unsent_free(u);
}

static int queue(struct participant *p, enum talk_kind kind, const struct signal_content *content)
{
    if (p->n_unsent >= PARTICIPANT_UNSENT_LIMIT)
        return CONCLAVE_ELIMIT;
    struct unsent *u = calloc(1, sizeof *u);
    if (u == NULL)
        return CONCLAVE_ENOMEM;
    u->kind = kind;
    u->leaf = content->leaf;
    if (kind == TALK_CHAT)
        memcpy(u->id, content->id.p, sizeof u->id);
    int rv = signal_content_write(content, &u->content);
    if (rv != 0) {
        unsent_free(u);
        return rv;
    }
    *p->unsent_end = u;
    p->unsent_end = &u->next;
    p->n_unsent++;
    return 0;
}

/* EPROPOSALS: not before the proposals that wait are committed (RFC 9420 12.4). */
static int send_content(struct participant *p, struct bytes content, struct buf *out_message)
{
    int rv = mls_group_protect(p->group, none(), content, out_message);
    if (rv == 0)
        participant_effect_send(
            p, &(struct signal_message){.type = SIGNAL_APP, .body = buf_view(out_message)});
    return rv;
}

static bool can_talk(const struct participant *p)
{
    return p->connection == LIVE && p->group != NULL && p->stuck_us == 0 && !p->founding;
}

/* Sends what waits, if it can be sent now. */
static int flush(struct participant *p)
{
    struct unsent **at = &p->unsent;
    while (can_talk(p) && *at != NULL) {
        struct unsent *u = *at;
        if (u->sent.n != 0) {
            at = &u->next;
            continue;
        }
        int rv = send_content(p, buf_view(&u->content), &u->sent);
        if (rv != 0)
            return conclave_error_class(rv) == CONCLAVE_CLASS_SYSTEM ? rv : 0;
        u->sent_in = mls_group_epoch(p->group);
        if (u->kind == TALK_CHAT)
            at = &u->next; /* until it comes back */
        else
            take_out(p, at);
    }
    return 0;
}

/* Requests that wait to be sent: the leaf may be somebody else's by then. */
static void drop_requests(struct participant *p, bool all, uint32_t leaf)
{
    struct unsent **at = &p->unsent;
    while (*at != NULL)
        if ((*at)->kind == TALK_ASK_MUTE && (all || (*at)->leaf == leaf))
            take_out(p, at);
        else
            at = &(*at)->next;
}

void participant_talk_gone(struct participant *p, uint32_t leaf)
{
    drop_requests(p, false, leaf);
}

void participant_talk_again(struct participant *p)
{
    drop_requests(p, true, MLS_NO_LEAF);
    for (struct unsent *u = p->unsent; u != NULL; u = u->next)
        buf_clear(&u->sent);
    p->hand_owed = p->hand_used; /* the others may have missed how it is now */
}

void participant_talk_resume(struct participant *p)
{
    participant_talk_again(p);
    p->watch_began_us += p->now_us - p->left_us; /* as for each by itself: see roster.c */
}

static uint64_t beat_interval(const struct participant *p)
{
    uint64_t us = (uint64_t)mls_group_member_count(p->group) * BEAT_EACH_US;
    return us > BEAT_LEAST_US ? us : BEAT_LEAST_US;
}

/* A message that has not come back when so many epochs have begun does not come: it was too old to
 * be relayed, and is too old to be opened. */
static void send_late_again(struct participant *p)
{
    for (struct unsent *u = p->unsent; u != NULL; u = u->next)
        if (u->sent.n != 0 && mls_group_epoch(p->group) - u->sent_in >= LATE_EPOCHS)
            buf_clear(&u->sent);
}

void participant_talk_new_epoch(struct participant *p, bool newcomers)
{
    send_late_again(p);
    p->hand_owed = p->hand_owed || (newcomers && p->hand);
    if (newcomers && (p->sends & PARTICIPANT_SENDS_SCREEN) != 0 && p->beat_us != 0)
        p->beat_us = earlier(p->beat_us, p->now_us + participant_spread(p, SECOND_US));
    if (p->beat_us == 0) {
        p->beat_us = p->now_us + participant_spread(p, beat_interval(p));
        p->watch_began_us = p->now_us;
        p->watch_us = p->now_us + WATCH_US;
    }
}

/* ---- Heartbeats ---- */

static int beat_digest(const struct participant *p, uint8_t out[static SHA256_SIZE])
{
    struct mls_context context;
    struct buf both = {0};
    mls_group_context(p->group, &context);
    buf_put(&both, mls_group_epoch_authenticator(p->group));
    buf_put(&both, context.tree_hash);
    int rv = buf_check(&both);
    if (rv == 0)
        rv = crypto_sha256(buf_view(&both), out);
    buf_free(&both);
    return rv;
}

static int beat(struct participant *p)
{
    uint8_t digest[SHA256_SIZE];
    struct buf content = {0}, message = {0};
    int rv = beat_digest(p, digest);
    struct signal_content c = {.kind = SIGNAL_HEARTBEAT,
                               .epoch = mls_group_epoch(p->group),
                               .digest = bytes_of(digest, sizeof digest),
                               .sends = p->sends};
    if (rv == 0)
        rv = signal_content_write(&c, &content);
    if (rv == 0)
        rv = send_content(p, buf_view(&content), &message);
    p->beat_us = p->now_us + (rv == CONCLAVE_EPROPOSALS ? SECOND_US / 2 : beat_interval(p));
    buf_free(&content);
    buf_free(&message);
    return rv != 0 && conclave_error_class(rv) == CONCLAVE_CLASS_SYSTEM ? rv : 0;
}

/* Others are heard where we are. What was on its way when the epoch began is welcome; but whoever
 * goes on in an older one, which we can still open, was not shown what we were. */
static bool is_of_now(const struct participant *p, uint64_t epoch)
{
    return epoch == mls_group_epoch(p->group) || p->now_us - p->epoch_us < LATE_US;
}

/* One for each interval: nobody makes up for others. */
static void count_beat(struct participant *p, struct seat *s)
{
    if (s->beat_us != 0 && p->now_us - s->beat_us < beat_interval(p) / 2)
        return;
    s->beat_us = p->now_us;
    p->watch_beats++;
}

static void note_sends(struct participant *p, struct seat *s, uint8_t sends)
{
    sends &= SENDS_ALL;
    if (s->sends_known && s->sends == sends)
        return;
    s->sends_known = true;
    s->sends = sends;
    participant_tell(p, PARTICIPANT_ROSTER);
}

static int beat_received(struct participant *p, uint32_t leaf, uint64_t sent_in,
                         const struct signal_content *c)
{
    uint8_t own[SHA256_SIZE];
    struct seat *s = participant_roster_seat(p, leaf);
    p->stats.heartbeats_in++;
    if (s == NULL)
        return 0;
    if (is_of_now(p, sent_in)) {
        count_beat(p, s);
        note_sends(p, s, c->sends);
    }
    if (sent_in != mls_group_epoch(p->group) || c->epoch != sent_in)
        return 0;
    int rv = beat_digest(p, own);
    if (rv != 0)
        return rv;
    if (ct_equal(c->digest, bytes_of(own, sizeof own))) {
        s->beat_epoch = sent_in + 1;
    } else if (s->alarm_epoch != sent_in + 1) {
        s->alarm_epoch = sent_in + 1;
        participant_notify(p, PARTICIPANT_ALARM, REASON_OTHERS_SILENT, leaf);
    }
    return 0;
}

/* A member whom the server calls connected, and nobody hears. */
static bool one_is_silent(const struct participant *p)
{
    uint32_t own = mls_group_own_leaf(p->group);
    for (uint32_t i = 0; i < p->n_seats; i++) {
        const struct seat *s = &p->seats[i];
        if (s->verdict != NULL && s->connected && i != own && p->now_us - s->heard_us > WATCH_US)
            return true;
    }
    return false;
}

static bool many_are_silent(struct participant *p)
{
    uint64_t span = p->now_us - p->watch_began_us, others = 0;
    if (span < WATCH_US)
        return p->silent_told;
    for (uint32_t i = 0; i < p->n_seats; i++)
        others += p->seats[i].verdict != NULL && p->seats[i].connected;
    uint64_t due = others <= 1 ? 0 : (others - 1) * span / beat_interval(p);
    bool silent = 3 * (uint64_t)p->watch_beats < 2 * due;
    p->watch_began_us = p->now_us;
    p->watch_beats = 0;
    return silent;
}

static void watch(struct participant *p)
{
    p->watch_us = p->now_us + WATCH_EVERY_US;
    if (!can_talk(p))
        return;
    bool silent =
        mls_group_member_count(p->group) <= WATCH_SINGLY ? one_is_silent(p) : many_are_silent(p);
    if (silent && !p->silent_told)
        participant_notify(p, PARTICIPANT_WARNING, REASON_OTHERS_SILENT, MLS_NO_LEAF);
    p->silent_told = silent;
}

/* ---- Timers ---- */

int participant_talk_tick(struct participant *p)
{
    int rv = 0;
    if (p->group == NULL)
        return 0;
    if (p->hand_owed && can_talk(p)) {
        p->hand_owed = false;
        rv = queue(p, TALK_HAND, &(struct signal_content){.kind = SIGNAL_HAND, .raised = p->hand});
        if (rv == CONCLAVE_ELIMIT)
            rv = 0;
    }
    if (rv == 0)
        rv = flush(p);
    if (rv == 0 && can_talk(p) && p->beat_us != 0 && p->beat_us <= p->now_us)
        rv = beat(p);
    if (p->watch_us != 0 && p->watch_us <= p->now_us)
        watch(p);
    return rv;
}

uint64_t participant_talk_deadline(const struct participant *p)
{
    if (!can_talk(p) || p->beat_us == 0)
        return NEVER;
    return p->beat_us < p->watch_us ? p->beat_us : p->watch_us;
}

/* ---- What comes in ---- */

/* Ours, come back: it is delivered. */
static bool came_back(struct participant *p, struct bytes message)
{
    for (struct unsent **at = &p->unsent; *at != NULL; at = &(*at)->next)
        if ((*at)->sent.n != 0 && bytes_equal(buf_view(&(*at)->sent), message)) {
            participant_effect_event(
                p, &(struct participant_effect){.event = PARTICIPANT_CHAT_SENT,
                                                .leaf = mls_group_own_leaf(p->group),
                                                .by = MLS_NO_LEAF,
                                                .id = bytes_of((*at)->id, sizeof(*at)->id)});
            take_out(p, at);
            return true;
        }
    return false;
}

/* Whether this sender's chat was shown before; remembers it. */
static bool seen(struct participant *p, uint32_t leaf, struct bytes id)
{
    uint8_t key[SIGNAL_CHAT_ID + 4];
    memcpy(key, id.p, SIGNAL_CHAT_ID);
    memcpy(key + SIGNAL_CHAT_ID, &leaf, sizeof leaf);
    for (size_t i = 0; i < p->n_chat_ids; i++)
        if (memcmp(p->chat_ids[i], key, sizeof key) == 0)
            return true;
    if (p->chat_ids == NULL)
        p->chat_ids = calloc(PARTICIPANT_CHAT_IDS, sizeof *p->chat_ids);
    if (p->chat_ids == NULL) {
        p->effects.failed = true;
        return false;
    }
    memcpy(p->chat_ids[p->next_chat_id], key, sizeof key);
    p->next_chat_id = (p->next_chat_id + 1) % PARTICIPANT_CHAT_IDS;
    if (p->n_chat_ids < PARTICIPANT_CHAT_IDS)
        p->n_chat_ids++;
    return false;
}

static void tell(struct participant *p, enum participant_event event, uint32_t leaf,
                 const struct signal_content *c)
{
    struct buf text = {0};
    if (text_is_readable(c->text))
        buf_put(&text, c->text);
    else
        text_put_escaped(&text, c->text);
    if (buf_check(&text) != 0)
        p->effects.failed = true;
    participant_effect_event(
        p,
        &(struct participant_effect){
            .event = event, .leaf = leaf, .by = MLS_NO_LEAF, .text = buf_view(&text), .id = c->id});
    buf_free(&text);
}

/* A member asks us, or all attendees, to send no sound. Who sends none has nothing to stop. */
static void asked_to_mute(struct participant *p, uint32_t by, uint32_t leaf)
{
    bool us = leaf == mls_group_own_leaf(p->group) ||
              (leaf == MLS_NO_LEAF && participant_role_own(p) == MEETING_ATTENDEE);
    if (us && (p->sends & PARTICIPANT_SENDS_AUDIO) != 0 &&
        participant_roster_role(p, by) >= MEETING_COHOST)
        participant_effect_event(
            p, &(struct participant_effect){
                   .event = PARTICIPANT_MUTE, .leaf = mls_group_own_leaf(p->group), .by = by});
}

static int heard(struct participant *p, const struct mls_received *r)
{
    struct signal_content c;
    uint32_t leaf = r->sender.index;
    struct seat *s = participant_roster_seat(p, leaf);
    int rv = signal_content_read(buf_view(&r->data), &c);
    if (rv != 0)
        return 0; /* newer than we, or nonsense: it harms nobody */
    if (s != NULL && is_of_now(p, r->epoch))
        s->heard_us = p->now_us;
    switch (c.kind) {
    case SIGNAL_CHAT:
        if (!seen(p, leaf, c.id))
            tell(p, PARTICIPANT_CHAT, leaf, &c);
        return 0;
    case SIGNAL_REACTION:
        tell(p, PARTICIPANT_REACTION, leaf, &c);
        return 0;
    case SIGNAL_HAND:
        if (s != NULL && s->hand != c.raised) {
            s->hand = c.raised;
            participant_effect_event(p, &(struct participant_effect){.event = PARTICIPANT_HAND,
                                                                     .leaf = leaf,
                                                                     .by = MLS_NO_LEAF});
        }
        return 0;
    case SIGNAL_HEARTBEAT:
        return beat_received(p, leaf, r->epoch, &c);
    case SIGNAL_ASK_MUTE:
        if (is_of_now(p, r->epoch))
            asked_to_mute(p, leaf, c.leaf);
        return 0;
    default:
        return 0;
    }
}

/* In a past epoch a leaf may have been somebody else's, whose words would be put into the mouth of
 * who is on it now; and whoever was removed has no say any more. */
static bool is_member_still(const struct participant *p, const struct mls_received *r)
{
    struct mls_member now;
    return r->sender.type == MLS_SENDER_MEMBER &&
           mls_group_member(p->group, r->sender.index, &now) == 0 &&
           bytes_equal(now.signature_key, r->member.signature_key);
}

/* A member could hide proposals in here that neither the server nor the policy has seen. */
static bool is_application(struct bytes message)
{
    struct mls_private_message m;
    struct bytes body;
    return mls_message_expect(message, MLS_PRIVATE_MESSAGE, &body) == 0 &&
           mls_private_message_parse(body, &m) == 0 && m.type == CONTENT_APPLICATION;
}

int participant_talk_received(struct participant *p, struct bytes message)
{
    struct mls_received r = {0};
    enum mls_wire_format kind;
    struct bytes group_id;
    uint64_t epoch;
    if (p->group == NULL || p->founding || p->rejoining != NULL || came_back(p, message))
        return 0;
    if (mls_message_peek(message, &kind, &group_id, &epoch) != 0 || kind != MLS_PRIVATE_MESSAGE)
        return CONCLAVE_ESYNTAX; /* handshakes come in other frames */
    if (!is_application(message)) {
        p->stats.refused++;
        return 0;
    }
    p->stats.messages_in++;
    p->stats.message_bytes_in += message.n;
    p->lazy_save = true; /* a replay after a power cut would be seen, and harms nobody */
    int rv = mls_group_receive(p->group, message, now_of(p), &r);
    p->lazy_save = false;
    if (rv == CONCLAVE_EEPOCH)
        participant_group_note_behind(p, message);
    if (rv != 0) /* our own cannot be opened again; nor can a replay, or what is too old */
        return conclave_error_class(rv) == CONCLAVE_CLASS_SYSTEM ? rv : 0;
    if (r.kind == MLS_RECEIVED_APPLICATION && is_member_still(p, &r))
        rv = heard(p, &r);
    mls_received_free(&r);
    return rv;
}

/* ---- The user's commands ---- */

static int may_talk(const struct participant *p)
{
    return p->phase == PARTICIPANT_IN_MEETING || p->phase == PARTICIPANT_RECONNECTING
               ? 0
               : CONCLAVE_ESTATE;
}

int participant_say(struct participant *p, const char *text, struct buf *out_id, uint64_t now_us)
{
    uint8_t id[SIGNAL_CHAT_ID] = {0};
    struct signal_content chat = {
        .kind = SIGNAL_CHAT, .id = bytes_of(id, sizeof id), .text = bytes_str(text)};
    int rv = may_talk(p);
    if (rv == 0 && (chat.text.n > SIGNAL_CHAT_MAX || !text_is_readable(chat.text)))
        rv = CONCLAVE_EINVAL;
    if (rv == 0)
        rv = crypto_random(p->crypto, id, sizeof id);
    if (rv == 0 && out_id != NULL)
        rv = buf_reserve(out_id, sizeof id);
    if (rv == 0)
        rv = queue(p, TALK_CHAT, &chat);
    if (rv != 0)
        return rv;
    p->now_us = now_us;
    if (out_id != NULL)
        buf_put(out_id, chat.id);
    return participant_settle(p, 0); /* which sends it */
}

int participant_react(struct participant *p, const char *emoji, uint64_t now_us)
{
    struct signal_content reaction = {.kind = SIGNAL_REACTION, .text = bytes_str(emoji)};
    int rv = may_talk(p);
    if (rv == 0 && (reaction.text.n > SIGNAL_EMOJI_MAX || !text_is_readable(reaction.text)))
        rv = CONCLAVE_EINVAL;
    if (rv == 0)
        rv = queue(p, TALK_REACTION, &reaction);
    if (rv != 0)
        return rv;
    p->now_us = now_us;
    return participant_settle(p, 0);
}

int participant_raise_hand(struct participant *p, bool raised, uint64_t now_us)
{
    int rv = may_talk(p);
    if (rv != 0 || p->hand == raised)
        return rv;
    rv = queue(p, TALK_HAND, &(struct signal_content){.kind = SIGNAL_HAND, .raised = raised});
    if (rv != 0)
        return rv;
    p->now_us = now_us;
    p->hand = raised;
    p->hand_used = true;
    participant_tell(p, PARTICIPANT_ROSTER);
    return participant_settle(p, 0);
}

int participant_set_sends(struct participant *p, uint8_t sends, uint64_t now_us)
{
    if ((sends & ~SENDS_ALL) != 0)
        return CONCLAVE_EINVAL;
    if (p->phase == PARTICIPANT_OVER)
        return CONCLAVE_ESTATE;
    if (p->sends == sends)
        return 0;
    p->now_us = now_us;
    p->sends = sends;
    if (p->beat_us != 0)
        p->beat_us = now_us; /* a heartbeat tells it */
    participant_tell(p, PARTICIPANT_ROSTER);
    return participant_settle(p, 0);
}

int participant_ask_mute(struct participant *p, uint32_t leaf, uint64_t now_us)
{
    const struct signal_content request = {.kind = SIGNAL_ASK_MUTE, .leaf = leaf};
    if (!can_talk(p))
        return CONCLAVE_ESTATE;
    if (participant_role_own(p) < MEETING_COHOST)
        return CONCLAVE_EPOLICY;
    if (leaf != MLS_NO_LEAF && participant_roster_seat(p, leaf) == NULL)
        return CONCLAVE_ENOTFOUND;
    int rv = queue(p, TALK_ASK_MUTE, &request);
    if (rv != 0)
        return rv;
    p->now_us = now_us;
    return participant_settle(p, 0);
}
