/* `conclave demo`: a whole meeting on this machine, told as it happens. */
#ifndef CMD_DEMO_H
#define CMD_DEMO_H

int demo_main(int argc, char **argv);

#endif
