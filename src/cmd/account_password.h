/* Where passwords come from: the first line of a file, or the keyboard, unseen. Never the command
 * line, which everybody on the machine can read.
 */
#ifndef CMD_ACCOUNT_PASSWORD_H
#define CMD_ACCOUNT_PASSWORD_H

#include <conclave/bytes.h>

struct account_password {
    const char *file;   /* NULL: the keyboard */
    const char *prompt; /* "Password: " */
};

/* Appends it. EINVAL if there is none; ENOMEM. For struct join_credential_config. */
int account_password_read(void *password, struct buf *out) CONCLAVE_CHECKED;

#endif
