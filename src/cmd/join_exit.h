/* What the programs exit with, by why they ended: docs/CLI.md. */
#ifndef CMD_JOIN_EXIT_H
#define CMD_JOIN_EXIT_H

enum join_exit {
    JOIN_EXIT_FINE = 0,     /* left, or the meeting was ended */
    JOIN_EXIT_MACHINE = 1,  /* this machine gave out: memory, randomness */
    JOIN_EXIT_USAGE = 2,    /* the command line, or what was pasted as a link */
    JOIN_EXIT_REFUSED = 3,  /* by a host, the lock, the organiser's rules, an administrator */
    JOIN_EXIT_NETWORK = 4,  /* the server cannot be reached, trusted or understood */
    JOIN_EXIT_IDENTITY = 5, /* sign-in, certificate, device, clock */
    JOIN_EXIT_MEETING = 6,  /* there is no such meeting, or it is not what the link says */
    JOIN_EXIT_STORAGE = 7,  /* the state folder */
};

/* enum reason */
enum join_exit join_exit_of(int reason);

#endif
