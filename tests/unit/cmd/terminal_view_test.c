/* How people are shown: a verified identity and a claimed name are told apart, and nothing a
 * stranger chose can pretend to be either.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants those before it */
#include <cmocka.h>

#include "cmd/terminal_view.h"
#include "signal/reason.h"

static struct participant_person person(const char *name)
{
    struct participant_person p = {.leaf = 2, .connected = true};
    strcpy(p.name, name);
    p.identity.reason = IDENTITY_IS_GUEST;
    strcpy(p.identity.label, "Unverified");
    return p;
}

static struct participant_person verified(const char *name)
{
    struct participant_person p = person(name);
    p.identity = (struct identity){
        .category = IDENTITY_MEMBER, .reason = IDENTITY_VERIFIED, .in_organisation = true};
    strcpy(p.identity.label, "company.com");
    strcpy(p.identity.identifier, "bob@company.com");
    strcpy(p.identity.issuer, "Example CA");
    return p;
}

static void buf_is(struct buf *b, const char *text)
{
    buf_put(b, bytes_of("", 1));
    assert_int_equal(buf_check(b), 0);
    assert_string_equal((const char *)b->p, text);
    buf_free(b);
}

static void person_is(struct participant_person p, const char *text)
{
    struct buf b = {0};
    terminal_put_person(&b, false, &p);
    buf_is(&b, text);
}

static void a_name_stands_before_what_is_verified(void **state)
{
    (void)state;
    person_is(verified("Bob"), "Bob (company.com)");
    person_is(person("Bob"), "Bob (Unverified)");
    person_is(verified(""), "bob@company.com");
    person_is(person(""), "Somebody without a name (Unverified)");
}

static void a_name_cannot_steer_the_terminal(void **state)
{
    (void)state;
    /* NOLINTNEXTLINE(misc-misleading-bidirectional) it is the case */
    person_is(person("\x1b[31mEve\r\xe2\x80\xae"), "\xef\xbf\xbd[31mEve\xef\xbf\xbd\xef\xbf\xbd"
                                                   " (Unverified)");
}

static void colours_begin_and_end(void **state)
{
    struct buf b = {0};
    struct participant_person p = verified("Bob");
    (void)state;
    terminal_put_person(&b, true, &p);
    buf_is(&b, "\x1b[1mBob\x1b[0m (\x1b[32mcompany.com\x1b[0m)");
}

static void the_roster_tells_role_identity_and_who_vouches(void **state)
{
    struct buf b = {0};
    struct participant_person p = verified("Bob");
    (void)state;
    p.role = PARTICIPANT_HOST;
    p.me = p.hand = p.same_name = true;
    terminal_put_roster(&b, false, &p);
    buf_is(&b, "   3  Bob (company.com) \xc2\xb7 you \xc2\xb7 host \xc2\xb7 hand raised \xc2\xb7 "
               "somebody else shows the same name\n"
               "      bob@company.com, of the organization. Identity verified by Example CA.\n");
}

static void the_unverified_are_told_with_the_reason(void **state)
{
    struct buf b = {0};
    struct participant_person p = person("Eve");
    (void)state;
    p.identity.reason = IDENTITY_EXPIRED;
    p.connected = false;
    terminal_put_roster(&b, false, &p);
    buf_put(&b, bytes_of("", 1));
    assert_non_null(strstr((char *)b.p, "Eve (Unverified) \xc2\xb7 connection gone\n"));
    assert_non_null(strstr((char *)b.p, identity_reason_text(IDENTITY_EXPIRED)));
    assert_null(strstr((char *)b.p, "verified by"));
    buf_free(&b);
}

static void who_waits_is_shown_with_the_time(void **state)
{
    struct buf b = {0};
    struct participant_person p = verified("Bob");
    (void)state;
    p.since = 1000;
    terminal_put_waiting(&b, false, 7, 1012, &p);
    buf_is(&b, "   7  Bob (company.com) \xc2\xb7 waiting 12 s\n"
               "      bob@company.com, of the organization. Identity verified by Example CA.\n");
    terminal_put_waiting(&b, false, 7, 1180, &p);
    buf_put(&b, bytes_of("", 1));
    assert_non_null(strstr((char *)b.p, "waiting 3 min"));
    buf_free(&b);
}

static void alarms_are_loud_and_tell_the_next_step(void **state)
{
    struct buf b = {0};
    (void)state;
    terminal_put_notice(&b, false, PARTICIPANT_ALARM, "It is wrong.", "Do this.");
    buf_is(&b, "ALARM: It is wrong. Do this.\n");
    terminal_put_notice(&b, false, PARTICIPANT_INFO, "It is so.", "");
    buf_is(&b, "It is so.\n");
    terminal_put_notice(&b, true, PARTICIPANT_WARNING, "Look.", "");
    buf_is(&b, "\x1b[33mWarning: Look.\x1b[0m\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_stands_before_what_is_verified),
        cmocka_unit_test(a_name_cannot_steer_the_terminal),
        cmocka_unit_test(colours_begin_and_end),
        cmocka_unit_test(the_roster_tells_role_identity_and_who_vouches),
        cmocka_unit_test(the_unverified_are_told_with_the_reason),
        cmocka_unit_test(who_waits_is_shown_with_the_time),
        cmocka_unit_test(alarms_are_loud_and_tell_the_next_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
