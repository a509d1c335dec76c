/* Stands in for libFuzzer in ordinary builds: runs every file of the folders and files named on
 * the command line, then FUZZ_REPLAY_RUNS mutations (200 if unset) of each from a fixed seed.
 * The same tree gives the same run, so a failure here can be repeated. */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support/random.h"

/* Larger inputs are cut: this is a smoke test, the fuzz build goes deeper. */
#define INPUT_LIMIT ((size_t)1 << 20)
#define SEED 0x436f6e636c617665u

struct replay {
    struct random random;
    long mutations;
    long inputs;
    long runs;
};

/* The input gets its own allocation of its exact size, so that the sanitizer sees one byte too
 * many being read. */
static void run_once(struct replay *r, const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size > 0 ? size : 1);

    if (exact == NULL)
        abort();
    if (size > 0)
        memcpy(exact, data, size);
    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    r->runs++;
}

/* Changes data[0..size) in place and returns the new size, never above the old one. */
static size_t mutate(struct replay *r, uint8_t *data, size_t size)
{
    static const uint8_t edges[] = {0x00, 0x01, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc0, 0xff};
    size_t steps = 1 + random_below(&r->random, 4);

    for (size_t i = 0; i < steps && size > 0; i++) {
        size_t at = random_below(&r->random, size);
        size_t length = 1 + random_below(&r->random, size - at);
        size_t from = random_below(&r->random, size - length + 1);

        switch (random_below(&r->random, 5)) {
        case 0:
            data[at] = (uint8_t)(data[at] ^ (1u << random_below(&r->random, 8)));
            break;
        case 1:
            data[at] = edges[random_below(&r->random, sizeof edges)];
            break;
        case 2:
            size = at;
            break;
        case 3:
            memmove(data + at, data + from, length);
            break;
        default:
            memmove(data + at, data + at + length, size - at - length);
            size -= length;
            break;
        }
    }
    return size;
}

static void run_input(struct replay *r, const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);

    if (copy == NULL)
        abort();
    r->inputs++;
    run_once(r, data, size);
    for (long i = 0; i < r->mutations; i++) {
        if (size > 0)
            memcpy(copy, data, size);
        run_once(r, copy, mutate(r, copy, size));
    }
    free(copy);
}

static int run_file(struct replay *r, const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(INPUT_LIMIT);
    int rc = -1;

    if (file == NULL || data == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        goto out;
    }
    run_input(r, data, fread(data, 1, INPUT_LIMIT, file));
    rc = 0;
out:
    if (file != NULL)
        fclose(file);
    free(data);
    return rc;
}

/* Sorted, so that the run does not depend on the file system. */
static int run_folder(struct replay *r, const char *path)
{
    struct dirent **entries = NULL;
    int n = scandir(path, &entries, NULL, alphasort);
    int rc = n < 0 ? -1 : 0;

    for (int i = 0; i < n; i++) {
        char file[4096];
        int length = snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);

        if (entries[i]->d_name[0] != '.' && length > 0 && (size_t)length < sizeof file)
            rc |= run_file(r, file);
        free(entries[i]);
    }
    free(entries);
    return rc;
}

static int run_path(struct replay *r, const char *path)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return errno == ENOENT ? 0 : -1;
    return S_ISDIR(status.st_mode) ? run_folder(r, path) : run_file(r, path);
}

int main(int argc, char **argv)
{
    static const uint8_t zeros[64];
    const char *runs = getenv("FUZZ_REPLAY_RUNS");
    struct replay r = {.random = {SEED}, .mutations = runs != NULL ? strtol(runs, NULL, 10) : 200};
    int rc = 0;

    run_once(&r, zeros, 0);
    run_input(&r, zeros, sizeof zeros);
    for (int i = 1; i < argc; i++)
        rc |= run_path(&r, argv[i]);
    printf("%ld inputs, %ld runs\n", r.inputs, r.runs);
    return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
