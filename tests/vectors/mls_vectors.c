/* Runs test vectors of MLS (RFC 9420) in the JSON formats of the MLS working group.
 *
 *   mls-vectors [--kind KIND] FILE...        the kind is in the file's name, or forced
 *   mls-vectors [--kind KIND] --in FOLDER    all files of a folder (of a kind); 77 if there is none
 *   mls-vectors --generate KIND [SUITE]      makes some, on standard output
 *
 * One line a file, on standard error what is wrong with which entry, and at the end
 * `N passed, N failed`, counted in entries. Exit status 1 if an entry failed or a file could not
 * be read.
 */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mls_vectors.h"

#define SKIPPED 77
#define USAGE 2

struct kind {
    const char *name;
    vec_run *run;
};

static const struct kind kinds[] = {{"tree-math", vec_tree_math},
                                    {"crypto-basics", vec_crypto_basics},
                                    {"secret-tree", vec_secret_tree},
                                    {"message-protection", vec_message_protection},
                                    {"key-schedule", vec_key_schedule},
                                    {"psk_secret", vec_psk_secret},
                                    {"transcript-hashes", vec_transcript_hashes},
                                    {"welcome", vec_welcome},
                                    {"tree-operations", vec_tree_operations},
                                    {"tree-validation", vec_tree_validation},
                                    {"treekem", vec_treekem},
                                    {"messages", vec_messages},
                                    {"deserialization", vec_deserialization},
                                    {"passive-client", vec_passive_client}};
#define N_KINDS (sizeof kinds / sizeof kinds[0])

struct run {
    struct vec vec;
    long passed, failed;
    bool broken; /* a file could not be read */
};

/* -- Which kind ----------------------------------------------------------------------------- */

/* Lower case, with '-' for '_'. */
static void plain_name(const char *s, char *out, size_t n)
{
    size_t i = 0;
    for (; s[i] != 0 && i + 1 < n; i++)
        out[i] = s[i] == '_' ? '-' : (char)tolower((unsigned char)s[i]);
    out[i] = 0;
}

/* The longest kind's name in a text; the whole text if it must be nothing else. */
static const struct kind *find_kind(const char *text, bool whole)
{
    const struct kind *best = NULL;
    char plain[4096], name[40];
    size_t length = 0;
    plain_name(text, plain, sizeof plain);
    for (size_t i = 0; i < N_KINDS; i++) {
        plain_name(kinds[i].name, name, sizeof name);
        bool fits = whole ? strcmp(plain, name) == 0 : strstr(plain, name) != NULL;
        if (fits && strlen(name) > length) {
            best = &kinds[i];
            length = strlen(name);
        }
    }
    return best;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* -- Files ---------------------------------------------------------------------------------- */

static void run_entries(struct run *r, const struct kind *kind, const char *path, json_t *list)
{
    long passed = 0, failed = 0, skipped = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        if (json_is_object(entry))
            kind->run(&r->vec, entry);
        else
            vec_fail(&r->vec, "not an object");
        if (vec_ok(&r->vec))
            passed++;
        else
            fprintf(stderr, "%s: entry %zu: %s\n", path, i, r->vec.why);
        failed += r->vec.failed;
        skipped += r->vec.skipped;
        vec_reset(&r->vec);
    }
    printf("%s: %s: %ld passed, %ld failed", base_name(path), kind->name, passed, failed);
    if (skipped != 0)
        printf(", %ld skipped", skipped);
    printf("\n");
    r->passed += passed;
    r->failed += failed;
}

static void run_file(struct run *r, const struct kind *kind, const char *path)
{
    struct buf why = {0};
    if (kind == NULL)
        kind = find_kind(base_name(path), false);
    json_t *root = vec_load(path, &why), *list = json_array();
    if (root == NULL) {
        fprintf(stderr, "%s: %s\n", path, why.n != 0 ? (const char *)why.p : "out of memory");
    } else if (kind == NULL) {
        fprintf(stderr, "%s: the name has no kind of vector in it; say --kind\n", path);
    } else if (json_is_object(root)) { /* one entry by itself */
        json_array_append(list, root);
        run_entries(r, kind, path, list);
    } else if (json_is_array(root) && json_array_size(root) != 0) {
        run_entries(r, kind, path, root);
    } else {
        fprintf(stderr, "%s: not a list of entries, or an empty one\n", path);
        kind = NULL;
    }
    r->broken |= root == NULL || kind == NULL;
    json_decref(root);
    json_decref(list);
    buf_free(&why);
}

static int run_folder(struct run *r, const struct kind *kind, const char *folder)
{
    struct dirent **entries = NULL;
    int n = scandir(folder, &entries, NULL, alphasort), files = 0;
    for (int i = 0; i < n; i++) {
        char path[4096];
        const char *name = entries[i]->d_name;
        size_t length = strlen(name);
        bool json = length > 5 && strcmp(name + length - 5, ".json") == 0;
        if (json && (kind == NULL || find_kind(name, false) == kind)) {
            snprintf(path, sizeof path, "%s/%s", folder, name);
            run_file(r, kind, path);
            files++;
        }
        free(entries[i]);
    }
    free(entries);
    if (files > 0)
        return 0;
    printf("SKIPPED: no vectors in %s (set CONCLAVE_VECTORS)\n", folder);
    return SKIPPED;
}

/* -- The command line ----------------------------------------------------------------------- */

static int usage(void)
{
    fprintf(stderr, "usage: mls-vectors [--kind KIND] FILE...\n"
                    "       mls-vectors [--kind KIND] --in FOLDER\n"
                    "       mls-vectors --generate KIND [SUITE]\n"
                    "kinds:");
    for (size_t i = 0; i < N_KINDS; i++)
        fprintf(stderr, " %s", kinds[i].name);
    fprintf(stderr, "\n");
    return USAGE;
}

static int generate(const char *kind, const char *suite)
{
    json_t *made = vec_generate(kind, suite == NULL ? 0 : (uint16_t)strtoul(suite, NULL, 0));
    if (made == NULL) {
        fprintf(stderr, "mls-vectors: can make %s only\n", vec_generate_kinds());
        return USAGE;
    }
    int rv = json_dumpf(made, stdout, JSON_INDENT(1));
    printf("\n");
    json_decref(made);
    return rv == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct run r = {0};
    const struct kind *kind = NULL;
    int at = 1, skipped = 0;
    if ((argc == 3 || argc == 4) && strcmp(argv[1], "--generate") == 0)
        return generate(argv[2], argv[3]);
    if (argc > 2 && strcmp(argv[1], "--kind") == 0) {
        kind = find_kind(argv[2], true);
        at = 3;
        if (kind == NULL) {
            fprintf(stderr, "mls-vectors: there is no kind \"%s\"\n", argv[2]);
            return usage();
        }
    }
    if (at >= argc || (argv[at][0] == '-' && strcmp(argv[at], "--in") != 0))
        return usage();
    if (strcmp(argv[at], "--in") == 0) {
        if (argc != at + 2)
            return usage();
        skipped = run_folder(&r, kind, argv[at + 1]);
    } else {
        for (; at < argc; at++)
            run_file(&r, kind, argv[at]);
    }
    vec_fini(&r.vec);
    fflush(stderr);
    printf("%ld passed, %ld failed\n", r.passed, r.failed);
    if (skipped != 0)
        return skipped;
    return r.failed == 0 && !r.broken ? EXIT_SUCCESS : EXIT_FAILURE;
}
