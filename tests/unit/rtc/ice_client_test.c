/* The client's side of ICE: it tries the server's addresses at their pace, takes the best one that
 * answers, and stops sending when consent is no longer given. */
#include "ice.h"

#include "rtc/ice_client.h"

#define NOW (1000 * ICE_SECOND)

struct world {
    struct ice_client client;
    struct buf out;
    struct rtc_address to;
    struct stun_message last; /* the check made last */
};

static struct ice_client_config config_of(const struct rtc_address *candidates, size_t n,
                                          enum ice_nomination nomination)
{
    return (struct ice_client_config){.local = CLIENT_LOGIN,
                                      .remote = SERVER_LOGIN,
                                      .candidates = candidates,
                                      .n = n,
                                      .nomination = nomination,
                                      .seed = {3}};
}

static struct world *open_world(size_t n, enum ice_nomination nomination)
{
    struct rtc_address candidates[] = {at(1, 1), at6(2, 2), at(3, 3)};
    struct ice_client_config config = config_of(candidates, n, nomination);
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    assert_int_equal(ice_client_init(&w->client, &config), 0);
    return w;
}

static void close_world(struct world *w)
{
    ice_client_fini(&w->client);
    buf_free(&w->out);
    free(w);
}

/* Whether the client makes a check now: it is in w->last. */
static bool checks(struct world *w, uint64_t now_us)
{
    buf_clear(&w->out);
    assert_int_equal(ice_client_next(&w->client, now_us, &w->out, &w->to), 0);
    if (w->out.n == 0)
        return false;
    w->last = read_back(buf_view(&w->out));
    assert_int_equal(stun_verify(&w->last, SERVER_LOGIN.pwd), 0);
    return true;
}

static bool checks_address(struct world *w, struct rtc_address to, uint64_t now_us)
{
    return checks(w, now_us) && rtc_address_equal(&w->to, &to);
}

static int input(struct world *w, const struct stun_message *m, struct bytes password,
                 struct rtc_address from, uint64_t now_us)
{
    struct buf b = written(m, password);
    buf_clear(&w->out);
    int rv = ice_client_input(&w->client, buf_view(&b), &from, now_us, &w->out);
    buf_free(&b);
    return rv;
}

static struct stun_message success_to(const struct stun_message *check)
{
    struct stun_message m = {.class = STUN_SUCCESS, .method = STUN_BINDING, .mapped = at(77, 7)};
    memcpy(m.transaction, check->transaction, sizeof m.transaction);
    return m;
}

/* The server answers a check that went to `from`. */
static int answered(struct world *w, const struct stun_message *check, struct rtc_address from,
                    uint64_t now_us)
{
    struct stun_message m = success_to(check);
    return input(w, &m, SERVER_LOGIN.pwd, from, now_us);
}

static enum ice_state state_of(struct world *w, uint64_t now_us)
{
    return ice_client_state(&w->client, now_us);
}

static bool sends_to(struct world *w, struct rtc_address to, uint64_t now_us)
{
    const struct rtc_address *a = ice_client_remote(&w->client, now_us);
    return a != NULL && rtc_address_equal(a, &to);
}

/* A world in which the first address was nominated at NOW. */
static struct world *open_connected(void)
{
    struct world *w = open_world(1, ICE_AGGRESSIVE);
    assert_true(checks(w, NOW));
    assert_int_equal(answered(w, &w->last, at(1, 1), NOW), 0);
    assert_int_equal(state_of(w, NOW), ICE_CONNECTED);
    return w;
}

static void a_check_says_what_rfc_8445_asks_for(void **state)
{
    struct world *w = open_world(1, ICE_REGULAR);

    (void)state;
    assert_true(checks_address(w, at(1, 1), NOW));
    assert_int_equal(w->last.class, STUN_REQUEST);
    assert_int_equal(w->last.method, STUN_BINDING);
    assert_true(bytes_equal(w->last.username, bytes_str("serv:clie")));
    assert_int_equal(w->last.role, STUN_CONTROLLING);
    assert_true(w->last.has_priority && w->last.has_fingerprint);
    assert_int_equal(w->last.priority >> 24, ICE_TYPE_PEER_REFLEXIVE);
    assert_false(w->last.use_candidate);
    close_world(w);
}

