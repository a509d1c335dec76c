#include "cmd/join_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/join_media.h"
#include "cmd/terminal_input.h"
#include "cmd/terminal_view.h"
#include "signal/reason.h"

/* ---- Values ---- */

/* Text that is UTF-8 already; "" where it is not, which cannot be. */
static json_t *text_of(struct bytes text)
{
    json_t *value = json_stringn((const char *)text.p, text.n);
    return value != NULL ? value : json_string("");
}

static json_t *hex_of(struct bytes data)
{
    char text[2 * 16 + 1] = "";
    for (size_t i = 0; i < data.n && i < 16; i++)
        snprintf(text + 2 * i, 3, "%02x", data.p[i]);
    return json_string(text);
}

static json_t *number_of(uint32_t leaf)
{
    return leaf == MLS_NO_LEAF ? json_null() : json_integer((json_int_t)leaf + 1);
}

static json_t *identity_of(const struct identity *id)
{
    static const char *const categories[] = {"unverified", "member", "external", "device"};
    return json_pack("{s:s, s:s, s:s, s:s, s:b, s:s}", "category", categories[id->category],
                     "label", id->category != IDENTITY_UNVERIFIED ? id->label : "Unverified",
                     "identifier", id->identifier, "issuer", id->issuer, "in_organisation",
                     (int)id->in_organisation, "reason", identity_reason_name(id->reason));
}

/* What somebody sends, or null while that is not known. */
static json_t *sends_of(const struct participant_person *p)
{
    json_t *list = p->sends_known ? json_array() : json_null();
    for (unsigned source = SIGNAL_AUDIO; source <= SIGNAL_SCREEN; source++)
        if ((p->sends & join_source_bit((uint8_t)source)) != 0)
            json_array_append_new(list, json_string(join_source_name((uint8_t)source)));
    return list;
}

static json_t *person_of(const struct participant_person *p)
{
    static const char *const roles[] = {"attendee", "co-host", "host", "organiser"};
    return json_pack("{s:I, s:s, s:b, s:b, s:b, s:b, s:b, s:s, s:o, s:o}", "number",
                     (json_int_t)join_session_number(p), "name", p->name, "me", (int)p->me,
                     "connected", (int)p->connected, "hand", (int)p->hand, "confirmed",
                     (int)p->confirmed, "same_name", (int)p->same_name, "role", roles[p->role],
                     "sends", sends_of(p), "identity", identity_of(&p->identity));
}

static json_t *waiting_of(struct join_session *s, const struct participant_person *p)
{
    return json_pack("{s:I, s:s, s:I, s:o}", "number", (json_int_t)join_session_lobby_number(s, p),
                     "name", p->name, "since", (json_int_t)p->since, "identity",
                     identity_of(&p->identity));
}

static json_t *roster_of(struct join_session *s)
{
    struct participant_person person;
    json_t *list = json_array();
    for (uint32_t at = 0; participant_roster_next(join_session_participant(s), &at, &person);)
        json_array_append_new(list, person_of(&person));
    return list;
}

static json_t *lobby_of(struct join_session *s)
{
    struct participant_person person;
    json_t *list = json_array();
    for (uint32_t at = 0; participant_lobby_next(join_session_participant(s), &at, &person);)
        json_array_append_new(list, waiting_of(s, &person));
    return list;
}

static json_t *meeting_of(struct join_session *s)
{
    struct participant_meeting m;
    if (participant_meeting(join_session_participant(s), &m) != 0)
        return json_null();
    return json_pack("{s:s, s:s, s:o, s:b, s:b, s:b, s:b, s:I, s:I, s:I, s:i}", "title", m.title,
                     "organiser", m.organiser, "identity", identity_of(&m.organiser_identity),
                     "open", (int)m.open, "in_meeting", (int)m.in_meeting, "locked", (int)m.locked,
                     "host_present", (int)m.host_present, "epoch", (json_int_t)m.epoch,
                     "started_at", (json_int_t)m.started_at, "members", (json_int_t)m.members,
                     "suite", (int)m.suite);
}

static json_int_t members_of(struct join_session *s)
{
    struct participant_meeting m;
    return participant_meeting(join_session_participant(s), &m) == 0 ? m.members : 0;
}

