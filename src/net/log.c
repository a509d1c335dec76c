#include "net/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024
#define KEEP_MAX 99

struct net_log {
    int fd;
    char *path; /* NULL: standard error */
    enum net_level level;
    size_t max_bytes, bytes;
    unsigned keep;
};

static const char *const levels[] = {
    [NET_ERROR] = "error", [NET_WARNING] = "warning", [NET_INFO] = "info", [NET_DEBUG] = "debug"};
#define N_LEVELS (sizeof levels / sizeof levels[0])

bool net_level_parse(const char *word, enum net_level *out)
{
    for (size_t i = 0; i < N_LEVELS; i++) {
        if (strcmp(word, levels[i]) == 0) {
            *out = (enum net_level)i;
            return true;
        }
    }
    return false;
}

int net_log_reopen(struct net_log *l)
{
    struct stat st;
    if (l->path == NULL)
        return 0;
    int fd = open(l->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0)
        return CONCLAVE_ESTORE;
    l->bytes = fstat(fd, &st) == 0 ? (size_t)st.st_size : 0;
    if (l->fd >= 0)
        (void)close(l->fd);
    l->fd = fd;
    return 0;
}

int net_log_open(const struct net_log_config *config, struct net_log **out)
{
    struct net_log *l = calloc(1, sizeof *l);
    int rv = CONCLAVE_ENOMEM;
    if (l == NULL)
        goto out;
    l->fd = config->path == NULL ? STDERR_FILENO : -1;
    l->level = config->level;
    l->max_bytes = config->max_bytes;
    l->keep = config->keep < KEEP_MAX ? config->keep : KEEP_MAX;
    if (config->path != NULL && (l->path = strdup(config->path)) == NULL)
        goto out;
    rv = net_log_reopen(l);
    if (rv != 0)
        goto out;
    *out = l;
    l = NULL;
out:
    net_log_close(l);
    return rv;
}

void net_log_close(struct net_log *l)
{
    if (l == NULL)
        return;
    if (l->path != NULL && l->fd >= 0)
        (void)close(l->fd);
    free(l->path);
    free(l);
}

/* path.1 is the youngest. What cannot be renamed stays, and the log goes on where it is. */
static void turn_over(struct net_log *l)
{
    size_t n = strlen(l->path) + 4;
    char *from = malloc(n), *to = malloc(n);
    if (from != NULL && to != NULL) {
        for (unsigned i = l->keep; i > 0; i--) {
            if (i == 1)
                (void)snprintf(from, n, "%s", l->path);
            else
                (void)snprintf(from, n, "%s.%u", l->path, i - 1);
            (void)snprintf(to, n, "%s.%u", l->path, i);
            (void)rename(from, to);
        }
        if (l->keep == 0)
            (void)unlink(l->path);
        if (net_log_reopen(l) != 0)
            l->bytes = 0; /* not again with each line */
    }
    free(from);
    free(to);
}

static size_t put_time(char *out, size_t size)
{
    struct timespec now = {0};
    struct tm tm;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (gmtime_r(&now.tv_sec, &tm) == NULL)
        return 0;
    size_t n = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &tm);
    return n + (size_t)snprintf(out + n, size - n, ".%03ldZ ", now.tv_nsec / 1000000);
}

void net_log(struct net_log *l, enum net_level level, const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    va_list args;
    if (l == NULL || level > l->level)
        return;
    size_t n = put_time(line, sizeof line);
    n += (size_t)snprintf(line + n, sizeof line - n, "%s ", levels[level]);
    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) the analyser misses va_start */
    int made = vsnprintf(line + n, sizeof line - n, format, args);
    va_end(args);
    if (made > 0)
        n += (size_t)made < sizeof line - n ? (size_t)made : sizeof line - n - 1;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    line[n++] = '\n';
    if (l->max_bytes != 0 && l->path != NULL && l->bytes != 0 && l->bytes + n > l->max_bytes)
        turn_over(l);
    if (write(l->fd, line, n) > 0) /* there is nowhere to tell of a failure */
        l->bytes += n;
}
