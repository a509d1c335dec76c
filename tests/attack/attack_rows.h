/* Each program of attacks is a list of rows. Run plainly it tests them; with --list it prints them
 * as lines of the table in docs/THREAT-MODEL.md (tools/attack-table.sh).
 */
#ifndef TESTS_ATTACK_ATTACK_ROWS_H
#define TESTS_ATTACK_ATTACK_ROWS_H

#include <stddef.h>

enum attack_outcome { ATTACK_REFUSED, ATTACK_VISIBLE };

struct attack {
    unsigned number; /* several tests may share one */
    const char *title;
    const char *by; /* who attacks: "server", "member", "network", "stranger", or together */
    enum attack_outcome outcome;
    const char *how; /* in one sentence: what stops it, or what people see */
    const char *name;
    void (*run)(void **state);
};

/* The test's name tells what it proves. */
#define ATTACK(number, test, title, by, outcome, how)           \
    {                                                           \
        number, title, by, ATTACK_##outcome, how, #test, (test) \
    }

#define ATTACKS_MAX 64
int attack_main(int argc, char **argv, const struct attack *list, size_t n);

#endif
