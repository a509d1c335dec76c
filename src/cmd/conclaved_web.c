#include "cmd/conclaved_web.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of one app: some dozen files, of which the largest is the core. */
#define LIMIT_WEB_FILES 128u
#define LIMIT_WEB_FILE ((size_t)8 << 20)

#define FOLDER_TEXT 1024
#define PATH_TEXT (2 * FOLDER_TEXT)
#define PAGE "/index.html"
#define FOREVER "public, max-age=31536000, immutable"
#define ASK_FIRST "no-cache"

/* Scripts of this server alone, which no text can become (Trusted Types); WebAssembly, which needs
 * its own word; workers from memory, where the app has compared them with what the build put out,
 * as no browser does by itself; nothing of anybody else. 'self' covers the WebSocket of the same
 * origin. */
static const char policy[] =
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; worker-src blob:; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types default";

struct file {
    char *path; /* as it is asked for */
    const char *type;
    struct buf plain, gzip; /* gzip: empty if there is none */
};

struct web {
    struct file files[LIMIT_WEB_FILES];
    size_t n;
};

static const struct {
    const char *ending, *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".wasm", "application/wasm"},
    {".svg", "image/svg+xml"},
    {".webmanifest", "application/manifest+json"},
};

static bool ends_with(const char *text, const char *ending)
{
    size_t n = strlen(text), m = strlen(ending);
    return n >= m && strcmp(text + n - m, ending) == 0;
}

static const char *find_type(const char *name)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (ends_with(name, types[i].ending))
            return types[i].type;
    return NULL;
}

static int fail(char *why, int error, const char *path, const char *what)
{
    (void)snprintf(why, WEB_WHY, "[server] web: %.400s: %s", path, what);
    return error;
}

/* ---- Reading ---- */

static int read_file(const char *path, struct buf *out)
{
    FILE *f = fopen(path, "rbe");
    uint8_t part[16384];
    size_t n;
    int rv = 0;
    if (f == NULL)
        return CONCLAVE_ENOTFOUND;
    while (rv == 0 && (n = fread(part, 1, sizeof part, f)) != 0) {
        buf_put(out, bytes_of(part, n));
        rv = out->n > LIMIT_WEB_FILE ? CONCLAVE_ELIMIT : buf_check(out);
    }
    (void)fclose(f);
    return rv;
}

/* One file and its compressed form. `path` is what it is asked for by, below the folder. */
static int add_file(struct web *w, const char *folder, const char *path, char *why)
{
    char name[PATH_TEXT];
    if (w->n == LIMIT_WEB_FILES)
        return fail(why, CONCLAVE_ELIMIT, folder, "holds more files than an app has");
    struct file *f = &w->files[w->n++];
    f->type = find_type(path);
    f->path = strdup(path);
    if (f->path == NULL)
        return fail(why, CONCLAVE_ENOMEM, path, "no memory");
    (void)snprintf(name, sizeof name, "%s%s", folder, path);
    int rv = read_file(name, &f->plain);
    if (rv != 0)
        return fail(why, rv, name, "cannot be read, or is too large");
    (void)snprintf(name, sizeof name, "%s%s.gz", folder, path);
    rv = read_file(name, &f->gzip);
    return rv == 0 || rv == CONCLAVE_ENOTFOUND ? 0 : fail(why, rv, name, "cannot be read");
}

static int add_assets(struct web *w, const char *folder, char *why)
{
    char name[PATH_TEXT];
    int rv = 0;
    (void)snprintf(name, sizeof name, "%s/assets", folder);
    DIR *dir = opendir(name);
    if (dir == NULL)
        return fail(why, CONCLAVE_ENOTFOUND, name, "cannot be read; `make web` builds it");
    for (struct dirent *e; rv == 0 && (e = readdir(dir)) != NULL;) {
        if (find_type(e->d_name) == NULL)
            continue; /* a compressed form, or none of ours */
        (void)snprintf(name, sizeof name, "/assets/%s", e->d_name);
        rv = add_file(w, folder, name, why);
    }
    (void)closedir(dir);
    return rv;
}

static int read_folder(const char *folder, char *why, struct web **out)
{
    struct web *w = calloc(1, sizeof *w);
    if (w == NULL)
        return fail(why, CONCLAVE_ENOMEM, folder, "no memory");
    int rv = add_file(w, folder, PAGE, why);
    if (rv == 0)
        rv = add_file(w, folder, "/manifest.json", why);
    if (rv == 0)
        rv = add_assets(w, folder, why);
    if (rv != 0) {
        web_free(w);
        return rv;
    }
    *out = w;
    return 0;
}

/* ---- Where it is ---- */

/* Beside the program: where it was built, and where it was installed. */
static bool find_folder(char out[static FOLDER_TEXT])
{
    static const char *const places[] = {"../web", "../share/conclave/web"};
    char program[FOLDER_TEXT / 2], page[FOLDER_TEXT + sizeof PAGE];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n <= 0)
        return false;
    program[n] = '\0';
    *strrchr(program, '/') = '\0'; /* the link is absolute */
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        (void)snprintf(out, FOLDER_TEXT, "%s/%s", program, places[i]);
        (void)snprintf(page, sizeof page, "%s" PAGE, out);
        if (access(page, R_OK) == 0)
            return true;
    }
    return false;
}

int web_open(const char *folder, char out_why[static WEB_WHY], struct web **out)
{
    char found[FOLDER_TEXT];
    *out = NULL;
    if (strcmp(folder, "none") == 0 || (folder[0] == '\0' && !find_folder(found)))
        return 0;
    return read_folder(folder[0] == '\0' ? found : folder, out_why, out);
}

void web_free(struct web *w)
{
    if (w == NULL)
        return;
    for (size_t i = 0; i < w->n; i++) {
        free(w->files[i].path);
        buf_free(&w->files[i].plain);
        buf_free(&w->files[i].gzip);
    }
    free(w);
}

/* ---- Answering ---- */

static const struct file *find_file(const struct web *w, const char *path)
{
    bool page = strcmp(path, "/") == 0 || strncmp(path, "/m/", 3) == 0;
    for (size_t i = 0; i < w->n; i++)
        if (strcmp(w->files[i].path, page ? PAGE : path) == 0)
            return &w->files[i];
    return NULL;
}

/* Whether a list of codings (RFC 9110 12.5.3) has gzip, and not with a weight of nought. */
static bool takes_gzip(const char *accepted)
{
    const char *at = strstr(accepted, "gzip");
    return at != NULL && strncmp(at + 4, ";q=0", 4) != 0;
}

bool web_answer(const struct web *w, const struct net_request *request, struct net_response *out)
{
    const struct file *f = w == NULL ? NULL : find_file(w, request->path);
    if (f == NULL)
        return false;
    bool packed = f->gzip.n != 0 && takes_gzip(request->accept_encoding);
    *out = (struct net_response){
        .status = 200,
        .content_type = f->type,
        .encoding = packed ? "gzip" : NULL,
        .cache = strncmp(f->path, "/assets/", 8) == 0 ? FOREVER : ASK_FIRST,
        .security = policy,
        .shared = buf_view(packed ? &f->gzip : &f->plain),
    };
    return true;
}