static void checks_begin_at_a_pace_and_are_sent_again_ever_later(void **state)
{
    struct world *w = open_world(3, ICE_REGULAR);

    (void)state;
    assert_true(checks_address(w, at(1, 1), NOW));
    struct stun_message first = w->last;
    assert_false(checks(w, NOW));
    assert_true(ice_client_deadline(&w->client) == NOW + ICE_PACE_US);
    assert_true(checks_address(w, at6(2, 2), NOW + ICE_PACE_US));
    assert_true(checks_address(w, at(3, 3), NOW + 2 * ICE_PACE_US));
    assert_false(checks(w, NOW + 3 * ICE_PACE_US));
    assert_true(ice_client_deadline(&w->client) == NOW + ICE_RTO_US);
    assert_true(checks_address(w, at(1, 1), NOW + ICE_RTO_US));
    assert_memory_equal(w->last.transaction, first.transaction, sizeof first.transaction);
    close_world(w);
}

static void an_address_has_failed_after_five_checks_and_all_of_them_after_that(void **state)
{
    struct world *w = open_world(1, ICE_REGULAR);
    uint64_t t = NOW;
    unsigned sent = 0;

    (void)state;
    while (state_of(w, t) == ICE_CHECKING) {
        while (checks(w, t))
            sent++;
        if (state_of(w, t) == ICE_CHECKING)
            t = ice_client_deadline(&w->client);
    }
    assert_int_equal(sent, ICE_TRIES);
    assert_true(t == NOW + 31 * ICE_RTO_US);
    assert_int_equal(state_of(w, t), ICE_FAILED);
    assert_true(ice_client_deadline(&w->client) == UINT64_MAX);
    assert_null(ice_client_remote(&w->client, t));
    close_world(w);
}

static void regular_nomination_waits_for_a_better_address_but_not_for_long(void **state)
{
    struct world *w = open_world(2, ICE_REGULAR);

    (void)state;
    assert_true(checks(w, NOW));
    assert_true(checks_address(w, at6(2, 2), NOW + ICE_PACE_US));
    assert_int_equal(answered(w, &w->last, at6(2, 2), NOW + ICE_PACE_US), 0);
    assert_int_equal(state_of(w, NOW + ICE_PACE_US), ICE_CHECKING);
    assert_false(checks(w, NOW + ICE_PACE_US + ICE_PATIENCE_US - 1));
    assert_true(ice_client_deadline(&w->client) == NOW + ICE_PACE_US + ICE_PATIENCE_US);
    uint64_t t = NOW + ICE_PACE_US + ICE_PATIENCE_US;
    assert_true(checks_address(w, at6(2, 2), t));
    assert_true(w->last.use_candidate);
    assert_int_equal(answered(w, &w->last, at6(2, 2), t), 0);
    assert_true(sends_to(w, at6(2, 2), t));
    assert_true(w->client.rtt_us == 0);
    close_world(w);
}

static void regular_nomination_takes_the_best_address_at_once(void **state)
{
    struct world *w = open_world(2, ICE_REGULAR);

    (void)state;
    assert_true(checks(w, NOW));
    assert_int_equal(answered(w, &w->last, at(1, 1), NOW + 10), 0);
    assert_true(checks_address(w, at(1, 1), NOW + 10));
    assert_true(w->last.use_candidate);
    assert_int_equal(answered(w, &w->last, at(1, 1), NOW + 20), 0);
    assert_true(sends_to(w, at(1, 1), NOW + 20));
    assert_true(w->client.rtt_us == 10);
    close_world(w);
}

static void a_nomination_that_fails_leaves_the_next_address(void **state)
{
    struct world *w = open_world(2, ICE_REGULAR);

    (void)state;
    assert_true(checks(w, NOW));
    struct stun_message first = w->last;
    assert_true(checks(w, NOW + ICE_PACE_US));
    assert_int_equal(answered(w, &w->last, at6(2, 2), NOW + ICE_PACE_US), 0);
    assert_int_equal(answered(w, &first, at(1, 1), NOW + ICE_PACE_US), 0);
    for (uint64_t t = NOW + ICE_PACE_US; t < NOW + 20 * ICE_SECOND; t += ICE_PACE_US)
        if (checks(w, t) && t > NOW + 16 * ICE_SECOND) {
            assert_true(w->last.use_candidate);
            assert_int_equal(answered(w, &w->last, at6(2, 2), t), 0);
            assert_true(sends_to(w, at6(2, 2), t));
            close_world(w);
            return;
        }
    fail();
}

