#include "cmd/terminal_view.h"

#include <string.h>
#include <time.h>

#include "cmd/terminal_media.h"
#include "cmd/terminal_text.h"
#include "signal/reason.h"

#define INDENT 6

static const char *const roles[] = {
    [PARTICIPANT_ATTENDEE] = "",
    [PARTICIPANT_COHOST] = "co-host",
    [PARTICIPANT_HOST] = "host",
    [PARTICIPANT_ORGANISER] = "organiser",
};

static void put_styled(struct buf *out, bool colours, enum terminal_colour colour, const char *text)
{
    terminal_put_colour(out, colours, colour);
    terminal_put_plain(out, bytes_str(text), 0);
    terminal_put_colour(out, colours, TERMINAL_NORMAL);
}

static bool is_verified(const struct identity *id)
{
    return id->category != IDENTITY_UNVERIFIED;
}

/* ---- People ---- */

void terminal_put_person(struct buf *out, bool colours, const struct participant_person *person)
{
    const struct identity *id = &person->identity;
    enum terminal_colour colour = is_verified(id) ? TERMINAL_GREEN : TERMINAL_YELLOW;
    if (person->name[0] != 0) {
        put_styled(out, colours, TERMINAL_BOLD, person->name);
        terminal_put(out, " (");
        put_styled(out, colours, colour, is_verified(id) ? id->label : "Unverified");
        terminal_put(out, ")");
    } else {
        put_styled(out, colours, colour,
                   is_verified(id) ? id->identifier : "Somebody without a name (Unverified)");
    }
}

/* Who it is by the certificate, and who says so. */
static void put_identity(struct buf *out, const struct identity *id)
{
    static const char *const kinds[] = {
        [IDENTITY_UNVERIFIED] = "",
        [IDENTITY_MEMBER] = ", of the organization",
        [IDENTITY_EXTERNAL] = ", of another organization",
        [IDENTITY_VERIFIED_DEVICE] = ", a device",
    };
    if (is_verified(id)) {
        terminal_put_plain(out, bytes_str(id->identifier), 0);
        terminal_put(out, "%s. Identity verified by ", kinds[id->category]);
        terminal_put_plain(out, bytes_str(id->issuer), 0);
        terminal_put(out, ".\n");
    } else {
        terminal_put(out, "Unverified: %s\n", identity_reason_text(id->reason));
    }
}

static void put_remark(struct buf *out, bool colours, enum terminal_colour colour,
                       const char *remark)
{
    if (*remark == 0)
        return;
    terminal_put(out, " \xc2\xb7 ");
    put_styled(out, colours, colour, remark);
}

static const char *what_is_sent(const struct participant_person *person)
{
    static const char *const texts[] = {"", "sound", "video", "sound, video"};
    if (!person->sends_known)
        return "";
    return (person->sends & PARTICIPANT_SENDS_SCREEN) != 0 ? "shares a screen"
                                                           : texts[person->sends & 3];
}

void terminal_put_roster(struct buf *out, bool colours, const struct participant_person *person)
{
    terminal_put(out, "%4u  ", join_session_number(person));
    terminal_put_person(out, colours, person);
    put_remark(out, colours, TERMINAL_CYAN, person->me ? "you" : "");
    put_remark(out, colours, TERMINAL_CYAN, roles[person->role]);
    put_remark(out, colours, TERMINAL_NORMAL, person->hand ? "hand raised" : "");
    put_remark(out, colours, TERMINAL_DIM, what_is_sent(person));
    put_remark(out, colours, TERMINAL_DIM, person->connected ? "" : "connection gone");
    put_remark(out, colours, TERMINAL_YELLOW,
               person->same_name ? "somebody else shows the same name" : "");
    terminal_put(out, "\n%*s", INDENT, "");
    put_identity(out, &person->identity);
}

static void put_duration(struct buf *out, uint64_t seconds)
{
    if (seconds < 60)
        terminal_put(out, "%u s", (unsigned)seconds);
    else
        terminal_put(out, "%u min", (unsigned)(seconds / 60));
}

void terminal_put_waiting(struct buf *out, bool colours, uint32_t number, uint64_t now,
                          const struct participant_person *person)
{
    terminal_put(out, "%4u  ", number);
    terminal_put_person(out, colours, person);
    terminal_put(out, " \xc2\xb7 waiting ");
    put_duration(out, now > person->since ? now - person->since : 0);
    terminal_put(out, "\n%*s", INDENT, "");
    put_identity(out, &person->identity);
}

