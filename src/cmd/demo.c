/* A play in scenes: each does something, waits until it has come about for everybody it concerns,
 * and tells it. The first that fails ends the play, and the program says so with its exit code.
 */
#include "cmd/demo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/demo_media.h"
#include "cmd/demo_stage.h"
#include "cmd/meeting.h"
#include "cmd/options.h"
#include "cmd/terminal_text.h"
#include "cmd/terminal_view.h"
#include "signal/reason.h"

#define DOMAIN "conclave.test"
#define DEVICE "room-1." DOMAIN
#define SECRET_TEXT "The launch is on the ninth of May."

/* ---- Doing ---- */

static const char *do_as(struct demo *d, enum role who, enum join_verb verb, uint32_t number,
                         const char *text)
{
    const struct join_command command = {.verb = verb, .number = number, .text = text};
    int rv = join_session_do(d->cast[who].session, &command, NULL);
    return rv == 0 ? NULL : conclave_error_text(rv);
}

static const char *join(struct demo *d, enum role who)
{
    char record[128];
    snprintf(record, sizeof record, "%s/%s", d->folder, d->cast[who].name);
    int rv = demo_actor_join(&d->cast[who], d->loop, d->clients, (const char *)d->link.p, record);
    return rv == 0 ? NULL : conclave_error_text(rv);
}

static bool all_in(struct demo *d, enum role first, enum role last, uint32_t members)
{
    for (enum role who = first; who <= last; who++)
        if (!demo_actor_is_in(&d->cast[who], members))
            return false;
    return true;
}

/* Whether everybody from Ada to `last` reads the same code; it is then d->code. */
static bool codes_equal(struct demo *d, enum role last)
{
    char code[PARTICIPANT_CODE_SIZE] = "", first[PARTICIPANT_CODE_SIZE] = "";
    if (participant_code(demo_brain(d, ADA), first) != 0)
        return false;
    for (enum role who = BEN; who <= last; who++)
        if (participant_code(demo_brain(d, who), code) != 0 || strcmp(code, first) != 0)
            return false;
    memcpy(d->code, first, sizeof first);
    return true;
}

/* ---- Scenes: NULL, or what went wrong ---- */

static const char *raise_curtain(struct demo *d)
{
    if (demo_server_start(&d->server) != 0)
        return "the server does not start";
    if (account_api_new(d->server.url, NULL, &d->api) != 0 ||
        net_clients_new(net_loop_uv(d->loop), NULL, &d->clients) != 0)
        return "no memory";
    TELL(d, "A server runs at %s, with a CA of its own and an empty data folder.", d->server.url);
    return NULL;
}

/* The administrator names the device and gets the code that is typed into it. */
static const char *device_code(struct demo *d, char out[static 64])
{
    struct buf token = {0};
    json_t *body = json_pack("{s:s}", "name", DEVICE), *answer = NULL;
    const char *code = NULL, *complaint = NULL;
    if (demo_server_admin_token(&d->server, &token) != 0 ||
        account_call(d->api, "POST", "/api/v1/admin/devices", (const char *)token.p, body, &answer,
                     &d->problem) != 0)
        complaint = "the administrator cannot name a device";
    else if ((code = json_string_value(json_object_get(answer, "code"))) == NULL)
        complaint = "the server gives no activation code";
    else
        snprintf(out, 64, "%s", code);
    json_decref(answer);
    json_decref(body);
    buf_free(&token);
    return complaint;
}

static const char *enrol_everybody(struct demo *d)
{
    char code[64];
    const char *complaint = device_code(d, code);
    uint64_t now = net_loop_now(d->loop) / 1000000;
    for (enum role who = ADA; complaint == NULL && who < N_ACTORS; who++) {
        int rv =
            demo_actor_enrol(&d->cast[who], d->api, who == ROOM ? code : NULL, now, &d->problem);
        if (rv != 0)
            complaint = rv == CONCLAVE_EPOLICY ? d->problem.text : conclave_error_text(rv);
    }
    if (complaint == NULL)
        TELL(d,
             "Ada, Ben, Chloe and Dora have accounts; a room device is activated with a code; Gwen "
             "and\n         Eric are guests. Each made a key and has a certificate for it.");
    return complaint;
}

static const char *make_meeting(struct demo *d)
{
    struct meeting_plan plan = {.terms = card_terms_default()};
    plan.terms.title = "Weekly review";
    plan.terms.n_hosts = 1;
    plan.terms.organisation[0] = DOMAIN;
    plan.terms.n_organisation = 1;
    int rv = meeting_make(d->api, &d->cast[ADA].credential, &plan, net_loop_now(d->loop) / 1000000,
                          &d->link, &d->problem);
    if (rv != 0)
        return rv == CONCLAVE_EPOLICY ? d->problem.text : conclave_error_text(rv);
    TELL(d, "Ada signs the meeting's card and has its link. What follows the # the server never "
            "sees:");
    printf("         %s\n", (const char *)d->link.p);
    return NULL;
}

