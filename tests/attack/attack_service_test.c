/* Strangers at the accounts. */
#include "unit/service/service_world.h"

#include "attack.h"
#include "service/password.h"

#define EMAIL "ada@company.com"
#define PASSWORD "correct horse battery"
#define SIGN_IN SERVICE_PREFIX "/sign-in"

static void add_ada(struct world *w)
{
    struct store_user u = {.email = EMAIL, .created_at = w->now};
    struct password_job job = {0};
    uint64_t id;
    assert_int_equal(password_anew(&job, PASSWORD, w->crypto), 0);
    password_run(&job);
    assert_int_equal(job.rv, 0);
    u.password = job.made;
    password_fini(&job);
    assert_int_equal(store_user_add(w->store, &u, &id), 0);
}

/* One try; whether it was looked at, which the server would have to work for. */
static bool is_looked_at(struct world *w, const char *password)
{
    char body[160];
    snprintf(body, sizeof body, "{\"email\": \"" EMAIL "\", \"password\": \"%s\"}", password);
    struct service_work *work = world_begin(w, "POST", SIGN_IN, NULL, body);
    if (work == NULL) {
        assert_int_equal(w->response.status, 429);
        return false;
    }
    assert_int_equal(world_finish(w, work), 401);
    return true;
}

static void a_dictionary_of_passwords_is_not_read_to_its_end(void **state)
{
    struct world *w = NULL;
    char address[32], password[32];
    size_t looked_at = 0;
    (void)state;
    assert_int_equal(world_setup((void **)&w), 0);
    add_ada(w);
    /* a thousand words in ten minutes, each from somewhere else, the right one near the end */
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(address, sizeof address, "198.51.%u.%u", 100 + i / 250, 1 + i % 250);
        snprintf(password, sizeof password, "word number %u", i);
        w->address = address;
        w->now = WORLD_NOW + i * 600 / 1000;
        looked_at += is_looked_at(w, i == 990 ? PASSWORD : password);
    }
    assert_in_range(looked_at, 20, 20 + 20); /* and one each half minute */
    /* whoever knows it gets in, when it is quiet again */
    w->now += 60;
    assert_int_equal(world_ask(w, "POST", SIGN_IN, NULL,
                               "{\"email\": \"" EMAIL "\", \"password\": \"" PASSWORD "\"}"),
                     200);
    assert_int_equal(world_teardown((void **)&w), 0);
}

static const struct attack attacks[] = {
    ATTACK(55, a_dictionary_of_passwords_is_not_read_to_its_end, "Guessing passwords", "stranger",
           REFUSED, "Twenty tries of an account, then two a minute, from wherever they come."),
};

int main(int argc, char **argv)
{
    return attack_main(argc, argv, attacks, sizeof attacks / sizeof attacks[0]);
}
