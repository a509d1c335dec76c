/* The server's side of ICE: only the client's checks change anything, media follows its nomination
 * to addresses that are proven, and consent ends. */
#include "ice.h"

#include "rtc/ice_lite.h"

#define NOW (1000 * ICE_SECOND)

struct world {
    struct ice_lite lite;
    struct buf answer;
    struct rtc_address to;
    uint8_t transaction;
};

static struct world *open_world(struct ice_login client)
{
    struct ice_lite_config config = {.local = SERVER_LOGIN, .remote = client, .seed = {7}};
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    assert_int_equal(ice_lite_init(&w->lite, &config), 0);
    return w;
}

static void close_world(struct world *w)
{
    ice_lite_fini(&w->lite);
    buf_free(&w->answer);
    free(w);
}

/* What a client sends. */
static struct stun_message check_of(struct world *w, bool nominate)
{
    struct stun_message m = {.class = STUN_REQUEST,
                             .method = STUN_BINDING,
                             .has_username = true,
                             .username = bytes_str("serv:clie"),
                             .has_priority = true,
                             .priority = 1,
                             .role = STUN_CONTROLLING,
                             .tie_breaker = 2,
                             .use_candidate = nominate};
    m.transaction[0] = w->transaction++;
    return m;
}

static int input(struct world *w, const struct stun_message *m, struct bytes password,
                 struct rtc_address from, uint64_t now_us)
{
    struct buf b = written(m, password);
    buf_clear(&w->answer);
    int rv = ice_lite_input(&w->lite, buf_view(&b), &from, now_us, &w->answer);
    buf_free(&b);
    return rv;
}

/* The error that answers a request; 0: success. */
static unsigned answer_to(struct world *w, const struct stun_message *m, struct bytes password,
                          struct rtc_address from, uint64_t now_us)
{
    assert_int_equal(input(w, m, password, from, now_us), 0);
    struct stun_message a = read_back(buf_view(&w->answer));
    assert_memory_equal(a.transaction, m->transaction, sizeof a.transaction);
    if (a.class == STUN_SUCCESS) {
        assert_int_equal(stun_verify(&a, SERVER_LOGIN.pwd), 0);
        assert_true(rtc_address_equal(&a.mapped, &from));
        return 0;
    }
    assert_int_equal(a.class, STUN_ERROR);
    return a.error;
}

static void client_checks(struct world *w, struct rtc_address from, bool nominate, uint64_t now_us)
{
    struct stun_message m = check_of(w, nominate);
    assert_int_equal(answer_to(w, &m, SERVER_LOGIN.pwd, from, now_us), 0);
}

static bool sends_to(struct world *w, struct rtc_address to, uint64_t now_us)
{
    const struct ice_path *p = ice_lite_remote(&w->lite, now_us);
    return p != NULL && rtc_address_equal(&p->address, &to);
}

/* The check the server makes now; its transaction. */
static struct stun_message server_checks(struct world *w, uint64_t now_us)
{
    buf_clear(&w->answer);
    assert_int_equal(ice_lite_next(&w->lite, now_us, &w->answer, &w->to), 0);
    return read_back(buf_view(&w->answer));
}

static bool server_is_silent(struct world *w, uint64_t now_us)
{
    buf_clear(&w->answer);
    assert_int_equal(ice_lite_next(&w->lite, now_us, &w->answer, &w->to), 0);
    return w->answer.n == 0;
}

static int client_answers(struct world *w, const struct stun_message *check, struct bytes password,
                          struct rtc_address from, uint64_t now_us)
{
    struct stun_message m = {.class = STUN_SUCCESS, .method = STUN_BINDING, .mapped = at(99, 9)};
    memcpy(m.transaction, check->transaction, sizeof m.transaction);
    return input(w, &m, password, from, now_us);
}

static void a_check_is_answered_and_a_nomination_selects(void **state)
{
    struct world *w = open_world(CLIENT_LOGIN);

    (void)state;
    assert_null(ice_lite_remote(&w->lite, NOW));
    client_checks(w, at(1, 1000), false, NOW);
    client_checks(w, at(2, 1000), false, NOW);
    assert_true(sends_to(w, at(1, 1000), NOW)); /* for want of a nomination */
    client_checks(w, at(2, 1000), true, NOW);
    assert_true(sends_to(w, at(2, 1000), NOW));
    client_checks(w, at(1, 1000), false, NOW);
    assert_true(sends_to(w, at(2, 1000), NOW));
    close_world(w);
}

