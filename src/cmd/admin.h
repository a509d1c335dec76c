/* `conclave admin`: users, devices, meetings, rooms, tokens and the audit log of a server. */
#ifndef CMD_ADMIN_H
#define CMD_ADMIN_H

int admin_main(int argc, char **argv);

#endif