static json_t *reason_object(int reason)
{
    return json_pack("{s:s, s:s, s:s}", "code", reason_name(reason), "text", reason_text(reason),
                     "next", reason_next(reason));
}

/* Appends and frees. */
static void put_line(struct buf *out, json_t *object)
{
    char *text = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
    if (text == NULL)
        out->failed = true;
    else
        buf_put(out, bytes_str(text));
    buf_put(out, bytes_str("\n"));
    free(text);
    json_decref(object);
}

/* ---- Events ---- */

static json_t *joined(struct join_session *s, uint32_t leaf)
{
    struct participant_person person;
    if (join_session_person(s, leaf + 1, &person) != 0)
        return json_pack("{s:s, s:o}", "event", "joined", "number", number_of(leaf));
    return json_pack("{s:s, s:o, s:o}", "event", "joined", "number", number_of(leaf), "person",
                     person_of(&person));
}

static json_t *hand(struct join_session *s, uint32_t leaf)
{
    struct participant_person person;
    bool raised = join_session_person(s, leaf + 1, &person) == 0 && person.hand;
    return json_pack("{s:s, s:o, s:b}", "event", "hand", "number", number_of(leaf), "raised",
                     (int)raised);
}

static json_t *notice(const struct participant_effect *e)
{
    static const char *const severities[] = {"info", "warning", "alarm"};
    return json_pack("{s:s, s:s, s:o, s:o}", "event", "notice", "severity", severities[e->severity],
                     "number", number_of(e->leaf), "reason", reason_object(e->reason));
}

static json_t *event_of(struct join_session *s, const struct participant_effect *e)
{
    struct participant *p = join_session_participant(s);
    switch (e->event) {
    case PARTICIPANT_PHASE:
        return json_pack("{s:s, s:s}", "event", "phase", "phase",
                         participant_phase_name(participant_phase(p)));
    case PARTICIPANT_CARD:
        return json_pack("{s:s, s:o}", "event", "card", "meeting", meeting_of(s));
    case PARTICIPANT_ROSTER:
        return json_pack("{s:s, s:I}", "event", "roster", "members", members_of(s));
    case PARTICIPANT_JOINED:
        return joined(s, e->leaf);
    case PARTICIPANT_GONE:
        return json_pack("{s:s, s:o, s:o, s:o, s:s}", "event", "gone", "number", number_of(e->leaf),
                         "by", number_of(e->by), "label", text_of(e->text), "reason",
                         reason_name(e->reason));
    case PARTICIPANT_LOBBY:
        return json_pack("{s:s, s:o}", "event", "lobby", "waiting", lobby_of(s));
    case PARTICIPANT_CODE:
        return json_pack("{s:s, s:I}", "event", "code", "epoch", (json_int_t)e->epoch);
    case PARTICIPANT_STATE:
        return json_pack("{s:s, s:o}", "event", "state", "meeting", meeting_of(s));
    case PARTICIPANT_CHAT:
        return json_pack("{s:s, s:o, s:o, s:o}", "event", "chat", "number", number_of(e->leaf),
                         "id", hex_of(e->id), "text", text_of(e->text));
    case PARTICIPANT_CHAT_SENT:
        return json_pack("{s:s, s:o}", "event", "chat-sent", "id", hex_of(e->id));
    case PARTICIPANT_REACTION:
        return json_pack("{s:s, s:o, s:o}", "event", "reaction", "number", number_of(e->leaf),
                         "emoji", text_of(e->text));
    case PARTICIPANT_HAND:
        return hand(s, e->leaf);
    case PARTICIPANT_MUTE:
        return json_pack("{s:s, s:o}", "event", "mute", "by", number_of(e->by));
    case PARTICIPANT_NOTICE:
        return notice(e);
    }
    return NULL;
}

void join_json_event(struct join_session *s, const struct participant_effect *e, struct buf *out)
{
    put_line(out, event_of(s, e));
}

void join_json_over(int reason, int exit_code, struct buf *out)
{
    put_line(out, json_pack("{s:s, s:o, s:i}", "event", "over", "reason", reason_object(reason),
                            "exit", exit_code));
}

/* ---- Commands ---- */

static json_t *error_of(const char *code, const char *text)
{
    return json_pack("{s:{s:s, s:s}}", "error", "code", code, "text", text);
}

