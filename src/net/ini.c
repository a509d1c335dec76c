#include "net/ini.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/limits.h"

struct parser {
    const char *name;
    unsigned line;
    char section[64];
    ini_set *set;
    void *ctx;
    char *why;
};

__attribute__((format(printf, 2, 3))) static int refuse(struct parser *p, const char *format, ...)
{
    char what[INI_WHY];
    va_list args;
    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) the analyser misses va_start */
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    (void)snprintf(p->why, INI_WHY, "%.200s:%u: %.280s", p->name, p->line, what);
    return CONCLAVE_EINVAL;
}

static char *trim(char *s)
{
    while (isspace((unsigned char)*s))
        s++;
    size_t n = strlen(s);
    while (n != 0 && isspace((unsigned char)s[n - 1]))
        s[--n] = '\0';
    return s;
}

static int read_section(struct parser *p, char *s)
{
    size_t n = strlen(s);
    if (n < 3 || s[n - 1] != ']')
        return refuse(p, "a section is written [name]");
    s[n - 1] = '\0';
    char *name = trim(s + 1);
    if (strlen(name) >= sizeof p->section)
        return refuse(p, "there is no section with so long a name");
    (void)snprintf(p->section, sizeof p->section, "%s", name);
    return 0;
}

static int read_setting(struct parser *p, char *s)
{
    char why[INI_WHY] = "";
    char *equals = strchr(s, '=');
    if (equals == NULL)
        return refuse(p, "\"%.60s\" is no setting: write key = value", s);
    *equals = '\0';
    char *key = trim(s), *value = trim(equals + 1);
    size_t n = strlen(value);
    if (*key == '\0')
        return refuse(p, "there is no key before the =");
    if (n >= 2 && value[0] == '"' && value[n - 1] == '"') {
        value[n - 1] = '\0';
        value++;
    }
    struct ini_entry entry = {p->section, key, value};
    if (!p->set(p->ctx, &entry, why))
        return refuse(p, "%s: %s", key, why);
    return 0;
}

static int read_line(struct parser *p, char *line)
{
    char *s = trim(line);
    if (*s == '\0' || *s == '#' || *s == ';')
        return 0;
    return *s == '[' ? read_section(p, s) : read_setting(p, s);
}

int ini_parse(const char *name, struct bytes text, ini_set *set, void *ctx,
              char out_why[static INI_WHY])
{
    struct parser p = {.name = name, .set = set, .ctx = ctx, .why = out_why};
    char line[LIMIT_INI_LINE];
    int rv = 0;
    for (size_t at = 0; rv == 0 && at < text.n;) {
        const uint8_t *begin = text.p + at, *end = memchr(begin, '\n', text.n - at);
        size_t n = end == NULL ? text.n - at : (size_t)(end - begin);
        p.line++;
        at += n + 1;
        if (n >= sizeof line) {
            (void)refuse(&p, "a line has at most %u characters", LIMIT_INI_LINE - 1);
            return CONCLAVE_ELIMIT;
        }
        if (memchr(begin, '\0', n) != NULL)
            return refuse(&p, "this is no text file");
        memcpy(line, begin, n);
        line[n] = '\0';
        rv = read_line(&p, line);
    }
    return rv;
}

int ini_read(const char *path, ini_set *set, void *ctx, char out_why[static INI_WHY])
{
    char *text = NULL;
    int rv = CONCLAVE_ENOTFOUND;
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        (void)snprintf(out_why, INI_WHY, "%.400s: cannot be read: %s", path, strerror(errno));
        goto out;
    }
    rv = CONCLAVE_ENOMEM;
    text = malloc(LIMIT_INI_FILE + 1);
    if (text == NULL) {
        (void)snprintf(out_why, INI_WHY, "out of memory");
        goto out;
    }
    size_t n = fread(text, 1, LIMIT_INI_FILE + 1, f);
    if (ferror(f) != 0) {
        rv = CONCLAVE_ENOTFOUND;
        (void)snprintf(out_why, INI_WHY, "%.400s: cannot be read", path);
    } else if (n > LIMIT_INI_FILE) {
        rv = CONCLAVE_ELIMIT;
        (void)snprintf(out_why, INI_WHY, "%.400s: a settings file has at most %zu bytes", path,
                       LIMIT_INI_FILE);
    } else {
        rv = ini_parse(path, bytes_of(text, n), set, ctx, out_why);
    }
out:
    free(text);
    if (f != NULL)
        (void)fclose(f);
    return rv;
}

bool ini_number(const char *value, uint64_t min, uint64_t max, uint64_t *out)
{
    uint64_t n = 0;
    if (*value == '\0')
        return false;
    for (const char *p = value; *p != '\0'; p++) {
        if (*p < '0' || *p > '9' || n > (UINT64_MAX - 9) / 10)
            return false;
        n = n * 10 + (uint64_t)(*p - '0');
    }
    if (n < min || n > max)
        return false;
    *out = n;
    return true;
}

bool ini_yes_no(const char *value, bool *out)
{
    static const char *const yes[] = {"yes", "true", "on"}, *const no[] = {"no", "false", "off"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        bool is = strcasecmp(value, yes[i]) == 0;
        if (is || strcasecmp(value, no[i]) == 0) {
            *out = is;
            return true;
        }
    }
    return false;
}
