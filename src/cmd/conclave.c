/* The program `conclave`: a table of subcommands. */
#include <stdio.h>
#include <string.h>

#include <conclave/version.h>

#include "cmd/account.h"
#include "cmd/admin.h"
#include "cmd/bench.h"
#include "cmd/demo.h"
#include "cmd/join.h"
#include "cmd/meeting.h"

static const struct {
    const char *name, *text;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"join", "take part in a meeting", join_main},
    {"demo", "play a whole meeting on this machine and tell it", demo_main},
    {"meeting", "make a meeting and get its link", meeting_main},
    {"account", "sign up, change the password", account_main},
    {"admin", "users, devices, meetings, rooms, tokens, audit log", admin_main},
    {"bench", "measure what the library does against the floor", bench_main},
};
#define N_COMMANDS (sizeof commands / sizeof commands[0])

static void usage(FILE *to)
{
    fprintf(to, "usage: conclave COMMAND [ARGUMENT...]\n       conclave --version\n");
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].text);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("conclave %s\n", conclave_version());
        return 0;
    }
    if (strcmp(argv[1], "--help") == 0) {
        usage(stdout);
        return 0;
    }
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "conclave: there is no command \"%s\"\n", argv[1]);
    usage(stderr);
    return 2;
}