static bool ada_is_in(struct demo *d)
{
    return demo_actor_is_in(&d->cast[ADA], 1);
}

static bool staff_is_in(struct demo *d)
{
    return all_in(d, ADA, ROOM, N_STAFF);
}

static const char *gather(struct demo *d)
{
    const char *complaint = join(d, ADA);
    if (complaint == NULL && !demo_until(d, ada_is_in))
        return "Ada cannot start the meeting";
    for (enum role who = BEN; complaint == NULL && who <= ROOM; who++)
        complaint = join(d, who);
    if (complaint == NULL && !demo_until(d, staff_is_in))
        return "not everybody of the organization got in";
    if (complaint == NULL)
        TELL(d, "Ada starts it. Ben, Chloe, Dora and the room device are of her organization and "
                "join\n         at once.");
    return complaint;
}

static bool gwen_waits(struct demo *d)
{
    struct participant_person person;
    return demo_actor_phase(&d->cast[GWEN]) == PARTICIPANT_IN_LOBBY &&
           demo_actor_sees_waiting(&d->cast[ADA], d->cast[GWEN].name, &person) == 0;
}

static const char *knock(struct demo *d)
{
    struct participant_person person;
    const char *complaint = join(d, GWEN);
    if (complaint != NULL)
        return complaint;
    if (!demo_until(d, gwen_waits))
        return "Gwen does not get into the lobby";
    if (demo_actor_sees_waiting(&d->cast[BEN], d->cast[GWEN].name, &person) == 0)
        return "Ben, who is no host, sees the lobby";
    if (demo_actor_sees(&d->cast[GWEN], d->cast[ADA].name, &person) == 0)
        return "Gwen sees the meeting from the lobby";
    TELL(d, "Gwen, a guest, waits in the lobby. Only hosts see her there; she sees nothing yet.");
    return NULL;
}

static bool six_are_in(struct demo *d)
{
    return all_in(d, ADA, GWEN, N_STAFF + 1);
}

static const char *admit(struct demo *d)
{
    struct participant_person person;
    if (demo_actor_sees_waiting(&d->cast[ADA], d->cast[GWEN].name, &person) != 0)
        return "Gwen is gone from the lobby";
    const char *complaint =
        do_as(d, ADA, JOIN_ADMIT, join_session_lobby_number(d->cast[ADA].session, &person), NULL);
    if (complaint != NULL)
        return complaint;
    if (!demo_until(d, six_are_in))
        return "Gwen was not let in";
    TELL(d, "Ada lets her in. Every client checked that a host did. This is what Gwen sees:");
    return NULL;
}

static const char *show_roster(struct demo *d)
{
    struct participant_person person;
    struct buf b = {0};
    unsigned verified = 0;
    for (uint32_t at = 0; participant_roster_next(demo_brain(d, GWEN), &at, &person);) {
        terminal_put_roster(&b, d->colours, &person);
        verified += person.identity.category != IDENTITY_UNVERIFIED;
    }
    fwrite(b.p, 1, b.n, stdout);
    buf_free(&b);
    return verified == N_STAFF ? NULL : "not everybody of the organization is verified";
}

static const char *compare_codes(struct demo *d)
{
    if (!codes_equal(d, GWEN))
        return "the codes differ";
    TELL(d, "All six read the same security code: %s. Nobody is in between.", d->code);
    return NULL;
}

static bool all_heard_one(struct demo *d)
{
    return d->cast[ADA].heard == 1 && d->cast[CHLOE].heard == 1 && d->cast[DORA].heard == 1 &&
           d->cast[ROOM].heard == 1 && d->cast[GWEN].heard == 1;
}

static const char *chat(struct demo *d)
{
    const char *complaint = do_as(d, BEN, JOIN_SAY, 0, SECRET_TEXT);
    if (complaint != NULL)
        return complaint;
    if (!demo_until(d, all_heard_one) || strcmp(d->cast[GWEN].last_text, SECRET_TEXT) != 0)
        return "what Ben said did not reach everybody";
    TELL(d, "Ben: \"%s\" All others read it.", SECRET_TEXT);
    return NULL;
}

static bool locked(struct demo *d)
{
    struct participant_meeting m;
    for (enum role who = ADA; who <= GWEN; who++)
        if (participant_meeting(demo_brain(d, who), &m) != 0 || !m.locked)
            return false;
    return true;
}