static json_t *code_of(struct join_session *s)
{
    char code[PARTICIPANT_CODE_SIZE];
    struct participant_meeting m;
    struct participant *p = join_session_participant(s);
    if (participant_code(p, code) != 0 || participant_meeting(p, &m) != 0)
        return error_of("ESTATE", terminal_error_text(JOIN_CODE, CONCLAVE_ESTATE));
    return json_pack("{s:s, s:I}", "code", code, "epoch", (json_int_t)m.epoch);
}

static json_t *info_of(struct join_session *s)
{
    struct participant_stats stats;
    struct participant *p = join_session_participant(s);
    participant_stats(p, &stats);
    return json_pack("{s:s, s:o, s:{s:I, s:I, s:I, s:I, s:I, s:I}}", "phase",
                     participant_phase_name(participant_phase(p)), "meeting", meeting_of(s),
                     "stats", "bytes_in", (json_int_t)stats.bytes_in, "bytes_out",
                     (json_int_t)stats.bytes_out, "epochs", (json_int_t)stats.epochs, "messages_in",
                     (json_int_t)stats.messages_in, "heartbeats_in",
                     (json_int_t)stats.heartbeats_in, "refused", (json_int_t)stats.refused);
}

static json_t *certificate_of(struct join_session *s, const struct join_command *command)
{
    struct buf lines = {0};
    struct terminal_view view = {.session = s};
    json_t *answer = NULL;
    int rv = terminal_view_show(&view, command, &lines);
    if (rv == 0)
        rv = buf_check(&lines);
    if (rv == 0)
        answer = json_pack("{s:o}", "lines", text_of(buf_view(&lines)));
    else
        answer = error_of(conclave_error_name(rv), terminal_error_text(command->verb, rv));
    buf_free(&lines);
    return answer;
}

static json_t *change(struct join_session *s, const struct join_command *command)
{
    struct buf id = {0};
    json_t *answer = NULL;
    int rv = join_session_do(s, command, &id);
    if (rv != 0)
        answer = error_of(conclave_error_name(rv), terminal_error_text(command->verb, rv));
    else if (id.n != 0)
        answer = json_pack("{s:o}", "id", hex_of(buf_view(&id)));
    else
        answer = json_object();
    buf_free(&id);
    return answer;
}

/* ---- Audio and video ---- */

#define NUMBER(n) ((json_int_t)(n))

static json_t *track_of(const struct join_record_entry *e)
{
    const struct report_numbers *n = &e->numbers;
    json_t *track = json_pack(
        "{s:I, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "number",
        NUMBER(e->leaf + 1), "name", e->name, "source", join_source_name(e->source), "gone",
        (int)e->gone, "frames", NUMBER(n->frames), "key_frames", NUMBER(n->key_frames), "bytes",
        NUMBER(n->bytes), "lost", NUMBER(n->lost), "gaps", NUMBER(n->gaps), "late", NUMBER(n->late),
        "key_changes", NUMBER(n->key_changes), "unusable", NUMBER(e->unusable));
    if (track == NULL)
        return NULL;
    json_object_set_new(track, "freezes", json_integer(NUMBER(n->freezes)));
    json_object_set_new(track, "freezes_long", json_integer(NUMBER(n->freezes_long)));
    json_object_set_new(track, "freeze_ms", json_integer(NUMBER(n->freeze_us / 1000)));
    json_object_set_new(track, "freeze_longest_ms",
                        json_integer(NUMBER(n->freeze_longest_us / 1000)));
    json_object_set_new(track, "file", e->file != NULL ? json_string(e->file) : json_null());
    return track;
}

static json_t *received_of(struct join_media *media)
{
    struct join_record_entry e;
    json_t *list = json_array();
    for (size_t at = 0; join_record_next(join_media_record(media), &at, join_media_now(media), &e);)
        json_array_append_new(list, track_of(&e));
    return list;
}

