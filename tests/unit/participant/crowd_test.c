/* A meeting of more than 256: commits in one go, gardening, and heartbeats that are counted
 * together instead of one by one. Its members are one participant and key packages of many. */
#include "desk.h"

#include <stdio.h>

#include "meeting/knock.h"
#include "mls/group.h"

#define CROWD 300

struct crowd {
    struct desk d;
    struct crypto_signer *signers[CROWD];
    struct buf entries;
};

/* What somebody sends who knocks. */
static void knock(struct crowd *c, size_t i)
{
    struct desk *d = &c->d;
    char name[40];
    struct buf request = {0}, certificate = {0};
    const struct identity_subject subject = {.kind = IDENTITY_USER, .name = name};
    snprintf(name, sizeof name, "p%u@company.com", (unsigned)i);
    assert_int_equal(crypto_signer_generate(d->w.crypto, &c->signers[i]), 0);
    assert_int_equal(identity_csr_make(c->signers[i], &request), 0);
    assert_int_equal(identity_ca_issue(d->w.ca, buf_view(&request), &subject, MEETING_NOW,
                                       MEETING_DAY, &certificate),
                     0);
    const struct bytes chain = buf_view(&certificate);
    struct participant *host = d->p;
    d->config.signer = c->signers[i];
    d->config.chain = &chain;
    desk_start(d);
    desk_greet(d, true);
    struct meeting_knock read;
    struct bytes key_package = desk_last(d, SIGNAL_KNOCK).body;
    assert_int_equal(meeting_knock_read(d->w.crypto, key_package, MEETING_NOW, &read), 0);
    signal_put_entry(&c->entries, &(struct signal_entry){.ref = bytes_of(read.ref, read.ref_n),
                                                         .key_package = key_package});
    desk_unseat(d);
    d->p = host;
    buf_free(&request);
    buf_free(&certificate);
}

/* Its commit is accepted. */
static void accept(struct desk *d)
{
    struct buf commit = {0};
    buf_put(&commit, desk_last(d, SIGNAL_COMMIT).body);
    desk_forget(d);
    desk_say(d, &(struct signal_message){.type = SIGNAL_COMMITTED, .body = buf_view(&commit)});
    buf_free(&commit);
}

static void gather(struct crowd *c)
{
    *c = (struct crowd){0};
    desk_open(&c->d);
    desk_seat(&c->d, c->d.w.organiser);
    desk_found(&c->d);
    for (size_t i = 0; i < CROWD; i++)
        knock(c, i);
    desk_say(&c->d,
             &(struct signal_message){.type = SIGNAL_JOINERS, .entries = buf_view(&c->entries)});
    assert_int_equal(desk_sent(&c->d, SIGNAL_COMMIT), 1); /* all of them in one go */
    accept(&c->d);
    assert_int_equal(mls_group_member_count(c->d.p->group), CROWD + 1);
    assert_int_equal(desk_told(&c->d, PARTICIPANT_JOINED), CROWD);
    assert_int_equal(desk_sent(&c->d, SIGNAL_WELCOME), 1);
    assert_true(c->d.p->joiners.n == 0 && c->d.p->joiners.bytes == 0);
    desk_forget(&c->d);
}

static void disperse(struct crowd *c)
{
    for (size_t i = 0; i < CROWD; i++)
        crypto_signer_free(c->signers[i]);
    buf_free(&c->entries);
    desk_close(&c->d);
}

static void the_first_of_a_block_fills_the_tree_once_it_is_quiet(void **state)
{
    struct crowd c;
    size_t bare = 0, filled = 0;
    (void)state;
    gather(&c);
    assert_int_equal(mls_group_subtree_cost(c.d.p->group, 0, 8, &bare), 0);
    assert_true(bare > 64);
    desk_wait(&c.d, 4 * SECOND_US);
    assert_int_equal(desk_sent(&c.d, SIGNAL_COMMIT), 0);
    desk_wait(&c.d, 2 * SECOND_US);
    assert_int_equal(desk_sent(&c.d, SIGNAL_COMMIT), 1);
    accept(&c.d);
    assert_int_equal(mls_group_subtree_cost(c.d.p->group, 0, 8, &filled), 0);
    assert_int_equal(filled, 1);
    desk_forget(&c.d);
    desk_wait(&c.d, 20 * SECOND_US); /* once */
    assert_int_equal(desk_sent(&c.d, SIGNAL_COMMIT), 0);
    disperse(&c);
}

/* Due are two thirds of the heartbeats of all; nobody says anything. */
static void a_crowd_that_is_silent_is_told_once(void **state)
{
    struct crowd c;
    (void)state;
    gather(&c);
    desk_wait(&c.d, 60 * SECOND_US);
    assert_int_equal(desk_noticed(&c.d, REASON_OTHERS_SILENT), 1);
    assert_in_range(desk_sent(&c.d, SIGNAL_APP), 1, 3); /* it beats every 30 s itself */
    disperse(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_of_a_block_fills_the_tree_once_it_is_quiet),
        cmocka_unit_test(a_crowd_that_is_silent_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
