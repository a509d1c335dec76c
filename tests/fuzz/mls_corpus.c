/* Writes the seeds of the MLS fuzzers: messages and state of the stage that they play on.
 *
 *   mls_corpus tests/fuzz/corpus */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fuzz/mls_stage.h"
#include "mls/framing.h"
#include "mls/group.h"

static const char *root;

/* A file of an optional first byte and content. */
static void put(const char *fuzzer, const char *name, int first, struct bytes content)
{
    char path[512];
    int n = snprintf(path, sizeof path, "%s/%s", root, fuzzer);
    (void)mkdir(path, 0777);
    n = snprintf(path, sizeof path, "%s/%s/%s", root, fuzzer, name);
    FILE *f = n > 0 && (size_t)n < sizeof path ? fopen(path, "wb") : NULL;
    MUST_HOLD(f != NULL);
    if (first >= 0)
        fputc(first, f);
    MUST_HOLD(content.n == 0 || fwrite(content.p, 1, content.n, f) == content.n);
    MUST_HOLD(fclose(f) == 0);
}

/* Good messages with no change, and with one; bytes for the readers of single structs. */
static void put_messages(const struct stage *s)
{
    struct mls_public_message m;
    struct mls_message whole;
    char name[32];
    for (uint8_t i = 0; i < 9; i++) {
        uint8_t seed[] = {0x80, i, 0, 30, 1};
        snprintf(name, sizeof name, "good-%u", i);
        put("mls_message", name, -1, bytes_of(seed, 2));
        snprintf(name, sizeof name, "changed-%u", i);
        put("mls_message", name, -1, bytes_of(seed, sizeof seed));
    }
    put("mls_message", "welcome", 2, buf_view(&s->welcome));
    put("mls_message", "info", 3, buf_view(&s->group_info));
    put("mls_message", "key-package", 4, buf_view(&s->key_package_message));
    MUST_HOLD(mls_message_parse(buf_view(&s->commit), &whole) == 0);
    MUST_HOLD(mls_public_message_parse(whole.body, &m) == 0);
    put("mls_message", "parse-commit", 5, m.auth_content.content.body);
}

/* The tree after a commit of member 0. */
static void put_tree_after(const char *name, struct mls_change change)
{
    struct mls_group *g = stage_member(0);
    struct buf commit = {0}, welcome = {0}, tree = {0};
    MUST_HOLD(mls_group_commit(g, &change, 1, NULL, STAGE_NOW, &commit) == 0);
    MUST_HOLD(mls_group_merge_own(g, &welcome) == 0);
    MUST_HOLD(mls_group_tree(g, &tree) == 0);
    put("mls_tree", name, -1, buf_view(&tree));
    mls_group_free(g);
    buf_free(&commit);
    buf_free(&welcome);
    buf_free(&tree);
}

static void put_trees(const struct stage *s)
{
    put("mls_tree", "four", -1, buf_view(&s->tree));
    put_tree_after("blank", mls_remove(2));
    put_tree_after("unmerged", mls_add(buf_view(&s->key_package_message)));
}

static void put_states(void)
{
    char name[32];
    for (uint8_t i = 0; i < STAGE_DELTAS + 4; i++) {
        uint8_t seed[] = {(uint8_t)(0x80 + i), 0, 60, 1};
        snprintf(name, sizeof name, "good-%u", i);
        put("mls_state", name, -1, bytes_of(seed, 1));
        snprintf(name, sizeof name, "changed-%u", i);
        put("mls_state", name, -1, bytes_of(seed, sizeof seed));
    }
}

/* Scripts for mls_group.c: see step() there for what the bytes mean. */
static void put_scripts(void)
{
    static const uint8_t talk[] = {0x00, 0x16, 0, 0x26, 0, 0x36, 0, 0x16, 0, 0x1b, 0, 0, 9, 1};
    static const uint8_t update[] = {0x11, 7, 0, 0x06, 0, 0x26, 0, 0x03, 0, 0x05, 0x16, 1, 0x36, 1};
    static const uint8_t remove[] = {0x03, 1,  0, 3,    0x16, 0,    0x2b, 0,
                                     0,    40, 4, 0x1e, 0x05, 0x26, 0};
    static const uint8_t rivals[] = {0x03, 16, 0x13, 16, 0x23, 17, 2, 3, 0x36, 2, 0x05, 0x15, 0x25};
    static const uint8_t add[] = {0x13, 1, 1, 0, 0x15, 0x13, 2, 3, 1, 2, 2, 0x0e, 0x15, 0x20};
    static const uint8_t leave[] = {0x11, 6, 0, 0x21, 4, 0, 0x06, 0, 0x06, 1, 0x03, 0, 0x05, 0x0f};
    /* forged: a Remove, a commit of one Remove by value, an empty commit */
    static const uint8_t forged[] = {0x4d, 0, 6, 0, 3, 0, 0, 0, 2,    0x9d, 1, 9, 7,
                                     1,    0, 3, 0, 0, 0, 2, 0, 0x4d, 1,    2, 0, 0};
    put("mls_group", "talk", -1, bytes_of(talk, sizeof talk));
    put("mls_group", "update", -1, bytes_of(update, sizeof update));
    put("mls_group", "remove", -1, bytes_of(remove, sizeof remove));
    put("mls_group", "rivals", -1, bytes_of(rivals, sizeof rivals));
    put("mls_group", "add", -1, bytes_of(add, sizeof add));
    put("mls_group", "leave", -1, bytes_of(leave, sizeof leave));
    put("mls_group", "forged", -1, bytes_of(forged, sizeof forged));
}

static void put_reads(void)
{
    static const uint8_t vectors[] = {150, 150,  190, 0, 1,    250,  4, 4, 0x03, 'a', 'b',
                                      'c', 0x40, 64,  0, 0x01, 0x80, 0, 0, 1,    1};
    put("wire_reader", "vectors", -1, bytes_of(vectors, sizeof vectors));
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: mls_corpus FOLDER\n");
        return EXIT_FAILURE;
    }
    root = argv[1];
    put_messages(stage());
    put_trees(stage());
    put_states();
    put_scripts();
    put_reads();
    return EXIT_SUCCESS;
}