static void ipv6_is_served_as_ipv4_is(void **state)
{
    struct world *w = open_world(CLIENT_LOGIN);

    (void)state;
    client_checks(w, at6(1, 1000), true, NOW);
    assert_true(sends_to(w, at6(1, 1000), NOW));
    close_world(w);
}

static void what_is_not_the_clients_changes_nothing(void **state)
{
    struct world *w = open_world(CLIENT_LOGIN);
    struct rtc_address from = at(1, 1000);
    struct ice_lite before = w->lite;
    struct stun_message m = check_of(w, true);
    const char *const names[] = {"serv:cliX", "Xerv:clie", "serv", "serv:", "serv:clie2", ""};

    (void)state;
    assert_int_equal(answer_to(w, &m, bytes_str("not+the+servers+password"), from, NOW),
                     STUN_UNAUTHENTICATED);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        m.username = bytes_str(names[i]);
        assert_int_equal(answer_to(w, &m, SERVER_LOGIN.pwd, from, NOW), STUN_UNAUTHENTICATED);
    }
    m = check_of(w, true);
    assert_int_equal(answer_to(w, &m, bytes_of(NULL, 0), from, NOW), STUN_BAD_REQUEST);
    m.has_username = false;
    m.username = bytes_of(NULL, 0);
    assert_int_equal(answer_to(w, &m, SERVER_LOGIN.pwd, from, NOW), STUN_BAD_REQUEST);
    assert_memory_equal(before.paths, w->lite.paths, sizeof before.paths);
    assert_null(w->lite.nominated);
    close_world(w);
}

static void a_check_that_breaks_a_rule_is_told_so_and_changes_nothing(void **state)
{
    struct world *w = open_world(CLIENT_LOGIN);
    struct ice_lite before = w->lite;
    struct stun_message m = check_of(w, true);

    (void)state;
    m.role = STUN_CONTROLLED;
    assert_int_equal(answer_to(w, &m, SERVER_LOGIN.pwd, at(1, 1), NOW), STUN_ROLE_CONFLICT);
    m = check_of(w, true);
    m.role = STUN_NO_ROLE;
    m.tie_breaker = 0;
    assert_int_equal(answer_to(w, &m, SERVER_LOGIN.pwd, at(1, 1), NOW), STUN_BAD_REQUEST);
    m = check_of(w, true);
    m.has_priority = false;
    assert_int_equal(answer_to(w, &m, SERVER_LOGIN.pwd, at(1, 1), NOW), STUN_BAD_REQUEST);
    assert_memory_equal(before.paths, w->lite.paths, sizeof before.paths);
    assert_null(w->lite.nominated);
    close_world(w);
}

static void other_messages_are_not_answered(void **state)
{
    struct world *w = open_world(CLIENT_LOGIN);
    struct stun_message m = check_of(w, true);

    (void)state;
    m.class = STUN_INDICATION;
    assert_int_equal(input(w, &m, SERVER_LOGIN.pwd, at(1, 1), NOW), 0);
    assert_int_equal(w->answer.n, 0);
    m.class = STUN_SUCCESS;
    assert_int_equal(input(w, &m, CLIENT_LOGIN.pwd, at(1, 1), NOW), CONCLAVE_ESENDER);
    m.class = STUN_REQUEST;
    m.method = 3;
    assert_int_equal(input(w, &m, SERVER_LOGIN.pwd, at(1, 1), NOW), CONCLAVE_ESYNTAX);
    m.method = STUN_BINDING;
    struct buf b = written(&m, SERVER_LOGIN.pwd);
    struct rtc_address from = at(1, 1);
    b.p[3] = (uint8_t)(b.p[3] - 8); /* without its FINGERPRINT */
    assert_int_equal(ice_lite_input(&w->lite, bytes_of(b.p, b.n - 8), &from, NOW, &w->answer),
                     CONCLAVE_ESYNTAX);
    buf_free(&b);
    close_world(w);
}

