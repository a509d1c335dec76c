#include "cmd/demo_server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define START_MS 5000
#define POLL_MS 10
#define FILES_OPEN 16

static void wait_ms(long ms)
{
    const struct timespec t = {.tv_nsec = ms * 1000000L};
    nanosleep(&t, NULL);
}

/* ---- Program, port, folder ---- */

static int find_program(char out[static 4096])
{
    ssize_t n = readlink("/proc/self/exe", out, 4000);
    if (n <= 0)
        return CONCLAVE_ENOTFOUND;
    out[n] = 0;
    char *slash = strrchr(out, '/');
    if (slash == NULL)
        return CONCLAVE_ENOTFOUND;
    memcpy(slash + 1, "conclaved", sizeof "conclaved");
    return access(out, X_OK) == 0 ? 0 : CONCLAVE_ENOTFOUND;
}

/* A port that was free a moment ago. */
static int find_port(char out[static 8])
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int rv = CONCLAVE_ESTORE;
    if (fd >= 0 && bind(fd, (struct sockaddr *)&a, n) == 0 &&
        getsockname(fd, (struct sockaddr *)&a, &n) == 0) {
        snprintf(out, 8, "%u", (unsigned)ntohs(a.sin_port));
        rv = 0;
    }
    if (fd >= 0)
        close(fd);
    return rv;
}

int demo_server_init(struct demo_server *s, const char *program)
{
    int rv = 0;
    memset(s, 0, sizeof *s);
    if (program == NULL)
        rv = find_program(s->program);
    else
        snprintf(s->program, sizeof s->program, "%s", program);
    if (rv == 0)
        rv = find_port(s->port);
    if (rv != 0)
        return rv;
    snprintf(s->data, sizeof s->data, "/tmp/conclave-demo-XXXXXX");
    if (mkdtemp(s->data) == NULL)
        return CONCLAVE_ESTORE;
    return 0;
}

int demo_server_set(struct demo_server *s, const char *settings)
{
    snprintf(s->settings, sizeof s->settings, "%s/settings", s->data);
    FILE *f = fopen(s->settings, "we");
    bool written = f != NULL && fputs(settings, f) >= 0;
    if (f != NULL)
        written = fclose(f) == 0 && written;
    return written ? 0 : CONCLAVE_ESTORE;
}

/* ---- The process ---- */

/* In the child. It must not outlive the demonstration, and has its log in the data folder. */
static void become_server(const struct demo_server *s)
{
    char log[sizeof s->data + 16];
    const char *config = s->settings[0] != 0 ? "--config" : NULL;
    snprintf(log, sizeof log, "%s/demo.log", s->data);
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    int in = open("/dev/null", O_RDONLY);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0); /* Ctrl-C is for the demonstration, which then stops it */
    if (out >= 0 && in >= 0 && dup2(in, 0) >= 0 && dup2(out, 1) >= 0 && dup2(out, 2) >= 0)
        execl(s->program, s->program, "--data", s->data, "--port", s->port, config, s->settings,
              (char *)NULL);
    _exit(127);
}

/* The file that the server writes once it answers. */
static bool read_address(struct demo_server *s)
{
    char path[sizeof s->data + 16];
    snprintf(path, sizeof path, "%s/run/address", s->data);
    FILE *f = fopen(path, "re");
    bool found = f != NULL && fgets(s->url, sizeof s->url, f) != NULL;
    if (f != NULL)
        fclose(f);
    s->url[strcspn(s->url, "\n")] = 0;
    return found && s->url[0] != 0;
}

static void forget_address(const struct demo_server *s)
{
    char path[sizeof s->data + 16];
    snprintf(path, sizeof path, "%s/run/address", s->data);
    unlink(path);
}

int demo_server_start(struct demo_server *s)
{
    forget_address(s);
    s->pid = fork();
    if (s->pid < 0) {
        s->pid = 0;
        return CONCLAVE_ESTORE;
    }
    if (s->pid == 0)
        become_server(s);
    for (int ms = 0; ms < START_MS; ms += POLL_MS) {
        if (read_address(s))
            return 0;
        if (waitpid(s->pid, NULL, WNOHANG) != 0) {
            s->pid = 0;
            return CONCLAVE_ESTATE;
        }
        wait_ms(POLL_MS);
    }
    demo_server_kill(s);
    return CONCLAVE_ESTATE;
}

static void end_with(struct demo_server *s, int signum)
{
    if (s->pid == 0)
        return;
    kill(s->pid, signum);
    waitpid(s->pid, NULL, 0);
    s->pid = 0;
}

void demo_server_kill(struct demo_server *s)
{
    end_with(s, SIGKILL);
}

void demo_server_stop(struct demo_server *s)
{
    end_with(s, SIGTERM);
}

int demo_server_admin_token(const struct demo_server *s, struct buf *out)
{
    char command[sizeof s->program + sizeof s->data + 64], line[512];
    snprintf(command, sizeof command, "'%s' --data '%s' --make-admin-token", s->program, s->data);
    FILE *f = popen(command, "re"); /* NOLINT(cert-env33-c) our own program, our own folder */
    if (f == NULL)
        return CONCLAVE_ESTORE;
    char *got = fgets(line, sizeof line, f);
    int status = pclose(f);
    if (got == NULL || status != 0)
        return CONCLAVE_ESTATE;
    buf_put(out, bytes_of(line, strcspn(line, "\n")));
    buf_put(out, bytes_of("", 1));
    return buf_check(out);
}

/* ---- The folder ---- */

static bool file_has(int folder, const char *name, const char *text)
{
    struct buf b = {0};
    char piece[65536];
    ssize_t n = 0;
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && (n = read(fd, piece, sizeof piece)) > 0)
        buf_put(&b, bytes_of(piece, (size_t)n));
    if (fd >= 0)
        close(fd);
    bool found = b.n != 0 && memmem(b.p, b.n, text, strlen(text)) != NULL;
    buf_free(&b);
    return found;
}

bool demo_server_knows(const struct demo_server *s, const char *text)
{
    bool found = false;
    DIR *folder = opendir(s->data);
    for (struct dirent *e; !found && folder != NULL && (e = readdir(folder)) != NULL;)
        found = file_has(dirfd(folder), e->d_name, text);
    if (folder != NULL)
        closedir(folder);
    return found;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void demo_folder_remove(const char *path)
{
    nftw(path, remove_one, FILES_OPEN, FTW_DEPTH | FTW_PHYS);
}

void demo_server_fini(struct demo_server *s)
{
    demo_server_stop(s);
    if (s->data[0] != 0)
        demo_folder_remove(s->data);
    s->data[0] = 0;
}
