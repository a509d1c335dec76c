#include "cmd/options.h"

#include <stdio.h>
#include <string.h>

static void help(const struct options *o)
{
    printf("usage: %s\n\n%s\n", o->usage, o->about);
    if (o->n_rows > 0)
        printf("\n");
    for (size_t i = 0; i < o->n_rows; i++) {
        const struct option_row *r = &o->rows[i];
        int n = printf("  %s%s%s", r->name, r->value != NULL ? " " : "",
                       r->value != NULL ? r->value : "");
        printf("%*s%s\n", n < 30 ? 30 - n : 2, "", r->help);
    }
}

static int complain(const struct options *o, const char *what, const char *about)
{
    fprintf(stderr, "conclave: %s%s\nusage: %s\n", what, about, o->usage);
    return CONCLAVE_EINVAL;
}

/* The row of "--name" or "--name=value". */
static const struct option_row *row_of(const struct options *o, const char *argument)
{
    size_t n = strcspn(argument, "=");
    for (size_t i = 0; i < o->n_rows; i++)
        if (strlen(o->rows[i].name) == n && strncmp(o->rows[i].name, argument, n) == 0)
            return &o->rows[i];
    return NULL;
}

static int take(const struct options *o, const struct option_row *row, const char *value)
{
    if (row->text != NULL) {
        *row->text = value;
    } else if (row->list->n == OPTIONS_LIST_MAX) {
        return complain(o, "given too often: ", row->name);
    } else {
        row->list->value[row->list->n++] = value;
    }
    return 0;
}

/* One option, with its value if it has one; moves *i to the last argument that was used. */
static int parse_option(const struct options *o, int argc, char **argv, int *i)
{
    const struct option_row *row = row_of(o, argv[*i]);
    const char *value = strchr(argv[*i], '=');
    if (row == NULL)
        return complain(o, "there is no option ", argv[*i]);
    if (row->flag != NULL) {
        *row->flag = true;
        return value == NULL ? 0 : complain(o, "this option takes no value: ", row->name);
    }
    if (value != NULL)
        return take(o, row, value + 1);
    if (*i + 1 >= argc)
        return complain(o, "this option needs a value: ", row->name);
    return take(o, row, argv[++*i]);
}

int options_parse(const struct options *o, int argc, char **argv, const char **out_args,
                  size_t *out_n)
{
    size_t n = 0;
    bool options = true;
    for (int i = 1; i < argc; i++) {
        if (options && strcmp(argv[i], "--help") == 0) {
            help(o);
            return CONCLAVE_EREMOVED;
        }
        if (options && strcmp(argv[i], "--") == 0) {
            options = false;
        } else if (options && argv[i][0] == '-' && argv[i][1] != 0) {
            int rv = parse_option(o, argc, argv, &i);
            if (rv != 0)
                return rv;
        } else if (n == o->most) {
            return complain(o, "one argument too many: ", argv[i]);
        } else {
            out_args[n++] = argv[i];
        }
    }
    if (n < o->least)
        return complain(o, "an argument is missing", "");
    *out_n = n;
    return 0;
}

int options_exit(int error)
{
    return error == CONCLAVE_EREMOVED ? 0 : 2;
}