static bool eric_waits(struct demo *d)
{
    struct participant_person person;
    return demo_actor_phase(&d->cast[ERIC]) == PARTICIPANT_IN_LOBBY &&
           demo_actor_sees_waiting(&d->cast[ADA], d->cast[ERIC].name, &person) == 0;
}

static bool eric_is_gone(struct demo *d)
{
    return d->cast[ERIC].over;
}

static const char *lock(struct demo *d)
{
    struct participant_person person;
    const char *complaint = do_as(d, ADA, JOIN_LOCK, 0, NULL);
    if (complaint == NULL && !demo_until(d, locked))
        return "the meeting is not locked for everybody";
    if (complaint == NULL)
        complaint = join(d, ERIC);
    if (complaint != NULL)
        return complaint;
    if (!demo_until(d, eric_waits) ||
        demo_actor_sees_waiting(&d->cast[ADA], d->cast[ERIC].name, &person) != 0)
        return "Eric does not get to the door";
    complaint =
        do_as(d, ADA, JOIN_REFUSE, join_session_lobby_number(d->cast[ADA].session, &person), NULL);
    if (complaint != NULL)
        return complaint;
    if (!demo_until(d, eric_is_gone) ||
        join_session_reason(d->cast[ERIC].session) != REASON_REFUSED_BY_HOST)
        return "Eric was not turned away";
    TELL(d, "Ada locks the meeting. Eric comes to the door and is turned away.");
    return NULL;
}

static bool gwen_is_out(struct demo *d)
{
    return d->cast[GWEN].over && all_in(d, ADA, ROOM, N_STAFF) && codes_equal(d, ROOM);
}

static const char *eject(struct demo *d)
{
    struct participant_person person;
    char before[PARTICIPANT_CODE_SIZE];
    memcpy(before, d->code, sizeof before);
    if (demo_actor_sees(&d->cast[ADA], d->cast[GWEN].name, &person) != 0)
        return "Ada does not see Gwen";
    const char *complaint = do_as(d, ADA, JOIN_EJECT, join_session_number(&person), NULL);
    if (complaint != NULL)
        return complaint;
    if (!demo_until(d, gwen_is_out) || join_session_reason(d->cast[GWEN].session) != REASON_EJECTED)
        return "Gwen is still there";
    if (strcmp(before, d->code) == 0)
        return "the code did not change";
    TELL(d, "Ada removes Gwen, whose keys open nothing any more. The new code of the others: %s",
         d->code);
    return NULL;
}

static bool staff_is_cut_off(struct demo *d)
{
    for (enum role who = ADA; who <= ROOM; who++)
        if (demo_actor_phase(&d->cast[who]) != PARTICIPANT_RECONNECTING)
            return false;
    return true;
}

static const char *crash(struct demo *d)
{
    char before[PARTICIPANT_CODE_SIZE];
    memcpy(before, d->code, sizeof before);
    demo_server_kill(&d->server);
    if (!demo_until(d, staff_is_cut_off))
        return "nobody noticed that the server is dead";
    TELL(d, "The server is killed (SIGKILL). Everybody is cut off, and nobody forgets anything.");
    if (demo_server_start(&d->server) != 0)
        return "the server does not start again";
    if (!demo_until(d, staff_is_in))
        return "not everybody came back";
    if (!codes_equal(d, ROOM) || strcmp(before, d->code) != 0)
        return "it is not the same meeting as before";
    TELL(d, "It is started again: all are back in the same epoch, with the same code.");
    return NULL;
}

static bool ben_heard_one(struct demo *d)
{
    return d->cast[BEN].heard == 1 && d->cast[ADA].heard == 1 + 1;
}

static const char *go_on(struct demo *d)
{
    const char *complaint = do_as(d, CHLOE, JOIN_SAY, 0, "Where were we?");
    if (complaint != NULL)
        return complaint;
    if (!demo_until(d, ben_heard_one))
        return "what Chloe said did not reach everybody";
    if (demo_server_knows(&d->server, SECRET_TEXT))
        return "the server has written down what Ben said";
    TELL(d, "The meeting goes on. No file of the server holds a word of what was said.");
    return NULL;
}

static bool all_over(struct demo *d)
{
    for (enum role who = ADA; who <= ROOM; who++)
        if (!d->cast[who].over)
            return false;
    return true;
}

static const char *lower_curtain(struct demo *d)
{
    unsigned alarms = 0, troubles = 0;
    const char *complaint = do_as(d, ADA, JOIN_END, 0, NULL);
    if (complaint != NULL)
        return complaint;
    if (!demo_until(d, all_over) || join_session_reason(d->cast[ROOM].session) != REASON_ENDED)
        return "the meeting does not end for everybody";
    for (enum role who = ADA; who < N_ACTORS; who++) {
        alarms += d->cast[who].alarms;
        troubles += d->cast[who].media_troubles;
    }
    if (troubles != 0)
        return "somebody's audio and video had trouble";
    if (alarms != 0)
        return "somebody's client raised an alarm";
    TELL(d, "Ada ends the meeting for everybody. There was no alarm on any client.");
    return NULL;
}