static void aggressive_nomination_takes_the_first_address_that_answers(void **state)
{
    struct world *w = open_world(2, ICE_AGGRESSIVE);

    (void)state;
    assert_true(checks(w, NOW));
    struct stun_message first = w->last;
    assert_true(first.use_candidate);
    assert_true(checks(w, NOW + ICE_PACE_US));
    assert_int_equal(answered(w, &w->last, at6(2, 2), NOW + ICE_PACE_US), 0);
    assert_true(sends_to(w, at6(2, 2), NOW + ICE_PACE_US));
    assert_int_equal(answered(w, &first, at(1, 1), NOW + 2 * ICE_PACE_US), 0); /* too late */
    assert_true(sends_to(w, at6(2, 2), NOW + 2 * ICE_PACE_US));
    assert_true(checks_address(w, at6(2, 2), NOW + ICE_PACE_US + ICE_RTO_US)); /* settles it */
    assert_true(w->last.use_candidate);
    close_world(w);
}

static void only_the_servers_answers_from_where_the_check_went_count(void **state)
{
    struct world *w = open_world(2, ICE_AGGRESSIVE);

    (void)state;
    assert_true(checks(w, NOW));
    struct stun_message check = w->last, m = success_to(&check);
    assert_int_equal(answered(w, &check, at6(2, 2), NOW), CONCLAVE_ESENDER);
    assert_int_equal(answered(w, &check, at(66, 6), NOW), CONCLAVE_ESENDER);
    assert_int_equal(input(w, &m, CLIENT_LOGIN.pwd, at(1, 1), NOW), CONCLAVE_ESIGNATURE);
    assert_int_equal(input(w, &m, bytes_of(NULL, 0), at(1, 1), NOW), CONCLAVE_ESIGNATURE);
    m.mapped = (struct rtc_address){0};
    assert_int_equal(input(w, &m, SERVER_LOGIN.pwd, at(1, 1), NOW), CONCLAVE_ESYNTAX);
    m = success_to(&check);
    m.transaction[11] ^= 1;
    assert_int_equal(input(w, &m, SERVER_LOGIN.pwd, at(1, 1), NOW), CONCLAVE_ESENDER);
    m.method = 2;
    assert_int_equal(input(w, &m, SERVER_LOGIN.pwd, at(1, 1), NOW), CONCLAVE_ESYNTAX);
    assert_int_equal(state_of(w, NOW), ICE_CHECKING);
    assert_int_equal(answered(w, &check, at(1, 1), NOW), 0);
    assert_int_equal(answered(w, &check, at(1, 1), NOW), CONCLAVE_ESENDER);
    assert_int_equal(state_of(w, NOW), ICE_CONNECTED);
    close_world(w);
}

static void an_error_counts_only_if_the_server_signed_it(void **state)
{
    struct world *w = open_world(1, ICE_AGGRESSIVE);

    (void)state;
    assert_true(checks(w, NOW));
    struct stun_message m = success_to(&w->last);
    m.class = STUN_ERROR;
    m.error = STUN_ROLE_CONFLICT;
    m.mapped = (struct rtc_address){0};
    assert_int_equal(input(w, &m, bytes_of(NULL, 0), at(1, 1), NOW), CONCLAVE_ESIGNATURE);
    assert_int_equal(state_of(w, NOW), ICE_CHECKING);
    assert_int_equal(input(w, &m, SERVER_LOGIN.pwd, at(1, 1), NOW), 0);
    assert_false(checks(w, NOW));
    assert_int_equal(state_of(w, NOW), ICE_FAILED);
    close_world(w);
}

static void consent_is_asked_for_every_five_seconds_or_so(void **state)
{
    struct world *w = open_connected();
    uint64_t last = NOW, shortest = UINT64_MAX, longest = 0;

    (void)state;
    assert_true(checks(w, NOW + ICE_RTO_US));
    assert_int_equal(answered(w, &w->last, at(1, 1), NOW + ICE_RTO_US), 0);
    last = NOW + ICE_RTO_US;
    for (unsigned i = 0; i < 200; i++) {
        uint64_t t = ice_client_deadline(&w->client);
        uint8_t transaction[STUN_TRANSACTION_SIZE];
        memcpy(transaction, w->last.transaction, sizeof transaction);
        assert_true(checks(w, t));
        assert_memory_not_equal(w->last.transaction, transaction, sizeof transaction);
        assert_int_equal(answered(w, &w->last, at(1, 1), t + 5), 0);
        assert_true(w->client.rtt_us == 5);
        shortest = t - last < shortest ? t - last : shortest;
        longest = t - last > longest ? t - last : longest;
        last = t;
    }
    assert_true(shortest >= 4 * ICE_SECOND && shortest < 45 * ICE_SECOND / 10);
    assert_true(longest <= 6 * ICE_SECOND && longest > 55 * ICE_SECOND / 10);
    close_world(w);
}

