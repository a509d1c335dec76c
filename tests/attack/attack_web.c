#include "attack_web.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BEFORE_SECONDS 60 /* what a scene may take before the page comes */
#define STEP_US 10000
#define LINE_MAX_BYTES ((size_t)1 << 20)
#define CERTIFICATE_SECONDS (2 * MEETING_DAY)

/* ---- Lines ---- */

static void put_hex(const char *word, struct bytes data)
{
    printf("%s ", word);
    for (size_t i = 0; i < data.n; i++)
        printf("%02x", data.p[i]);
    printf("\n");
    fflush(stdout);
}

static void unhex(const char *text, struct buf *out)
{
    char pair[3] = {0}, *end;
    for (size_t n = strlen(text), i = 0; i + 1 < n; i += 2) {
        memcpy(pair, text + i, 2);
        const uint8_t byte = (uint8_t)strtoul(pair, &end, 16);
        assert_ptr_equal(end, pair + 2);
        buf_put(out, bytes_of(&byte, 1));
    }
    assert_int_equal(buf_check(out), 0);
}

static void put_line(const char *word, const char *text)
{
    printf("%s %s\n", word, text);
    fflush(stdout);
}

/* A frame for the page, or the end of its connection. */
static void arrive(void *ctx, struct bytes frame)
{
    (void)ctx;
    if (frame.p != NULL)
        put_hex("frame", frame);
    else
        put_line("gone", "");
}

void web_tell(const char *word)
{
    put_line("told", word);
}

void web_tell_code(struct stage_actor *who)
{
    char code[PARTICIPANT_CODE_SIZE];
    assert_int_equal(participant_code(who->p, code), 0);
    put_line("code", code);
}

/* ---- What the page's end says ---- */

static void certify(struct web *w, const char *kind, const char *name, const char *request)
{
    struct buf csr = {0}, certificate = {0};
    assert_true(w->n_names < WEB_NAMES);
    char *kept = w->names[w->n_names++] = strdup(name);
    assert_non_null(kept);
    const struct identity_subject subject = {
        .kind = strcmp(kind, "guest") == 0 ? IDENTITY_GUEST : IDENTITY_USER, .name = kept};
    unhex(request, &csr);
    assert_int_equal(identity_ca_issue(w->a.s.world.ca, buf_view(&csr), &subject,
                                       w->a.s.now_us / STAGE_SECOND, CERTIFICATE_SECONDS,
                                       &certificate),
                     0);
    put_hex("certificate", buf_view(&certificate));
    buf_free(&csr);
    buf_free(&certificate);
}

static void do_line(struct web *w, char *line)
{
    struct buf frame = {0};
    char *rest = NULL;
    const char *word = strtok_r(line, " ", &rest);
    if (word == NULL)
        fail_msg("an empty line");
    if (strcmp(word, "open") == 0) {
        stage_remote_connect(&w->a.s, w->page);
    } else if (strcmp(word, "close") == 0) {
        stage_remote_hang_up(&w->a.s, w->page);
    } else if (strcmp(word, "say") == 0) {
        unhex(rest, &frame);
        stage_remote_say(&w->a.s, w->page, buf_view(&frame));
    } else if (strcmp(word, "certify") == 0) {
        const char *kind = strtok_r(NULL, " ", &rest);
        const char *name = strtok_r(NULL, " ", &rest);
        certify(w, kind, name, rest);
    } else if (strcmp(word, "go") == 0) {
        w->go = true;
    } else {
        fail_msg("a line that means nothing: %s", word);
    }
    buf_free(&frame);
}

static void do_lines(struct web *w)
{
    size_t at = 0;
    for (size_t i = 0; i < w->in.n; i++)
        if (w->in.p[i] == '\n') {
            w->in.p[i] = 0;
            do_line(w, (char *)w->in.p + at);
            at = i + 1;
        }
    memmove(w->in.p, w->in.p + at, w->in.n - at);
    w->in.n -= at;
    assert_true(w->in.n < LINE_MAX_BYTES);
}

/* Waits for lines, so long at most. Who started us may end before the scene does. */
static void hear(struct web *w, uint64_t us)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    uint8_t space[4096];
    if (poll(&in, 1, (int)((us + 999) / 1000)) <= 0)
        return;
    ssize_t n = read(STDIN_FILENO, space, sizeof space);
    if (n <= 0)
        _exit(3);
    buf_put(&w->in, bytes_of(space, (size_t)n));
    assert_int_equal(buf_check(&w->in), 0);
    do_lines(w);
}

/* ---- The clock ---- */

static uint64_t wall_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * STAGE_SECOND + (uint64_t)t.tv_nsec / 1000;
}