static const struct {
    const char *title;
    const char *(*play)(struct demo *d);
} scenes[] = {
    {"server", raise_curtain},
    {"accounts", enrol_everybody},
    {"meeting", make_meeting},
    {"members", gather},
    {"lobby", knock},
    {"admission", admit},
    {"roster", show_roster},
    {"codes", compare_codes},
    {"chat", chat},
    {"media", demo_media_connect},
    {"files", demo_media_play},
    {"speaker", demo_media_speak},
    {"switch", demo_media_look},
    {"lock", lock},
    {"keys", demo_media_keep_keys},
    {"eject", eject},
    {"old keys", demo_media_try_keys},
    {"crash", crash},
    {"media again", demo_media_again},
    {"afterwards", go_on},
    {"end", lower_curtain},
    {"recordings", demo_media_compare},
};
#define N_SCENES (sizeof scenes / sizeof scenes[0])

/* ---- The play ---- */

static const struct {
    const char *name, *email;
} names[N_ACTORS] = {
    [ADA] = {"Ada", "ada@" DOMAIN},
    [BEN] = {"Ben", "ben@" DOMAIN},
    [CHLOE] = {"Chloe", "chloe@" DOMAIN},
    [DORA] = {"Dora", "dora@" DOMAIN},
    [ROOM] = {"Room 1", NULL},
    [GWEN] = {"Gwen", NULL},
    [ERIC] = {"Eric", NULL},
};

static int play(struct demo *d)
{
    for (size_t i = 0; i < N_SCENES; i++) {
        const char *complaint = scenes[i].play(d);
        if (complaint == NULL)
            continue;
        demo_put(d, TERMINAL_RED, "FAILED");
        printf(" at \"%s\": %s\n", scenes[i].title, complaint);
        return 1;
    }
    demo_put(d, TERMINAL_GREEN, "All went as it should.");
    printf("\n");
    return 0;
}

static void clear_stage(struct demo *d)
{
    for (enum role who = ADA; who < N_ACTORS; who++)
        demo_actor_fini(&d->cast[who]);
    demo_media_clear(d);
    net_timer_free(d->patience);
    if (d->clients != NULL)
        net_clients_close(d->clients);
    net_loop_free(d->loop);
    net_clients_free(d->clients);
    account_api_free(d->api);
    demo_server_fini(&d->server);
    buf_free(&d->link);
}

static int make_folder(struct demo *d)
{
    snprintf(d->folder, sizeof d->folder, "/tmp/conclave-media-XXXXXX");
    if (mkdtemp(d->folder) != NULL)
        return 0;
    d->folder[0] = 0;
    return CONCLAVE_ESTORE;
}

static int set_stage(struct demo *d, const char *program)
{
    for (enum role who = ADA; who < N_ACTORS; who++) {
        d->cast[who].name = names[who].name;
        d->cast[who].email = names[who].email;
    }
    d->colours = isatty(STDOUT_FILENO) != 0 && getenv("NO_COLOR") == NULL;
    int rv = demo_server_init(&d->server, program);
    if (rv == 0)
        rv = make_folder(d);
    if (rv == 0)
        rv = net_loop_new(&d->loop);
    if (rv == 0)
        rv = net_timer_new(d->loop, demo_impatient, d, &d->patience);
    if (rv != 0)
        fprintf(stderr, "conclave demo: %s\n",
                rv == CONCLAVE_ENOTFOUND ? "conclaved is not beside this program; give --conclaved"
                                         : conclave_error_text(rv));
    else
        d->began_us = net_loop_now(d->loop);
    return rv;
}

int demo_main(int argc, char **argv)
{
    struct demo d = {0};
    const char *program = NULL;
    const struct option_row rows[] = {
        {"--conclaved", "FILE", "the server's program; else the one beside this", .text = &program},
    };
    const struct options options = {
        .usage = "conclave demo [OPTION...]",
        .about =
            "Plays a whole meeting on this machine and tells it: a server, people, a guest, a\n"
            "device; every message goes over the network as it would between machines.",
        .rows = rows,
        .n_rows = sizeof rows / sizeof rows[0],
    };
    size_t n;
    int rv = options_parse(&options, argc, argv, NULL, &n);
    if (rv != 0)
        return options_exit(rv);
    int code = set_stage(&d, program) == 0 ? play(&d) : 1;
    clear_stage(&d);
    return code;
}