static void without_consent_nothing_is_sent_and_the_state_says_so(void **state)
{
    struct world *w = open_connected();
    uint64_t end = NOW + ICE_CONSENT_US;

    (void)state;
    for (uint64_t t = NOW; t < end; t += ICE_PACE_US)
        while (checks(w, t))
            assert_true(sends_to(w, at(1, 1), t));
    assert_null(ice_client_remote(&w->client, end));
    assert_int_equal(state_of(w, end), ICE_LOST);
    assert_false(checks(w, end));
    assert_true(ice_client_deadline(&w->client) == UINT64_MAX);
    close_world(w);
}

static void in_doubt_all_addresses_are_tried_again(void **state)
{
    struct world *w = open_world(2, ICE_AGGRESSIVE);
    bool found = false;

    (void)state;
    assert_true(checks(w, NOW));
    assert_int_equal(answered(w, &w->last, at(1, 1), NOW), 0);
    for (uint64_t t = NOW; t < NOW + ICE_CONSENT_US && !found; t += ICE_PACE_US)
        while (checks(w, t)) {
            struct rtc_address other = at6(2, 2);
            if (!rtc_address_equal(&w->to, &other))
                continue;
            assert_true(t >= NOW + ICE_DOUBT_US);
            assert_int_equal(answered(w, &w->last, other, t), 0);
            assert_true(sends_to(w, other, t));
            found = true;
        }
    assert_true(found);
    close_world(w);
}

static void a_restart_uses_the_new_credentials_and_keeps_what_works_meanwhile(void **state)
{
    struct world *w = open_connected();
    struct rtc_address candidates[] = {at(9, 9)};
    struct ice_client_config config = config_of(candidates, 1, ICE_AGGRESSIVE);

    (void)state;
    config.local = NEW_CLIENT_LOGIN;
    config.remote = NEW_SERVER_LOGIN;
    assert_int_equal(ice_client_restart(&w->client, &config), 0);
    assert_true(sends_to(w, at(1, 1), NOW + 1));
    buf_clear(&w->out);
    assert_int_equal(ice_client_next(&w->client, NOW + ICE_SECOND, &w->out, &w->to), 0);
    struct stun_message check = read_back(buf_view(&w->out)), m = success_to(&check);
    assert_int_equal(stun_verify(&check, NEW_SERVER_LOGIN.pwd), 0);
    assert_true(bytes_equal(check.username, bytes_str("ser2:cli2")));
    assert_int_equal(input(w, &m, NEW_SERVER_LOGIN.pwd, at(9, 9), NOW + ICE_SECOND), 0);
    assert_true(sends_to(w, at(9, 9), NOW + ICE_SECOND));
    close_world(w);
}

static void a_lost_client_is_back_after_a_restart(void **state)
{
    struct world *w = open_connected();
    struct rtc_address candidates[] = {at(1, 1)};
    struct ice_client_config config = config_of(candidates, 1, ICE_REGULAR);
    uint64_t t = NOW + 100 * ICE_SECOND;

    (void)state;
    assert_int_equal(state_of(w, t), ICE_LOST);
    assert_int_equal(ice_client_restart(&w->client, &config), 0);
    assert_int_equal(state_of(w, t), ICE_CHECKING);
    assert_true(checks(w, t));
    assert_int_equal(answered(w, &w->last, at(1, 1), t), 0);
    assert_true(checks(w, t));
    assert_int_equal(answered(w, &w->last, at(1, 1), t), 0);
    assert_int_equal(state_of(w, t), ICE_CONNECTED);
    close_world(w);
}

static struct stun_message request_of_the_server(void)
{
    struct stun_message m = {.class = STUN_REQUEST,
                             .method = STUN_BINDING,
                             .has_username = true,
                             .username = bytes_str("clie:serv"),
                             .has_priority = true,
                             .role = STUN_CONTROLLED};
    return m;
}

static void the_servers_own_checks_are_answered(void **state)
{
    struct world *w = open_connected();
    struct stun_message m = request_of_the_server();

    (void)state;
    assert_int_equal(input(w, &m, CLIENT_LOGIN.pwd, at(1, 1), NOW), 0);
    struct stun_message a = read_back(buf_view(&w->out));
    struct rtc_address server = at(1, 1);
    assert_int_equal(a.class, STUN_SUCCESS);
    assert_true(rtc_address_equal(&a.mapped, &server));
    assert_int_equal(stun_verify(&a, CLIENT_LOGIN.pwd), 0);

    assert_int_equal(input(w, &m, SERVER_LOGIN.pwd, at(1, 1), NOW), 0);
    assert_int_equal(read_back(buf_view(&w->out)).error, STUN_UNAUTHENTICATED);
    m.role = STUN_CONTROLLING;
    assert_int_equal(input(w, &m, CLIENT_LOGIN.pwd, at(1, 1), NOW), 0);
    assert_int_equal(read_back(buf_view(&w->out)).error, STUN_ROLE_CONFLICT);
    m.class = STUN_INDICATION;
    assert_int_equal(input(w, &m, CLIENT_LOGIN.pwd, at(1, 1), NOW), 0);
    assert_int_equal(w->out.n, 0);
    m = request_of_the_server();
    assert_int_equal(input(w, &m, CLIENT_LOGIN.pwd, at(66, 6), NOW), CONCLAVE_ESENDER);
    close_world(w);
}

