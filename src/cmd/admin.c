/* Every command is a row of a table: a request of docs/openapi.yaml, and what to show of its
 * answer. */
#include "cmd/admin.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/wipe.h"
#include "cmd/account.h"
#include "cmd/account_password.h"
#include "cmd/join_exit.h"
#include "cmd/options.h"
#include "cmd/terminal_text.h"

#define PATH_SIZE 512
#define COLUMNS_MAX 12

enum body {
    BODY_NONE,
    BODY_EMAIL, /* and a password, and --admin */
    BODY_PASSWORD,
    BODY_NAME,
    BODY_ENABLE,
    BODY_DISABLE,
};

struct command {
    const char *noun, *verb;
    const char *argument;      /* what it is about; NULL: nothing */
    const char *method, *path; /* "%s" stands for the argument */
    enum body body;
    const char *list;                 /* the member that holds rows; NULL: none */
    const char *columns[COLUMNS_MAX]; /* of a row, or of the answer; "a.b": b of its object a */
    const char *help;
};

static const struct command commands[] = {
    {"users",
     "list",
     NULL,
     "GET",
     "/admin/users",
     BODY_NONE,
     "users",
     {"id", "email", "admin", "disabled", "created_at"},
     "all accounts"},
    {"users",
     "add",
     "EMAIL",
     "POST",
     "/admin/users",
     BODY_EMAIL,
     NULL,
     {"id", "email", "admin"},
     "make an account (--admin: of an administrator)"},
    {"users",
     "disable",
     "ID",
     "PATCH",
     "/admin/users/%s",
     BODY_DISABLE,
     NULL,
     {NULL},
     "end its sessions and let it in no more"},
    {"users", "enable", "ID", "PATCH", "/admin/users/%s", BODY_ENABLE, NULL, {NULL}, "undo that"},
    {"users",
     "password",
     "ID",
     "PUT",
     "/admin/users/%s/password",
     BODY_PASSWORD,
     NULL,
     {NULL},
     "set another password"},
    {"users",
     "delete",
     "ID",
     "DELETE",
     "/admin/users/%s",
     BODY_NONE,
     NULL,
     {NULL},
     "delete the account and its meetings"},
    {"devices",
     "list",
     NULL,
     "GET",
     "/admin/devices",
     BODY_NONE,
     "devices",
     {"id", "name", "activated", "revoked", "created_at"},
     "all devices"},
    {"devices",
     "add",
     "NAME",
     "POST",
     "/admin/devices",
     BODY_NAME,
     NULL,
     {"code", "expires"},
     "name a device (DNS), and show its activation code"},
    {"devices",
     "code",
     "ID",
     "POST",
     "/admin/devices/%s/code",
     BODY_NONE,
     NULL,
     {"code", "expires"},
     "another activation code"},
    {"devices",
     "revoke",
     "ID",
     "DELETE",
     "/admin/devices/%s",
     BODY_NONE,
     NULL,
     {NULL},
     "let it in no more"},
    {"meetings",
     "list",
     NULL,
     "GET",
     "/admin/meetings",
     BODY_NONE,
     "meetings",
     {"number", "owner", "personal", "open", "created_at", "not_after"},
     "all meetings"},
    {"meetings",
     "delete",
     "NUMBER",
     "DELETE",
     "/admin/meetings/%s",
     BODY_NONE,
     NULL,
     {NULL},
     "end and forget a meeting"},
    {"rooms",
     "list",
     NULL,
     "GET",
     "/admin/rooms",
     BODY_NONE,
     "rooms",
     {"number", "members", "connected", "waiting", "epoch", "locked", "started_at",
      "media.connected", "media.tracks", "media.loss_ppm"},
     "meetings that are held now"},
    {"rooms",
     "end",
     "NUMBER",
     "DELETE",
     "/admin/rooms/%s",
     BODY_NONE,
     NULL,
     {NULL},
     "end it for everybody"},
    {"tokens",
     "list",
     NULL,
     "GET",
     "/admin/tokens",
     BODY_NONE,
     "tokens",
     {"id", "kind", "identifier", "created_at", "expires"},
     "who is signed in"},
    {"tokens",
     "revoke",
     "ID",
     "DELETE",
     "/admin/tokens/%s",
     BODY_NONE,
     NULL,
     {NULL},
     "end a session"},
    {"audit",
     "list",
     NULL,
     "GET",
     "/admin/audit",
     BODY_NONE,
     "entries",
     {"id", "at", "actor", "action", "object"},
     "who changed what"},
};
#define N_COMMANDS (sizeof commands / sizeof commands[0])

struct admin_options {
    const char *server, *ca, *token_file, *password_file, *after, *max;
    bool json, admin;
    const char *args[3];
    size_t n_args;
};

/* ---- The request ---- */

static int read_secret(const char *file, const char *prompt, struct buf *out)
{
    struct account_password from = {.file = file, .prompt = prompt};
    int rv = account_password_read(&from, out);
    buf_put(out, bytes_of("", 1));
    return rv != 0 ? rv : buf_check(out);
}