/* ---- Sentences ---- */

void terminal_put_notice(struct buf *out, bool colours, enum participant_severity severity,
                         const char *text, const char *next)
{
    static const struct {
        enum terminal_colour colour;
        const char *word;
    } styles[] = {
        [PARTICIPANT_INFO] = {TERMINAL_DIM, ""},
        [PARTICIPANT_WARNING] = {TERMINAL_YELLOW, "Warning: "},
        [PARTICIPANT_ALARM] = {TERMINAL_RED, "ALARM: "},
    };
    terminal_put_colour(out, colours, styles[severity].colour);
    terminal_put(out, "%s", styles[severity].word);
    terminal_put_plain(out, bytes_str(text), 0);
    if (*next != 0) {
        terminal_put(out, " ");
        terminal_put_plain(out, bytes_str(next), 0);
    }
    terminal_put_colour(out, colours, TERMINAL_NORMAL);
    terminal_put(out, "\n");
}

static void put_quiet(struct buf *out, const struct terminal_view *v, const char *text)
{
    put_styled(out, v->colours, TERMINAL_DIM, text);
    terminal_put(out, "\n");
}

static struct participant *participant_of(const struct terminal_view *v)
{
    return join_session_participant(v->session);
}

/* The person of a leaf; false if it is nobody's (any more). */
static bool person_at(const struct terminal_view *v, uint32_t leaf, struct participant_person *out)
{
    return leaf != MLS_NO_LEAF && join_session_person(v->session, leaf + 1, out) == 0;
}

static bool myself(const struct terminal_view *v, struct participant_person *out)
{
    for (uint32_t at = 0; participant_roster_next(participant_of(v), &at, out);)
        if (out->me)
            return true;
    return false;
}

static void put_leaf(struct buf *out, const struct terminal_view *v, uint32_t leaf)
{
    struct participant_person person;
    if (person_at(v, leaf, &person))
        terminal_put_person(out, v->colours, &person);
    else
        terminal_put(out, "Somebody");
}

/* ---- Events ---- */

static void put_code(struct terminal_view *v, struct buf *out)
{
    char code[PARTICIPANT_CODE_SIZE];
    if (participant_code(participant_of(v), code) != 0)
        return;
    terminal_put(out, "Security code: ");
    put_styled(out, v->colours, TERMINAL_BOLD, code);
    terminal_put(out, "\n");
}

static void put_arrival(struct terminal_view *v, struct buf *out)
{
    struct participant_meeting m;
    if (participant_meeting(participant_of(v), &m) != 0)
        return;
    terminal_put(out, "You are in \"");
    terminal_put_plain(out, bytes_str(m.title), 0);
    terminal_put(out, "\", connected end-to-end encrypted. ");
    if (m.members == 1)
        terminal_put(out, "Nobody else is here yet.\n");
    else
        terminal_put(out, "%u people are here: /who lists them.\n", m.members);
    put_code(v, out);
    v->locked = m.locked;
}

/* What everybody expects needs no next step. */
static void event_over(struct terminal_view *v, int reason, struct buf *out)
{
    if (reason == REASON_LEFT || reason == REASON_ENDED)
        terminal_put_notice(out, v->colours, PARTICIPANT_INFO, reason_text(reason), "");
    else
        terminal_put_notice(out, v->colours, PARTICIPANT_WARNING, reason_text(reason),
                            reason_next(reason));
}

static void event_phase(struct terminal_view *v, int reason, struct buf *out)
{
    enum participant_phase before = v->phase;
    v->phase = participant_phase(participant_of(v));
    switch (v->phase) {
    case PARTICIPANT_NOT_STARTED:
        terminal_put(out, "The meeting has not started: waiting for a host.\n");
        break;
    case PARTICIPANT_IN_LOBBY:
        terminal_put(out, "You are in the lobby: a host can see you there and let you in.\n");
        break;
    case PARTICIPANT_JOINING:
        put_quiet(out, v, "You are being let in.");
        break;
    case PARTICIPANT_IN_MEETING:
        if (before == PARTICIPANT_RECONNECTING)
            put_quiet(out, v, "Connected again.");
        else
            put_arrival(v, out);
        break;
    case PARTICIPANT_RECONNECTING:
        put_quiet(out, v, "The connection is gone; trying again. The meeting goes on.");
        break;
    case PARTICIPANT_OVER:
        event_over(v, reason, out);
        break;
    case PARTICIPANT_IDLE:
    case PARTICIPANT_CONNECTING:
        break;
    }
}

