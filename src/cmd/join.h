/* `conclave join`: take part in a meeting, from a terminal or a program. */
#ifndef CMD_JOIN_H
#define CMD_JOIN_H

int join_main(int argc, char **argv);

#endif