static void no_answer_is_larger_than_its_request(void **state)
{
    struct world *w = open_world(CLIENT_LOGIN);

    (void)state;
    for (unsigned i = 0; i < 16; i++) {
        struct stun_message m = check_of(w, (i & 1) != 0);
        struct rtc_address from = (i & 2) != 0 ? at6(1, 1) : at(1, 1);
        if ((i & 4) != 0)
            m.role = STUN_CONTROLLED;
        struct bytes password = (i & 8) != 0 ? CLIENT_LOGIN.pwd : SERVER_LOGIN.pwd;
        struct buf b = written(&m, password);
        buf_clear(&w->answer);
        assert_int_equal(ice_lite_input(&w->lite, buf_view(&b), &from, NOW, &w->answer), 0);
        assert_true(w->answer.n != 0 && w->answer.n <= b.n);
        buf_free(&b);
    }
    close_world(w);
}

static void consent_ends_after_thirty_seconds_without_a_check(void **state)
{
    struct world *w = open_world(CLIENT_LOGIN);

    (void)state;
    client_checks(w, at(1, 1), true, NOW);
    assert_true(sends_to(w, at(1, 1), NOW + ICE_CONSENT_US - 1));
    client_checks(w, at(1, 1), false, NOW + ICE_SECOND);
    assert_true(sends_to(w, at(1, 1), NOW + ICE_SECOND + ICE_CONSENT_US - 1));
    assert_null(ice_lite_remote(&w->lite, NOW + ICE_SECOND + ICE_CONSENT_US));
    client_checks(w, at(1, 1), false, NOW + 100 * ICE_SECOND);
    assert_true(sends_to(w, at(1, 1), NOW + 100 * ICE_SECOND));
    close_world(w);
}

static void the_deadline_is_the_next_check(void **state)
{
    struct world *w = open_world(CLIENT_LOGIN);

    (void)state;
    assert_true(ice_lite_deadline(&w->lite) == UINT64_MAX);
    assert_true(ice_lite_consent_end(&w->lite) == UINT64_MAX);
    client_checks(w, at(1, 1), true, NOW);
    assert_true(ice_lite_deadline(&w->lite) == NOW);
    (void)server_checks(w, NOW);
    assert_true(ice_lite_deadline(&w->lite) == NOW + ICE_RTO_US);
    struct rtc_address a = at(1, 1);
    ice_lite_prove(&w->lite, &a);
    assert_true(ice_lite_deadline(&w->lite) == UINT64_MAX);
    assert_true(ice_lite_consent_end(&w->lite) == NOW + ICE_CONSENT_US);
    close_world(w);
}

static void an_address_is_proven_by_the_answer_to_a_check(void **state)
{
    struct world *w = open_world(CLIENT_LOGIN);

    (void)state;
    client_checks(w, at(1, 1), true, NOW);
    struct stun_message check = server_checks(w, NOW);
    struct rtc_address first = at(1, 1);
    assert_true(rtc_address_equal(&w->to, &first));
    assert_int_equal(check.class, STUN_REQUEST);
    assert_int_equal(check.role, STUN_CONTROLLED);
    assert_true(bytes_equal(check.username, bytes_str("clie:serv")));
    assert_int_equal(stun_verify(&check, CLIENT_LOGIN.pwd), 0);

    struct stun_message other = check;
    other.transaction[3] ^= 1;
    assert_int_equal(client_answers(w, &other, CLIENT_LOGIN.pwd, at(1, 1), NOW), CONCLAVE_ESENDER);
    assert_int_equal(client_answers(w, &check, CLIENT_LOGIN.pwd, at(2, 1), NOW), CONCLAVE_ESENDER);
    assert_int_equal(client_answers(w, &check, SERVER_LOGIN.pwd, at(1, 1), NOW),
                     CONCLAVE_ESIGNATURE);
    assert_false(ice_lite_remote(&w->lite, NOW)->proven);
    assert_int_equal(client_answers(w, &check, CLIENT_LOGIN.pwd, at(1, 1), NOW), 0);
    assert_true(ice_lite_remote(&w->lite, NOW)->proven);
    assert_int_equal(client_answers(w, &check, CLIENT_LOGIN.pwd, at(1, 1), NOW), CONCLAVE_ESENDER);
    assert_true(server_is_silent(w, NOW + 10 * ICE_SECOND));
    close_world(w);
}