static void event_card(struct terminal_view *v, struct buf *out)
{
    struct participant_meeting m;
    if (participant_meeting(participant_of(v), &m) != 0)
        return;
    terminal_put(out, "\"");
    terminal_put_plain(out, bytes_str(m.title), 0);
    terminal_put(out, "\", a meeting of ");
    put_identity(out, &m.organiser_identity);
    if (m.open)
        terminal_put_notice(out, v->colours, PARTICIPANT_WARNING,
                            "This meeting is open: its link holds no secret, and whoever knows its "
                            "number gets to the door.",
                            "");
}

static void event_gone(struct terminal_view *v, const struct participant_effect *e, struct buf *out)
{
    put_styled(out, v->colours, TERMINAL_BOLD, "");
    terminal_put_plain(out, e->text, 0);
    if (e->reason == REASON_LEFT) {
        terminal_put(out, " left.\n");
    } else if (e->by != MLS_NO_LEAF) {
        terminal_put(out, " was removed by ");
        put_leaf(out, v, e->by);
        terminal_put(out, ".\n");
    } else {
        terminal_put(out, " is gone: ");
        terminal_put(out, "%s\n", reason_text(e->reason));
    }
}

static void event_lobby(struct terminal_view *v, struct buf *out)
{
    struct participant_person person;
    uint32_t highest = v->announced;
    for (uint32_t at = 0; participant_lobby_next(participant_of(v), &at, &person);) {
        uint32_t number = join_session_lobby_number(v->session, &person);
        if (number <= v->announced)
            continue;
        highest = number > highest ? number : highest;
        terminal_put_person(out, v->colours, &person);
        terminal_put(out, " is waiting in the lobby: /admit %u or /refuse %u.\n", number, number);
    }
    v->announced = highest;
}

static void tell_role(struct terminal_view *v, struct buf *out)
{
    struct participant_person me;
    if (!myself(v, &me) || me.role == v->role)
        return;
    if (me.role == PARTICIPANT_COHOST)
        terminal_put(out, "You are a co-host now.\n");
    else if (v->role == PARTICIPANT_COHOST)
        terminal_put(out, "You are no longer a co-host.\n");
    v->role = me.role;
}

static void event_state(struct terminal_view *v, struct buf *out)
{
    struct participant_meeting m;
    if (participant_meeting(participant_of(v), &m) == 0 && m.in_meeting && m.locked != v->locked) {
        v->locked = m.locked;
        terminal_put(out, m.locked ? "The meeting is locked: nobody joins without a host.\n"
                                   : "The meeting is unlocked.\n");
    }
}

static void event_hand(struct terminal_view *v, uint32_t leaf, struct buf *out)
{
    struct participant_person person;
    if (!person_at(v, leaf, &person))
        return;
    terminal_put_person(out, v->colours, &person);
    terminal_put(out, person.hand ? " raised a hand.\n" : " lowered the hand.\n");
}

static void event_mute(struct terminal_view *v, uint32_t by, struct buf *out)
{
    put_leaf(out, v, by);
    terminal_put(out, " asked that you send no sound, and now you send none. /unmute undoes it.\n");
}

static void event_notice(struct terminal_view *v, const struct participant_effect *e,
                         struct buf *out)
{
    if (e->reason == REASON_UNVERIFIED && e->leaf == MLS_NO_LEAF)
        put_quiet(out, v, "You join unverified: others see you as such, whatever your name.");
    else
        terminal_put_notice(out, v->colours, e->severity, reason_text(e->reason),
                            reason_next(e->reason));
}