static int put_password(const struct admin_options *o, json_t *body)
{
    struct buf password = {0};
    int rv = read_secret(o->password_file, "Password of the account: ", &password);
    if (rv == 0 && json_object_set_new(body, "password", json_string((char *)password.p)) != 0)
        rv = CONCLAVE_EINVAL;
    buf_free(&password);
    return rv;
}

static int make_body(const struct command *c, const struct admin_options *o, json_t **out)
{
    json_t *body = c->body == BODY_NONE ? NULL : json_object();
    int rv = 0;
    switch (c->body) {
    case BODY_NONE:
        break;
    case BODY_EMAIL:
        json_object_set_new(body, "email", json_string(o->args[2]));
        json_object_set_new(body, "admin", json_boolean(o->admin));
        rv = put_password(o, body);
        break;
    case BODY_PASSWORD:
        rv = put_password(o, body);
        break;
    case BODY_NAME:
        json_object_set_new(body, "name", json_string(o->args[2]));
        break;
    case BODY_ENABLE:
    case BODY_DISABLE:
        json_object_set_new(body, "disabled", json_boolean(c->body == BODY_DISABLE));
        break;
    }
    if (rv == 0)
        *out = body;
    else
        json_decref(body);
    return rv;
}

static bool is_word(const char *s)
{
    return s[0] != 0 && s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "0123456789-._@")] == 0;
}

/* The pattern with the argument in place of "%s", and what part of a list is wanted. */
static bool make_path(const struct command *c, const struct admin_options *o,
                      char out[static PATH_SIZE])
{
    const char *hole = strstr(c->path, "%s");
    const char *argument = hole != NULL ? o->args[2] : "";
    const char *after = o->after != NULL ? o->after : "", *max = o->max != NULL ? o->max : "";
    size_t head = hole != NULL ? (size_t)(hole - c->path) : strlen(c->path);
    if ((hole != NULL && !is_word(argument)) || (*after != 0 && !is_word(after)) ||
        (*max != 0 && !is_word(max)))
        return false;
    int n = snprintf(out, PATH_SIZE, "/api/v1%.*s%s%s%s%s%s%s%s", (int)head, c->path, argument,
                     hole != NULL ? hole + 2 : "", *after != 0 || *max != 0 ? "?" : "",
                     *after != 0 ? "after=" : "", after,
                     *max != 0 ? (*after != 0 ? "&max=" : "max=") : "", max);
    return n > 0 && n < PATH_SIZE;
}

/* ---- The answer ---- */

static void put_value(struct buf *b, const char *column, const json_t *value)
{
    char text[64];
    struct tm tm;
    time_t t = (time_t)json_integer_value(value);
    bool is_time = strcmp(column, "at") == 0 || strcmp(column, "expires") == 0 ||
                   strstr(column, "_at") != NULL || strcmp(column, "not_after") == 0;
    if (json_is_string(value))
        terminal_put_plain(b, bytes_str(json_string_value(value)), 0);
    else if (json_is_boolean(value))
        terminal_put(b, json_is_true(value) ? "yes" : "no");
    else if (is_time && t != 0 && localtime_r(&t, &tm) != NULL &&
             strftime(text, sizeof text, "%Y-%m-%d %H:%M", &tm) != 0)
        terminal_put(b, "%s", text);
    else if (json_is_integer(value) && !(is_time && t == 0))
        terminal_put(b, "%lld", (long long)json_integer_value(value));
    else
        terminal_put(b, "-");
}

static const json_t *value_of(const json_t *row, const char *column)
{
    const char *dot = strchr(column, '.');
    if (dot == NULL)
        return json_object_get(row, column);
    return json_object_get(json_object_getn(row, column, (size_t)(dot - column)), dot + 1);
}

static size_t width_of(const char *column, const json_t *value)
{
    struct buf b = {0};
    put_value(&b, column, value);
    size_t width = terminal_width(buf_view(&b));
    buf_free(&b);
    return width;
}

static void put_cell(struct buf *b, const char *column, const json_t *value, size_t width)
{
    size_t used = width_of(column, value);
    put_value(b, column, value);
    terminal_put(b, "%*s", (int)(width - used + 2), "");
}

static void print_table(const struct command *c, const json_t *rows)
{
    struct buf b = {0};
    size_t width[COLUMNS_MAX], i;
    json_t *row;
    for (size_t k = 0; k < COLUMNS_MAX && c->columns[k] != NULL; k++) {
        width[k] = strlen(c->columns[k]);
        json_array_foreach(rows, i, row)
        {
            size_t w = width_of(c->columns[k], value_of(row, c->columns[k]));
            width[k] = w > width[k] ? w : width[k];
        }
        terminal_put(&b, "%-*s", (int)width[k] + 2, c->columns[k]);
    }
    terminal_put(&b, "\n");
    json_array_foreach(rows, i, row)
    {
        for (size_t k = 0; k < COLUMNS_MAX && c->columns[k] != NULL; k++)
            put_cell(&b, c->columns[k], value_of(row, c->columns[k]), width[k]);
        terminal_put(&b, "\n");
    }
    fwrite(b.p, 1, b.n, stdout);
    buf_free(&b);
}