static void a_flood_of_requests_is_not_answered_for_ever(void **state)
{
    struct world *w = open_connected();
    struct stun_message m = request_of_the_server();
    unsigned answers = 0;

    (void)state;
    for (unsigned i = 0; i < 5 * ICE_CHECKS_BURST; i++)
        answers += input(w, &m, CLIENT_LOGIN.pwd, at(1, 1), NOW) == 0;
    assert_int_equal(answers, ICE_CHECKS_BURST);
    close_world(w);
}

static void a_client_needs_candidates_and_credentials(void **state)
{
    struct rtc_address candidates[ICE_CANDIDATES_MAX + 1] = {{.family = RTC_IPV4}};
    struct ice_client_config config = config_of(candidates, 0, ICE_REGULAR);
    struct ice_client c;

    (void)state;
    assert_int_equal(ice_client_init(&c, &config), CONCLAVE_EINVAL);
    config.n = ICE_CANDIDATES_MAX + 1;
    assert_int_equal(ice_client_init(&c, &config), CONCLAVE_EINVAL);
    config.n = 1;
    config.remote.pwd = bytes_str("short");
    assert_int_equal(ice_client_init(&c, &config), CONCLAVE_EINVAL);
    config = config_of(candidates, ICE_CANDIDATES_MAX, ICE_REGULAR);
    assert_int_equal(ice_client_init(&c, &config), 0);
    config.local.ufrag = bytes_str("a:b:c");
    struct ice_client before = c;
    assert_int_equal(ice_client_restart(&c, &config), CONCLAVE_EINVAL);
    assert_memory_equal(&c, &before, sizeof c);
    ice_client_fini(&c);
}

static void a_check_without_memory_is_made_by_the_next_call(void **state)
{
    struct world *w = open_world(1, ICE_REGULAR);
    struct stun_message m = request_of_the_server();
    struct buf b = written(&m, CLIENT_LOGIN.pwd);
    struct rtc_address from = at(1, 1);

    (void)state;
    alloc_fail_after(0);
    assert_int_equal(ice_client_next(&w->client, NOW, &w->out, &w->to), CONCLAVE_ENOMEM);
    assert_true(checks(w, NOW));
    buf_free(&w->out);
    alloc_fail_after(0);
    assert_int_equal(ice_client_input(&w->client, buf_view(&b), &from, NOW, &w->out),
                     CONCLAVE_ENOMEM);
    alloc_fail_off();
    buf_free(&b);
    close_world(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_check_says_what_rfc_8445_asks_for),
        cmocka_unit_test(checks_begin_at_a_pace_and_are_sent_again_ever_later),
        cmocka_unit_test(an_address_has_failed_after_five_checks_and_all_of_them_after_that),
        cmocka_unit_test(regular_nomination_waits_for_a_better_address_but_not_for_long),
        cmocka_unit_test(regular_nomination_takes_the_best_address_at_once),
        cmocka_unit_test(a_nomination_that_fails_leaves_the_next_address),
        cmocka_unit_test(aggressive_nomination_takes_the_first_address_that_answers),
        cmocka_unit_test(only_the_servers_answers_from_where_the_check_went_count),
        cmocka_unit_test(an_error_counts_only_if_the_server_signed_it),
        cmocka_unit_test(consent_is_asked_for_every_five_seconds_or_so),
        cmocka_unit_test(without_consent_nothing_is_sent_and_the_state_says_so),
        cmocka_unit_test(in_doubt_all_addresses_are_tried_again),
        cmocka_unit_test(a_restart_uses_the_new_credentials_and_keeps_what_works_meanwhile),
        cmocka_unit_test(a_lost_client_is_back_after_a_restart),
        cmocka_unit_test(the_servers_own_checks_are_answered),
        cmocka_unit_test(a_flood_of_requests_is_not_answered_for_ever),
        cmocka_unit_test(a_client_needs_candidates_and_credentials),
        cmocka_unit_test(a_check_without_memory_is_made_by_the_next_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