void terminal_view_event(struct terminal_view *v, const struct participant_effect *e,
                         struct buf *out)
{
    switch (e->event) {
    case PARTICIPANT_PHASE:
        event_phase(v, e->reason, out);
        break;
    case PARTICIPANT_CARD:
        event_card(v, out);
        break;
    case PARTICIPANT_JOINED:
        put_leaf(out, v, e->leaf);
        terminal_put(out, " joined.\n");
        break;
    case PARTICIPANT_GONE:
        event_gone(v, e, out);
        break;
    case PARTICIPANT_LOBBY:
        event_lobby(v, out);
        break;
    case PARTICIPANT_STATE:
        event_state(v, out);
        break;
    case PARTICIPANT_CHAT:
        put_leaf(out, v, e->leaf);
        terminal_put(out, ": ");
        terminal_put_plain(out, e->text, 2);
        terminal_put(out, "\n");
        break;
    case PARTICIPANT_REACTION:
        put_leaf(out, v, e->leaf);
        terminal_put(out, " reacts: ");
        terminal_put_plain(out, e->text, 0);
        terminal_put(out, "\n");
        break;
    case PARTICIPANT_HAND:
        event_hand(v, e->leaf, out);
        break;
    case PARTICIPANT_MUTE:
        event_mute(v, e->by, out);
        break;
    case PARTICIPANT_NOTICE:
        event_notice(v, e, out);
        break;
    case PARTICIPANT_ROSTER: /* joined and gone say it, but for what we are ourselves */
        tell_role(v, out);
        break;
    case PARTICIPANT_CODE:      /* quiet: /code shows it when it is wanted */
    case PARTICIPANT_CHAT_SENT: /* it was shown when it was typed */
        break;
    }
}

/* ---- Answers ---- */

static void show_who(struct terminal_view *v, struct buf *out)
{
    struct participant_person person;
    uint32_t n = 0;
    for (uint32_t at = 0; participant_roster_next(participant_of(v), &at, &person); n++)
        terminal_put_roster(out, v->colours, &person);
    if (n == 0)
        terminal_put(out, "You are not in the meeting yet.\n");
}

static uint32_t show_lobby_part(struct terminal_view *v, bool organisation, struct buf *out)
{
    struct participant_person person;
    uint64_t now = join_session_now(v->session) / 1000000;
    uint32_t n = 0;
    for (uint32_t at = 0; participant_lobby_next(participant_of(v), &at, &person);) {
        if (person.identity.in_organisation != organisation)
            continue;
        if (n++ == 0)
            put_styled(out, v->colours, TERMINAL_BOLD,
                       organisation ? "My organization\n" : "Guests\n");
        terminal_put_waiting(out, v->colours, join_session_lobby_number(v->session, &person), now,
                             &person);
    }
    return n;
}

static void show_lobby(struct terminal_view *v, struct buf *out)
{
    if (show_lobby_part(v, true, out) + show_lobby_part(v, false, out) == 0)
        terminal_put(out, "Nobody is waiting, as far as you may see.\n");
}

static void show_code(struct terminal_view *v, struct buf *out)
{
    size_t before = out->n;
    put_code(v, out);
    if (out->n == before)
        terminal_put(out, "There is no security code before you are in the meeting.\n");
    else
        terminal_put(out, "Whoever sees the same code is in the same meeting, with the same people "
                          "and keys.\nIt changes whenever somebody joins or leaves.\n");
}

static void put_time(struct buf *out, uint64_t seconds)
{
    char text[32];
    time_t t = (time_t)seconds;
    struct tm tm;
    if (localtime_r(&t, &tm) != NULL && strftime(text, sizeof text, "%Y-%m-%d %H:%M", &tm) != 0)
        terminal_put(out, "%s", text);
}

static const char *suite_name(uint16_t suite)
{
    static const char *const names[] = {
        "unknown",
        "X25519, AES-128-GCM, SHA-256, Ed25519",
        "P-256, AES-128-GCM, SHA-256, ECDSA",
        "X25519, ChaCha20-Poly1305, SHA-256, Ed25519",
        "X448, AES-256-GCM, SHA-512, Ed448",
        "P-521, AES-256-GCM, SHA-512, ECDSA",
        "X448, ChaCha20-Poly1305, SHA-512, Ed448",
        "P-384, AES-256-GCM, SHA-384, ECDSA",
    };
    return suite < sizeof names / sizeof names[0] ? names[suite] : names[0];
}

