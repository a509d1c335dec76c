#include "cmd/account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/wipe.h"
#include "cmd/account_password.h"
#include "cmd/join_exit.h"
#include "cmd/options.h"

/* ---- What other commands share ---- */

int account_tell_problem(const struct account_problem *p)
{
    fprintf(stderr, "conclave: %s%s%s\n", p->text, p->next[0] != 0 ? " " : "", p->next);
    return (int)join_exit_of(p->reason);
}

int account_tell_error(int error)
{
    if (error == CONCLAVE_EINVAL)
        fprintf(stderr, "conclave: there is no password; give --password-file, or a keyboard\n");
    else
        fprintf(stderr, "conclave: %s\n", conclave_error_text(error));
    return error == CONCLAVE_EINVAL ? JOIN_EXIT_USAGE : JOIN_EXIT_MACHINE;
}

int account_open(const char *server, const char *ca_file, struct account_api **out)
{
    const char *url = server != NULL ? server : getenv("CONCLAVE_SERVER");
    if (url == NULL) {
        fprintf(stderr, "conclave: which server? Give --server URL, or set CONCLAVE_SERVER\n");
        return JOIN_EXIT_USAGE;
    }
    int rv = account_api_new(url, ca_file, out);
    if (rv == CONCLAVE_EINVAL) {
        fprintf(stderr, "conclave: \"%s\" is no server: https://HOST, or http://localhost:PORT\n",
                url);
        return JOIN_EXIT_USAGE;
    }
    return rv != 0 ? account_tell_error(rv) : 0;
}

void account_print_json(const json_t *object)
{
    char *text = json_dumps(object, JSON_INDENT(2));
    if (text != NULL)
        printf("%s\n", text);
    free(text);
}

/* ---- Subcommands ---- */

struct account_options {
    const char *server, *ca, *password_file, *new_password_file;
    const char *args[2]; /* what to do, and the e-mail address */
};

/* With a terminator. */
static int read_secret(const char *file, const char *prompt, struct buf *out)
{
    struct account_password from = {.file = file, .prompt = prompt};
    int rv = account_password_read(&from, out);
    buf_put(out, bytes_of("", 1));
    return rv != 0 ? rv : buf_check(out);
}

static int report(int rv, const struct account_problem *problem, const char *done)
{
    if (rv == CONCLAVE_EPOLICY)
        return account_tell_problem(problem);
    if (rv != 0)
        return account_tell_error(rv);
    printf("%s\n", done);
    return 0;
}

static int sign_up(struct account_api *api, const struct account_options *o)
{
    struct buf password = {0};
    struct account_problem problem = {0};
    json_t *body = NULL;
    int rv = read_secret(o->password_file, "New password: ", &password);
    if (rv == 0) {
        body = json_pack("{s:s, s:s}", "email", o->args[1], "password", (char *)password.p);
        rv = body == NULL
                 ? CONCLAVE_EINVAL
                 : account_call(api, "POST", "/api/v1/sign-up", NULL, body, NULL, &problem);
    }
    json_decref(body);
    buf_free(&password);
    return report(rv, &problem, "The account is there.");
}

static int change_password(struct account_api *api, const struct account_options *o)
{
    struct buf old = {0}, fresh = {0};
    struct account_pass pass = {0};
    struct account_problem problem = {0};
    json_t *body = NULL;
    int rv = read_secret(o->password_file, "Present password: ", &old);
    if (rv == 0)
        rv = read_secret(o->new_password_file, "New password: ", &fresh);
    if (rv == 0)
        rv = account_sign_in(api, o->args[1], (char *)old.p, &pass, &problem);
    if (rv == 0) {
        body = json_pack("{s:s, s:s}", "old", (char *)old.p, "password", (char *)fresh.p);
        rv = body == NULL
                 ? CONCLAVE_EINVAL
                 : account_call(api, "POST", "/api/v1/password", pass.token, body, NULL, &problem);
    }
    json_decref(body);
    wipe(&pass, sizeof pass);
    buf_free(&old);
    buf_free(&fresh);
    return report(rv, &problem, "The password is changed; everybody else is signed out.");
}

static const struct {
    const char *name;
    int (*run)(struct account_api *api, const struct account_options *o);
} actions[] = {
    {"sign-up", sign_up},
    {"password", change_password},
};

int account_main(int argc, char **argv)
{
    struct account_options o = {0};
    struct account_api *api = NULL;
    const struct option_row rows[] = {
        {"--server", "URL", "the server; else CONCLAVE_SERVER", .text = &o.server},
        {"--password-file", "FILE", "the password is its first line; else it is asked for",
         .text = &o.password_file},
        {"--new-password-file", "FILE", "likewise, for the new one", .text = &o.new_password_file},
        {"--ca", "FILE", "CAs to trust for the server's TLS", .text = &o.ca},
    };
    const struct options options = {
        .usage = "conclave account sign-up|password EMAIL [OPTION...]",
        .about = "Makes an account on a server that lets anybody do so, or changes its password.",
        .rows = rows,
        .n_rows = sizeof rows / sizeof rows[0],
        .least = 2,
        .most = 2,
    };
    size_t n;
    int rv = options_parse(&options, argc, argv, o.args, &n);
    if (rv != 0)
        return options_exit(rv);
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (strcmp(actions[i].name, o.args[0]) != 0)
            continue;
        int code = account_open(o.server, o.ca, &api);
        if (code == 0)
            code = actions[i].run(api, &o);
        account_api_free(api);
        return code;
    }
    fprintf(stderr, "conclave: what to do with the account? sign-up or password\n");
    return JOIN_EXIT_USAGE;
}