static uint64_t less(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Up to the true time, and not beyond `until`. What attacks do takes time of the stage's own, which
 * may be ahead then. */
static void catch_up(struct web *w, uint64_t until)
{
    uint64_t now = less(wall_us(), until);
    if (now > w->a.s.now_us)
        stage_run(&w->a.s, now - w->a.s.now_us);
}

void web_run(struct web *w, uint64_t us)
{
    uint64_t until = w->a.s.now_us + us;
    while (w->a.s.now_us < until) {
        catch_up(w, until);
        hear(w, less(STEP_US, until - w->a.s.now_us));
    }
}

void web_until(struct web *w, bool (*holds)(const struct web *w, const struct stage_actor *who),
               const struct stage_actor *who)
{
    uint64_t until = w->a.s.now_us + WEB_PATIENCE;
    while (!holds(w, who)) {
        assert_true(w->a.s.now_us < until);
        web_run(w, STEP_US);
    }
}

bool web_is_in(const struct web *w, const struct stage_actor *who)
{
    (void)w;
    return participant_phase(who->p) == PARTICIPANT_IN_MEETING;
}

bool web_is_out(const struct web *w, const struct stage_actor *who)
{
    (void)w;
    return participant_phase(who->p) == PARTICIPANT_OVER;
}

void web_await(struct web *w)
{
    while (!w->go) {
        catch_up(w, UINT64_MAX);
        hear(w, STEP_US);
    }
    w->go = false;
}

/* ---- The meeting ---- */

void web_guests_join(struct card_terms *terms)
{
    terms->rules[CARD_GUEST].unlocked = CARD_JOIN;
}

void web_say(struct web *w, struct stage_actor *who, const char *text)
{
    assert_int_equal(participant_say(who->p, text, NULL, w->a.s.now_us), 0);
    stage_carry_out(&w->a.s, who);
    web_run(w, WEB_MOMENT);
}

void web_lock(struct web *w, bool locked)
{
    assert_int_equal(participant_lock(w->a.alice->p, locked, w->a.s.now_us), 0);
    stage_carry_out(&w->a.s, w->a.alice);
    web_run(w, WEB_MOMENT);
}

void web_eject(struct web *w, struct stage_actor *whom)
{
    uint32_t leaf = stage_find(w->a.alice, whom);
    assert_int_equal(participant_eject(w->a.alice->p, leaf, w->a.s.now_us), 0);
    stage_carry_out(&w->a.s, w->a.alice);
}

void web_open(struct web *w, void (*change)(struct card_terms *terms))
{
    *w = (struct web){0};
    stage_open_at(&w->a.s, 1, wall_us() / STAGE_SECOND - BEFORE_SECONDS, change);
    attack_tap_init(&w->a.tap, &w->a.s);
}

void web_open_people(struct web *w)
{
    web_open(w, web_guests_join);
    w->a.alice = stage_enter_organiser(&w->a.s);
    assert_true(stage_until_all_in(&w->a.s, 5 * STAGE_SECOND));
    w->a.bob = attack_colleague(&w->a, "bob@" MEETING_DOMAIN, "Bob");
    w->a.mallory = attack_colleague(&w->a, "mallory@" MEETING_DOMAIN, "Mallory");
    stage_run(&w->a.s, 7 * STAGE_SECOND);
    stage_agree(&w->a.s, 3);
}

void web_begin(struct web *w)
{
    struct buf link = {0};
    catch_up(w, UINT64_MAX);
    w->page = stage_enter_remote(&w->a.s, "the page", arrive, w);
    meeting_world_link_text(&w->a.s.world, &link);
    put_line("link", (const char *)link.p);
    put_hex("root", identity_ca_certificate(w->a.s.world.ca));
    buf_free(&link);
}

void web_close(struct web *w)
{
    attack_close(&w->a);
    for (size_t i = 0; i < w->n_names; i++)
        free(w->names[i]);
    buf_free(&w->in);
}

void web_cut(struct web *w)
{
    stage_remote_hang_up(&w->a.s, w->page);
    put_line("gone", "");
}

void web_deliver(struct web *w, const struct signal_message *m)
{
    stage_inject(&w->a.s, w->page, m);
    web_run(w, STAGE_SECOND / 5);
}

void web_deliver_mls(struct web *w, enum signal_type type, struct bytes message)
{
    web_deliver(w, &(struct signal_message){.type = type, .body = message});
}

/* ---- The program ---- */

int main(int argc, char **argv)
{
    static const struct web_scene *const lists[] = {web_scenes_member, web_scenes_door,
                                                    web_scenes_host};
    for (size_t i = 0; argc == 2 && i < sizeof lists / sizeof lists[0]; i++)
        for (const struct web_scene *scene = lists[i]; scene->name != NULL; scene++)
            if (strcmp(scene->name, argv[1]) == 0) {
                struct web w;
                scene->play(&w);
                web_close(&w);
                return 0;
            }
    fprintf(stderr, "attack_web SCENE: for the tests of the browser app (attack_web.h)\n");
    return 2;
}
