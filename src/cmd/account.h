/* `conclave account`: sign up, change the password. And what the other commands share that act as
 * somebody on a server.
 */
#ifndef CMD_ACCOUNT_H
#define CMD_ACCOUNT_H

#include "cmd/account_api.h"

int account_main(int argc, char **argv);

/* Says on stderr what went wrong, and gives what to exit with. */
int account_tell_problem(const struct account_problem *problem);
int account_tell_error(int error);

/* Opens the API of --server, or of the environment's CONCLAVE_SERVER. 0, or what to exit with after
 * a complaint. */
int account_open(const char *server, const char *ca_file, struct account_api **out);

/* As JSON on stdout, for --json. */
void account_print_json(const json_t *object);

#endif