static void a_check_of_the_server_is_sent_five_times_at_most(void **state)
{
    struct world *w = open_world(CLIENT_LOGIN);
    unsigned sent = 0;

    (void)state;
    client_checks(w, at(1, 1), true, NOW);
    for (uint64_t t = NOW; t < NOW + 29 * ICE_SECOND; t += ICE_SECOND / 10) {
        struct rtc_address from = at(1, 1);
        assert_true(ice_lite_arrived(&w->lite, &from, 200, t)); /* or there would be no credit */
        sent += !server_is_silent(w, t);
    }
    assert_int_equal(sent, ICE_TRIES);
    client_checks(w, at(1, 1), true, NOW + 29 * ICE_SECOND);
    assert_false(server_is_silent(w, NOW + 29 * ICE_SECOND));
    close_world(w);
}

static void media_does_not_follow_to_an_address_that_does_not_answer(void **state)
{
    struct world *w = open_world(CLIENT_LOGIN);
    struct rtc_address home = at(1, 1), victim = at(66, 80);

    (void)state;
    client_checks(w, home, true, NOW);
    ice_lite_prove(&w->lite, &home);
    client_checks(w, victim, true, NOW + 1);
    assert_true(sends_to(w, home, NOW + 1));
    (void)server_checks(w, NOW + 1);
    assert_true(rtc_address_equal(&w->to, &victim));
    assert_true(sends_to(w, home, NOW + 20 * ICE_SECOND));
    close_world(w);
}

static void a_client_that_moved_and_answers_is_followed(void **state)
{
    struct world *w = open_world(CLIENT_LOGIN);
    struct rtc_address home = at(1, 1);

    (void)state;
    client_checks(w, home, true, NOW);
    ice_lite_prove(&w->lite, &home);
    client_checks(w, at6(2, 2), true, NOW + 1);
    struct stun_message check = server_checks(w, NOW + 1);
    assert_int_equal(client_answers(w, &check, CLIENT_LOGIN.pwd, at6(2, 2), NOW + 2), 0);
    assert_true(sends_to(w, at6(2, 2), NOW + 2));
    client_checks(w, home, true, NOW + 3); /* and back: it is proven already */
    assert_true(sends_to(w, home, NOW + 3));
    close_world(w);
}

static void a_client_whose_password_is_unknown_stays_where_it_was_proven(void **state)
{
    struct world *w = open_world(NO_LOGIN);
    struct rtc_address home = at(1, 1);
    struct stun_message m = check_of(w, true);

    (void)state;
    m.username = bytes_str("serv:whoever");
    assert_int_equal(answer_to(w, &m, SERVER_LOGIN.pwd, home, NOW), 0);
    assert_true(server_is_silent(w, NOW));
    ice_lite_prove(&w->lite, &home);
    m = check_of(w, true);
    assert_int_equal(answer_to(w, &m, SERVER_LOGIN.pwd, at(2, 2), NOW + 1), 0);
    assert_true(server_is_silent(w, NOW + 1));
    assert_true(sends_to(w, home, NOW + 1));
    close_world(w);
}

static void a_client_that_says_its_password_late_is_followed_from_then_on(void **state)
{
    struct world *w = open_world(NO_LOGIN);
    struct rtc_address home = at(1, 1);

    (void)state;
    client_checks(w, home, true, NOW);
    ice_lite_prove(&w->lite, &home);
    client_checks(w, at(2, 2), true, NOW + 1);
    assert_int_equal(ice_lite_login(&w->lite, NO_LOGIN, NOW + 1), CONCLAVE_EINVAL);
    assert_int_equal(ice_lite_login(&w->lite, CLIENT_LOGIN, NOW + 2), 0);
    assert_int_equal(ice_lite_login(&w->lite, NEW_CLIENT_LOGIN, NOW + 2), CONCLAVE_ESTATE);
    /* some nominate only once: there is no other check to wait for */
    struct stun_message check = server_checks(w, NOW + 2);
    assert_int_equal(client_answers(w, &check, CLIENT_LOGIN.pwd, at(2, 2), NOW + 2), 0);
    assert_true(sends_to(w, at(2, 2), NOW + 2));

    struct stun_message m = check_of(w, true);
    m.username = bytes_str("serv:whoever"); /* another name is another's from now on */
    assert_int_equal(answer_to(w, &m, SERVER_LOGIN.pwd, home, NOW + 3), STUN_UNAUTHENTICATED);
    close_world(w);
}

