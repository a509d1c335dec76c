#include "cmd/join_exit.h"

#include <stddef.h>

#include "signal/reason.h"

/* Reasons are numbered by what they are about; these are the exceptions. */
static const struct {
    int reason;
    enum join_exit code;
} exceptions[] = {
    {REASON_NONE, JOIN_EXIT_FINE},       {REASON_LEFT, JOIN_EXIT_FINE},
    {REASON_ENDED, JOIN_EXIT_FINE},      {REASON_BAD_LINK, JOIN_EXIT_USAGE},
    {REASON_VERSION, JOIN_EXIT_NETWORK}, {REASON_TOO_EARLY, JOIN_EXIT_REFUSED},
    {REASON_GONE, JOIN_EXIT_MEETING},    {REASON_STORAGE, JOIN_EXIT_STORAGE},
};

static const struct {
    int first, last;
    enum join_exit code;
} ranges[] = {
    {1, 19, JOIN_EXIT_MEETING},   /* the link, the number, the card */
    {20, 39, JOIN_EXIT_REFUSED},  /* admission */
    {40, 50, JOIN_EXIT_IDENTITY}, /* identity and clock */
    {51, 59, JOIN_EXIT_REFUSED},  /* accounts and administration */
    {60, 79, JOIN_EXIT_MEETING},  /* the group */
    {80, 99, JOIN_EXIT_NETWORK},  /* the connection */
};

enum join_exit join_exit_of(int reason)
{
    for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++)
        if (exceptions[i].reason == reason)
            return exceptions[i].code;
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (reason >= ranges[i].first && reason <= ranges[i].last)
            return ranges[i].code;
    return JOIN_EXIT_MACHINE;
}