static json_t *sent_of(struct join_media *media)
{
    struct call_layer_stats s;
    json_t *list = json_array();
    if (join_media_line(media) == NULL)
        return list;
    for (unsigned source = SIGNAL_AUDIO; source <= SIGNAL_SCREEN; source++)
        for (uint8_t i = 0; line_layer_stats(join_media_line(media), (uint8_t)source, i, &s) == 0;
             i++)
            json_array_append_new(list, json_pack("{s:s, s:i, s:I, s:I, s:I, s:I}", "source",
                                                  join_source_name((uint8_t)source), "layer",
                                                  (int)i, "frames", NUMBER(s.frames), "packets",
                                                  NUMBER(s.packets), "bytes", NUMBER(s.bytes),
                                                  "resent", NUMBER(s.resent)));
    return list;
}

static json_t *refused_of(const struct call_stats *s)
{
    static const char *const names[CALL_REFUSALS] = {
        [CALL_REFUSED_PACKET] = "packet", [CALL_REFUSED_FORM] = "form",
        [CALL_REFUSED_KEY] = "key",       [CALL_REFUSED_SENDER] = "sender",
        [CALL_REFUSED_REPLAY] = "replay", [CALL_REFUSED_TAMPERED] = "tampered",
        [CALL_REFUSED_SOURCE] = "source"};
    json_t *counts = json_object();
    for (size_t i = 0; i < CALL_REFUSALS; i++)
        json_object_set_new(counts, names[i], json_integer(NUMBER(s->refused[i])));
    return counts;
}

static json_t *media_of(struct join_media *media)
{
    struct line_stats s = {0};
    if (media == NULL)
        return error_of("EUNSUPPORTED", terminal_error_text(JOIN_MEDIA, CONCLAVE_EUNSUPPORTED));
    if (join_media_line(media) != NULL)
        line_stats(join_media_line(media), &s);
    return json_pack("{s:b, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "connected", (int)s.connected,
                     "rtt_us", NUMBER(s.rtt_us), "packets_in", NUMBER(s.packets_in), "packets_out",
                     NUMBER(s.packets_out), "mislabelled", NUMBER(s.call.mislabelled), "refused",
                     refused_of(&s.call), "sent", sent_of(media), "received", received_of(media));
}

static json_t *news_of(const struct join_media_news *n)
{
    switch (n->kind) {
    case JOIN_MEDIA_CONNECTED:
    case JOIN_MEDIA_LOST:
        return json_pack("{s:s, s:b}", "event", "media", "connected",
                         (int)(n->kind == JOIN_MEDIA_CONNECTED));
    case JOIN_MEDIA_REFUSED:
        return json_pack("{s:s, s:s}", "event", "media-trouble", "text",
                         "The media switch refused something of ours.");
    case JOIN_MEDIA_SPEAKER:
        return json_pack("{s:s, s:o}", "event", "speaker", "number", number_of(n->leaf));
    case JOIN_MEDIA_ENDED:
        return json_pack("{s:s, s:s}", "event", "media-ended", "source",
                         join_source_name(n->source));
    case JOIN_MEDIA_TROUBLE:
        return json_pack("{s:s, s:s}", "event", "media-trouble", "text", n->text);
    }
    return NULL;
}

void join_json_news(const struct join_media_news *news, struct buf *out)
{
    put_line(out, news_of(news));
}

void join_json_report(struct join_media *media, struct buf *out)
{
    json_t *report = media_of(media);
    if (report != NULL)
        json_object_set_new(report, "event", json_string("media-report"));
    put_line(out, report);
}

static json_t *answer_of(struct join_session *s, const struct join_command *command)
{
    switch (command->verb) {
    case JOIN_WHO:
        return json_pack("{s:o}", "people", roster_of(s));
    case JOIN_LOBBY:
        return json_pack("{s:o}", "waiting", lobby_of(s));
    case JOIN_CODE:
        return code_of(s);
    case JOIN_INFO:
        return info_of(s);
    case JOIN_CERTIFICATE:
        return certificate_of(s, command);
    case JOIN_MEDIA:
        return media_of(join_session_media(s));
    default:
        return change(s, command);
    }
}

/* What the command is about, out of the members of its object. A complaint, or NULL. */
static const char *take_object(const json_t *object, struct join_command *command)
{
    json_int_t number = json_integer_value(json_object_get(object, "number"));
    command->text = json_string_value(json_object_get(object, "text"));
    switch (join_command_object(command->verb)) {
    case JOIN_OBJECT_PERSON:
    case JOIN_OBJECT_WAITING:
        if (number < 1 || number > UINT32_MAX)
            return "\"number\" must be a number of \"who\" or \"lobby\".";
        command->number = (uint32_t)number;
        break;
    case JOIN_OBJECT_TEXT:
        if (command->text == NULL)
            return "\"text\" must be a string.";
        break;
    case JOIN_OBJECT_NONE:
        break;
    }
    return NULL;
}