static void a_restart_asks_for_the_password_again(void **state)
{
    struct world *w = open_world(CLIENT_LOGIN);

    (void)state;
    assert_int_equal(ice_lite_login(&w->lite, CLIENT_LOGIN, NOW + 2), CONCLAVE_ESTATE);
    assert_int_equal(ice_lite_restart(&w->lite, NEW_SERVER_LOGIN, NO_LOGIN), 0);
    assert_int_equal(ice_lite_login(&w->lite, NEW_CLIENT_LOGIN, NOW + 2), 0);
    close_world(w);
}

static void an_address_not_proven_gets_three_times_what_came_from_it(void **state)
{
    struct world *w = open_world(NO_LOGIN);
    struct stun_message m = check_of(w, true);
    struct rtc_address from = at(1, 1), other = at(2, 2);
    struct buf b = written(&m, SERVER_LOGIN.pwd);
    size_t came = b.n + ICE_DATAGRAM_OVERHEAD, went;

    (void)state;
    assert_false(ice_lite_spend(&w->lite, &from, 1));
    assert_int_equal(answer_to(w, &m, SERVER_LOGIN.pwd, from, NOW), 0);
    went = w->answer.n + ICE_DATAGRAM_OVERHEAD;
    while (ice_lite_spend(&w->lite, &from, 10))
        went += 10 + ICE_DATAGRAM_OVERHEAD;
    assert_true(went <= ICE_AMPLIFICATION * came);
    assert_true(went + 10 + ICE_DATAGRAM_OVERHEAD > ICE_AMPLIFICATION * came);
    assert_false(ice_lite_arrived(&w->lite, &other, 100, NOW));
    assert_false(ice_lite_spend(&w->lite, &from, 10));
    assert_true(ice_lite_arrived(&w->lite, &from, 100, NOW));
    assert_true(ice_lite_spend(&w->lite, &from, 300));
    ice_lite_prove(&w->lite, &from);
    assert_true(ice_lite_spend(&w->lite, &from, 1u << 20));
    buf_free(&b);
    close_world(w);
}

static void a_restart_lets_media_flow_until_the_new_credentials_nominate(void **state)
{
    struct world *w = open_world(CLIENT_LOGIN);
    struct rtc_address home = at(1, 1);

    (void)state;
    client_checks(w, home, true, NOW);
    ice_lite_prove(&w->lite, &home);
    assert_int_equal(ice_lite_restart(&w->lite, NEW_SERVER_LOGIN, NEW_CLIENT_LOGIN), 0);
    client_checks(w, home, true, NOW + 10 * ICE_SECOND); /* the old ones: consent goes on */
    assert_true(sends_to(w, home, NOW + 35 * ICE_SECOND));
    client_checks(w, at(2, 2), true, NOW + 11 * ICE_SECOND); /* but they open no new path */
    struct rtc_address second = at(2, 2);
    assert_false(ice_lite_knows(&w->lite, &second, NOW));
    assert_true(sends_to(w, home, NOW + 11 * ICE_SECOND));

    struct stun_message m = check_of(w, true);
    m.username = bytes_str("ser2:cli2");
    assert_int_equal(input(w, &m, NEW_SERVER_LOGIN.pwd, at(3, 3), NOW + 12 * ICE_SECOND), 0);
    struct stun_message a = read_back(buf_view(&w->answer));
    assert_int_equal(stun_verify(&a, NEW_SERVER_LOGIN.pwd), 0);
    struct stun_message check = server_checks(w, NOW + 12 * ICE_SECOND);
    assert_int_equal(stun_verify(&check, NEW_CLIENT_LOGIN.pwd), 0);
    assert_int_equal(
        client_answers(w, &check, NEW_CLIENT_LOGIN.pwd, at(3, 3), NOW + 12 * ICE_SECOND), 0);
    assert_true(sends_to(w, at(3, 3), NOW + 12 * ICE_SECOND));

    m = check_of(w, true);
    assert_int_equal(answer_to(w, &m, SERVER_LOGIN.pwd, home, NOW + 13 * ICE_SECOND),
                     STUN_UNAUTHENTICATED);
    close_world(w);
}