static void print_answer(const struct command *c, const json_t *answer)
{
    struct buf b = {0};
    const char *next = json_string_value(json_object_get(answer, "next"));
    if (c->list != NULL) {
        print_table(c, json_object_get(answer, c->list));
        if (next != NULL)
            printf("There is more: --after %s\n", next);
        return;
    }
    for (size_t k = 0; k < COLUMNS_MAX && c->columns[k] != NULL; k++) {
        terminal_put(&b, "%s: ", c->columns[k]);
        put_value(&b, c->columns[k], value_of(answer, c->columns[k]));
        terminal_put(&b, "\n");
    }
    if (c->columns[0] == NULL)
        terminal_put(&b, "Done.\n");
    fwrite(b.p, 1, b.n, stdout);
    buf_free(&b);
}

/* ---- The command ---- */

static int perform(const struct command *c, const struct admin_options *o, struct account_api *api,
                   const char *token)
{
    char path[PATH_SIZE];
    struct account_problem problem = {0};
    json_t *body = NULL, *answer = NULL;
    if (!make_path(c, o, path)) {
        fprintf(stderr, "conclave: this is not what the command is about: %s\n", o->args[2]);
        return JOIN_EXIT_USAGE;
    }
    int rv = make_body(c, o, &body);
    if (rv == 0)
        rv = account_call(api, c->method, path, token, body, &answer, &problem);
    json_decref(body);
    if (rv == CONCLAVE_EPOLICY)
        return account_tell_problem(&problem);
    if (rv != 0)
        return account_tell_error(rv);
    if (o->json)
        account_print_json(answer);
    else
        print_answer(c, answer);
    json_decref(answer);
    return 0;
}

static int run(const struct command *c, const struct admin_options *o)
{
    struct account_api *api = NULL;
    struct buf token = {0};
    if (o->token_file == NULL) {
        fprintf(stderr, "conclave: --token-file FILE is needed: "
                        "`conclaved --make-admin-token` makes its content\n");
        return JOIN_EXIT_USAGE;
    }
    if (read_secret(o->token_file, "", &token) != 0 || token.n > ACCOUNT_TOKEN_MAX) {
        fprintf(stderr, "conclave: there is no token in %s\n", o->token_file);
        buf_free(&token);
        return JOIN_EXIT_USAGE;
    }
    int code = account_open(o->server, o->ca, &api);
    if (code == 0)
        code = perform(c, o, api, (const char *)token.p);
    account_api_free(api);
    buf_free(&token);
    return code;
}

static const struct command *find(const struct admin_options *o)
{
    const char *verb = o->n_args > 1 ? o->args[1] : "list";
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i].noun, o->args[0]) == 0 && strcmp(commands[i].verb, verb) == 0 &&
            (commands[i].argument != NULL) == (o->n_args == 3))
            return &commands[i];
    return NULL;
}

static void list_commands(FILE *to)
{
    for (size_t i = 0; i < N_COMMANDS; i++) {
        const struct command *c = &commands[i];
        int n = fprintf(to, "  %s %s %s", c->noun, c->verb, c->argument != NULL ? c->argument : "");
        fprintf(to, "%*s%s\n", n < 28 ? 28 - n : 2, "", c->help);
    }
}

int admin_main(int argc, char **argv)
{
    struct admin_options o = {0};
    const struct option_row rows[] = {
        {"--server", "URL", "the server; else CONCLAVE_SERVER", .text = &o.server},
        {"--token-file", "FILE", "the administrator's token is its first line",
         .text = &o.token_file},
        {"--ca", "FILE", "CAs to trust for the server's TLS", .text = &o.ca},
        {"--password-file", "FILE", "the password of the account that is made or changed",
         .text = &o.password_file},
        {"--admin", NULL, "the account that is made is an administrator's", .flag = &o.admin},
        {"--after", "ID", "of a list: what comes after this", .text = &o.after},
        {"--max", "N", "of a list: at most so many", .text = &o.max},
        {"--json", NULL, "the answer as the server gave it", .flag = &o.json},
    };
    const struct options options = {
        .usage = "conclave admin NOUN [VERB [ARGUMENT]] [OPTION...]",
        .about = "Administers a server. `conclave admin` alone lists nouns and verbs.",
        .rows = rows,
        .n_rows = sizeof rows / sizeof rows[0],
        .most = 3,
    };
    int rv = options_parse(&options, argc, argv, o.args, &o.n_args);
    if (rv != 0)
        return options_exit(rv);
    const struct command *c = o.n_args > 0 ? find(&o) : NULL;
    if (c != NULL)
        return run(c, &o);
    fprintf(stderr, "usage: %s\n", options.usage);
    list_commands(stderr);
    return JOIN_EXIT_USAGE;
}