static json_t *run(struct join_session *s, const json_t *object, const char *name)
{
    struct join_command command = {0};
    const char *complaint = NULL;
    if (name == NULL || join_command_find(name, &command.verb) != 0 || command.verb == JOIN_HELP)
        complaint = "There is no such command.";
    else
        complaint = take_object(object, &command);
    return complaint != NULL ? error_of("EINVAL", complaint) : answer_of(s, &command);
}

void join_json_run(struct join_session *s, struct bytes line, struct buf *out)
{
    json_t *object = json_loadb((const char *)line.p, line.n, JSON_REJECT_DUPLICATES, NULL);
    const char *name = json_string_value(json_object_get(object, "do"));
    json_t *id = json_object_get(object, "id");
    json_t *answer = json_is_object(object) ? run(s, object, name)
                                            : error_of("ESYNTAX", "A line is one JSON object.");
    if (answer != NULL) {
        json_object_set_new(answer, "answer", json_string(name != NULL ? name : ""));
        if (id != NULL)
            json_object_set(answer, "request", id);
    }
    put_line(out, answer);
    json_decref(object);
}

/* ---- Standard input and output ---- */

struct join_json {
    struct net_loop *loop;
    struct join_session *session;
    struct terminal_input *input;
    struct buf line;
    bool stay, too_long, over;
};

void join_json_write(const struct buf *lines)
{
    if (buf_check(lines) != 0)
        return;
    fwrite(lines->p, 1, lines->n, stdout);
    fflush(stdout);
}

void join_json_tell(struct join_json *j, const struct participant_effect *e)
{
    struct buf out = {0};
    join_json_event(j->session, e, &out);
    join_json_write(&out);
    buf_free(&out);
    j->over = participant_phase(join_session_participant(j->session)) == PARTICIPANT_OVER;
}

void join_json_notice(const char *code, const char *text, const char *next)
{
    struct buf out = {0};
    put_line(&out,
             json_pack("{s:s, s:s, s:n, s:{s:s, s:s, s:s}}", "event", "notice", "severity",
                       "warning", "number", "reason", "code", code, "text", text, "next", next));
    join_json_write(&out);
    buf_free(&out);
}

static void run_line(struct join_json *j)
{
    struct buf out = {0};
    if (j->too_long)
        put_line(&out, error_of("ELIMIT", "The line is too long."));
    else if (j->line.n != 0)
        join_json_run(j->session, buf_view(&j->line), &out);
    join_json_write(&out);
    buf_free(&out);
    buf_clear(&j->line);
    j->too_long = false;
}

static void on_bytes(void *ctx, struct bytes data)
{
    struct join_json *j = ctx;
    for (size_t i = 0; i < data.n && !j->over; i++) {
        if (data.p[i] == '\n')
            run_line(j);
        else if (j->line.n == JOIN_JSON_LINE_MAX)
            j->too_long = true;
        else
            buf_put(&j->line, bytes_of(data.p + i, 1));
    }
}

static void on_end(void *ctx)
{
    struct join_json *j = ctx;
    const struct join_command leave = {.verb = JOIN_LEAVE};
    if (!j->stay && !j->over && join_session_do(j->session, &leave, NULL) != 0)
        net_loop_stop(j->loop);
}

static const struct terminal_input_events input_events = {on_bytes, on_end};

int join_json_new(struct net_loop *loop, bool stay, struct join_json **out)
{
    struct join_json *j = calloc(1, sizeof *j);
    if (j == NULL)
        return CONCLAVE_ENOMEM;
    j->loop = loop;
    j->stay = stay;
    int rv = terminal_input_new(loop, false, &input_events, j, &j->input);
    if (rv == 0)
        *out = j;
    else
        free(j);
    return rv;
}

void join_json_free(struct join_json *j)
{
    if (j == NULL)
        return;
    terminal_input_free(j->input);
    buf_free(&j->line);
    free(j);
}

void join_json_attach(struct join_json *j, struct join_session *session)
{
    j->session = session;
}