static void paths_are_bounded_and_those_in_use_stay(void **state)
{
    struct world *w = open_world(NO_LOGIN);
    struct rtc_address home = at(1, 1);

    (void)state;
    client_checks(w, home, true, NOW);
    ice_lite_prove(&w->lite, &home);
    for (uint16_t i = 0; i < 5 * ICE_PATHS_MAX; i++)
        client_checks(w, at(2, i), i % 2 == 0, NOW + i + 1);
    assert_true(sends_to(w, home, NOW + ICE_SECOND));
    struct rtc_address last = at(2, 5 * ICE_PATHS_MAX - 1), first = at(2, 0);
    assert_true(ice_lite_knows(&w->lite, &last, NOW + ICE_SECOND));
    assert_false(ice_lite_knows(&w->lite, &first, NOW + ICE_SECOND));
    close_world(w);
}

static void who_knows_the_name_only_is_rated_apart_from_the_client(void **state)
{
    struct world *w = open_world(NO_LOGIN);
    struct stun_message m = check_of(w, false);
    unsigned answered = 0;

    (void)state;
    client_checks(w, at(1, 1), true, NOW);
    for (unsigned i = 0; i < 10 * ICE_STRANGERS_BURST; i++)
        answered += input(w, &m, CLIENT_LOGIN.pwd, at(66, 6), NOW) == 0;
    assert_int_equal(answered, ICE_STRANGERS_BURST - 1);
    assert_int_equal(input(w, &m, CLIENT_LOGIN.pwd, at(66, 6), NOW), CONCLAVE_ELIMIT);
    client_checks(w, at(1, 1), true, NOW); /* and it still has its own */
    assert_int_equal(
        input(w, &m, CLIENT_LOGIN.pwd, at(66, 6), NOW + ICE_SECOND / ICE_STRANGERS_PER_SECOND), 0);
    close_world(w);
}

/* Even with the client's own address as its source. */
static void who_does_not_know_the_name_takes_nothing_from_anybody(void **state)
{
    struct world *w = open_world(CLIENT_LOGIN);
    struct stun_message m = check_of(w, false);
    unsigned answered = 0;

    (void)state;
    client_checks(w, at(1, 1), true, NOW);
    m.username = bytes_str("serv:guess");
    for (unsigned i = 0; i < 10 * ICE_CHECKS_BURST; i++)
        answered += input(w, &m, CLIENT_LOGIN.pwd, at(1, 1), NOW) == 0;
    assert_int_equal(answered, ICE_STRANGERS_BURST);
    client_checks(w, at(1, 1), true, NOW);
    client_checks(w, at(2, 2), true, NOW);
    close_world(w);
}

static void a_check_says_whom_it_is_for(void **state)
{
    struct stun_message m = {.class = STUN_REQUEST, .method = STUN_BINDING, .has_username = true};
    struct {
        const char *name, *for_whom;
    } cases[] = {{"serv:clie", "serv"}, {"a:b:c", "a"}, {":clie", ""}, {"serv", NULL}, {"", NULL}};
    struct bytes ufrag = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        m.username = bytes_str(cases[i].name);
        struct buf b = written(&m, SERVER_LOGIN.pwd);
        int rv = ice_addressee(buf_view(&b), &ufrag);
        assert_int_equal(rv, cases[i].for_whom != NULL ? 0 : CONCLAVE_ESYNTAX);
        if (rv == 0)
            assert_true(bytes_equal(ufrag, bytes_str(cases[i].for_whom)));
        buf_free(&b);
    }
    m.username = bytes_str("serv:clie");
    m.class = STUN_SUCCESS;
    struct buf b = written(&m, SERVER_LOGIN.pwd);
    assert_int_equal(ice_addressee(buf_view(&b), &ufrag), CONCLAVE_ESYNTAX);
    assert_int_equal(ice_addressee(bytes_of(b.p, b.n - 1), &ufrag), CONCLAVE_ESYNTAX);
    buf_free(&b);
}