static void show_general(struct terminal_view *v, const struct participant_meeting *m,
                         struct buf *out)
{
    struct participant_person me;
    put_styled(out, v->colours, TERMINAL_BOLD, "General\n");
    terminal_put(out, "  Title       ");
    terminal_put_plain(out, bytes_str(m->title), 0);
    terminal_put(out, "\n  Organiser   ");
    put_identity(out, &m->organiser_identity);
    if (!m->in_meeting)
        return;
    terminal_put(out, "  Started     ");
    put_time(out, m->started_at);
    terminal_put(out, "\n  People      %u%s\n", m->members,
                 m->host_present ? "" : ", no host among them");
    terminal_put(out, "  Door        %s\n",
                 m->locked ? "locked" : "open, by the organiser's rules");
    if (myself(v, &me))
        terminal_put(out, "  You are     %s\n", *roles[me.role] != 0 ? roles[me.role] : "attendee");
}

static void show_security(struct terminal_view *v, const struct participant_meeting *m,
                          struct buf *out)
{
    put_styled(out, v->colours, TERMINAL_BOLD, "Security\n");
    if (m->in_meeting) {
        terminal_put(out,
                     "  You are connected end-to-end encrypted: only the people that /who lists "
                     "hold the keys.\n  The server passes on what it cannot read.\n  ");
        put_code(v, out);
    }
    terminal_put(out, "  Keys        MLS 1.0 (RFC 9420): %s\n", suite_name(m->suite));
    terminal_put(out, "  Server      %s\n",
                 v->tls ? "TLS with ECDHE and AES-256-GCM, certificate verified"
                        : "on this machine, not encrypted on the way");
    terminal_put(out, "  Media       %s\n", terminal_media_state(v));
    terminal_put(out,
                 "  End-to-end encrypted: audio, video, chat, reactions, raised hands, names.\n"
                 "  Not: title and hosts, certificates, who is connected when and from where, "
                 "who speaks and how\n  loud, the size of messages and pictures, and who may "
                 "do what. These the server knows.\n");
    if (m->open)
        terminal_put(out, "  The meeting is open: the server could show another one under its "
                          "number.\n  Compare the organiser and the code.\n");
}

static void show_info(struct terminal_view *v, struct buf *out)
{
    struct participant_meeting m;
    if (participant_meeting(participant_of(v), &m) != 0) {
        terminal_put(out, "The server has not shown the meeting yet.\n");
        return;
    }
    show_general(v, &m, out);
    show_security(v, &m, out);
}

static int show_certificate(struct terminal_view *v, uint32_t number, struct buf *out)
{
    struct participant_person person;
    struct bytes chain[10], rest;
    size_t n = 0;
    int rv = join_session_person(v->session, number, &person);
    if (rv != 0)
        return rv;
    rest = person.certificates;
    while (n < sizeof chain / sizeof chain[0] && mls_certificate_next(&rest, &chain[n]))
        n++;
    return identity_describe(&person.identity, chain, n, out);
}

static void show_help(struct terminal_view *v, struct buf *out)
{
    const char *usage, *help;
    for (size_t at = 0; join_command_next(&at, &usage, &help);) {
        terminal_put(out, "  ");
        put_styled(out, v->colours, TERMINAL_CYAN, usage);
        terminal_put(out, "%*s%s\n", (int)(16 - strlen(usage)), "", help);
    }
}

int terminal_view_show(struct terminal_view *v, const struct join_command *command, struct buf *out)
{
    switch (command->verb) {
    case JOIN_WHO:
        show_who(v, out);
        return 0;
    case JOIN_LOBBY:
        show_lobby(v, out);
        return 0;
    case JOIN_CODE:
        show_code(v, out);
        return 0;
    case JOIN_INFO:
        show_info(v, out);
        return 0;
    case JOIN_CERTIFICATE:
        return show_certificate(v, command->number, out);
    case JOIN_MEDIA:
        return terminal_media_show(v, out);
    case JOIN_HELP:
        show_help(v, out);
        return 0;
    default:
        return CONCLAVE_EUNSUPPORTED;
    }
}

const char *terminal_error_text(enum join_verb verb, int error)
{
    const char *media = terminal_media_error(verb, error);
    if (media != NULL)
        return media;
    switch (error) {
    case CONCLAVE_ESTATE:
        return "That is not possible now: you are not in the meeting, or it is ending.";
    case CONCLAVE_EPOLICY:
        return "Only a host may do that.";
    case CONCLAVE_ENOTFOUND:
        return "There is nobody of this number; /who and /lobby show the numbers.";
    case CONCLAVE_EINVAL:
        return "That cannot be sent: it is empty, too long, or not plain text.";
    default:
        return conclave_error_text(error);
    }
}
