#include "cmd/account_password.h"

#include <stdio.h>
#include <string.h>

#include "base/wipe.h"
#include "cmd/terminal_input.h"

static int read_first_line(const char *path, struct buf *out)
{
    char line[1024];
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return CONCLAVE_EINVAL;
    char *got = fgets(line, sizeof line, f);
    fclose(f);
    if (got == NULL || line[0] == '\n')
        return CONCLAVE_EINVAL;
    buf_put(out, bytes_of(line, strcspn(line, "\r\n")));
    wipe(line, sizeof line);
    return buf_check(out);
}

int account_password_read(void *password, struct buf *out)
{
    const struct account_password *p = password;
    return p->file != NULL ? read_first_line(p->file, out) : terminal_ask_secret(p->prompt, out);
}