static void credentials_out_of_bounds_are_refused(void **state)
{
    static const char good[] = "abcdefghijklmnopqrstuv";
    static uint8_t many[ICE_CREDENTIAL_MAX + 1];
    struct ice_credentials c;

    (void)state;
    memset(many, 'a', sizeof many);
    struct ice_login bad[] = {
        {bytes_str("abc"), bytes_str(good)},
        {bytes_str("abcd"), bytes_of(good, 21)},
        {bytes_str("ab:d"), bytes_str(good)},
        {bytes_str("abcd"), bytes_str("abcdefghijklmnopqrst v")},
        {bytes_of(many, sizeof many), bytes_str(good)},
        {bytes_str("abcd"), bytes_of(many, sizeof many)},
        {bytes_of(NULL, 0), bytes_str(good)},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct ice_lite_config config = {.local = bad[i]};
        struct ice_lite l;
        assert_int_equal(ice_credentials_set(&c, bad[i]), CONCLAVE_EINVAL);
        assert_int_equal(ice_lite_init(&l, &config), CONCLAVE_EINVAL);
    }
    struct ice_login largest = {bytes_of(many, sizeof many - 1), bytes_of(many, sizeof many - 1)};
    assert_int_equal(ice_credentials_set(&c, largest), 0);
}

static void a_check_without_memory_changes_nothing(void **state)
{
    (void)state;
    static struct world w;
    struct rtc_address from = at(1, 1);
    struct ice_lite_config config = {.local = SERVER_LOGIN, .remote = CLIENT_LOGIN};
    assert_int_equal(ice_lite_init(&w.lite, &config), 0);
    struct stun_message m = check_of(&w, true);
    struct buf b = written(&m, SERVER_LOGIN.pwd);
    alloc_fail_after(0);
    assert_int_equal(ice_lite_input(&w.lite, buf_view(&b), &from, NOW, &w.answer), CONCLAVE_ENOMEM);
    assert_null(w.lite.nominated);
    assert_int_equal(ice_lite_input(&w.lite, buf_view(&b), &from, NOW, &w.answer), 0);
    buf_free(&w.answer);
    alloc_fail_after(0);
    assert_int_equal(ice_lite_next(&w.lite, NOW, &w.answer, &w.to), CONCLAVE_ENOMEM);
    assert_int_equal(ice_lite_next(&w.lite, NOW, &w.answer, &w.to), 0);
    assert_true(w.answer.n != 0);
    alloc_fail_off();
    buf_free(&w.answer);
    buf_free(&b);
    ice_lite_fini(&w.lite);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_check_is_answered_and_a_nomination_selects),
        cmocka_unit_test(ipv6_is_served_as_ipv4_is),
        cmocka_unit_test(what_is_not_the_clients_changes_nothing),
        cmocka_unit_test(a_check_that_breaks_a_rule_is_told_so_and_changes_nothing),
        cmocka_unit_test(other_messages_are_not_answered),
        cmocka_unit_test(no_answer_is_larger_than_its_request),
        cmocka_unit_test(consent_ends_after_thirty_seconds_without_a_check),
        cmocka_unit_test(the_deadline_is_the_next_check),
        cmocka_unit_test(an_address_is_proven_by_the_answer_to_a_check),
        cmocka_unit_test(a_check_of_the_server_is_sent_five_times_at_most),
        cmocka_unit_test(media_does_not_follow_to_an_address_that_does_not_answer),
        cmocka_unit_test(a_client_that_moved_and_answers_is_followed),
        cmocka_unit_test(a_client_whose_password_is_unknown_stays_where_it_was_proven),
        cmocka_unit_test(a_client_that_says_its_password_late_is_followed_from_then_on),
        cmocka_unit_test(a_restart_asks_for_the_password_again),
        cmocka_unit_test(an_address_not_proven_gets_three_times_what_came_from_it),
        cmocka_unit_test(a_restart_lets_media_flow_until_the_new_credentials_nominate),
        cmocka_unit_test(paths_are_bounded_and_those_in_use_stay),
        cmocka_unit_test(who_knows_the_name_only_is_rated_apart_from_the_client),
        cmocka_unit_test(who_does_not_know_the_name_takes_nothing_from_anybody),
        cmocka_unit_test(a_check_says_whom_it_is_for),
        cmocka_unit_test(credentials_out_of_bounds_are_refused),
        cmocka_unit_test(a_check_without_memory_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
