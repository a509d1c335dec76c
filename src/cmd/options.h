/* Command lines: a table of options per subcommand. "--name VALUE" and "--name=VALUE"; "--" ends
 * them. What is wrong is said on stderr.
 */
#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

#include <conclave/bytes.h>

/* How often an option that may be repeated may be. */
#define OPTIONS_LIST_MAX 32

struct option_list {
    const char *value[OPTIONS_LIST_MAX];
    size_t n;
};

/* One option; exactly one of flag, text and list is set. */
struct option_row {
    const char *name;  /* with its dashes */
    const char *value; /* how the help calls its value; NULL for a flag */
    const char *help;
    bool *flag;
    const char **text;
    struct option_list *list;
};

struct options {
    const char *usage; /* "conclave join LINK [OPTION...]" */
    const char *about; /* a sentence */
    const struct option_row *rows;
    size_t n_rows;
    size_t least, most; /* arguments that are no options */
};

/* Arguments that are no options go to out_args, which has room for `most`, and their number to
 * out_n. argv[0] is passed over. 0; EINVAL after a complaint; EREMOVED after --help was answered:
 * there is nothing more to do. */
int options_parse(const struct options *o, int argc, char **argv, const char **out_args,
                  size_t *out_n) CONCLAVE_CHECKED;

/* What a program that stops because of that returns: 0 after --help, 2 after a complaint. */
int options_exit(int error);

#endif
