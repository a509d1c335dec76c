/* mls-peer: clients of libconclave behind a pipe, for tests that are written in another language.
 *
 * Reads one JSON object a line from stdin and answers each with one line on stdout: {"ok":true}
 * with what was asked for, or {"error":"EPATH","text":"..."} with the library's error. Bytes are
 * lower-case hex. `client` names the client a command is for; each has at most one group.
 *
 *     new            suite, [private_handshake, tree_in_welcome, grease, past_epochs,
 *                    padding_block, extensions: [type]]
 *     free
 *     psk            id, secret            an external PSK to be known from now on
 *     key_package                          -> message
 *     inspect        message               -> identity, ref (of anybody's key package)
 *     found          group_id, [extensions: [[type, data]]]
 *     join           welcome, [tree]       a group it continues is left behind
 *     join_external  group_info, [tree, resume: leaf, psks: [id]] -> message; then merge_own
 *     branch         group_id, key_packages -> welcome; the group left for the new one
 *     reinit         key_packages          -> welcome; the same after a merged ReInit
 *     group_info     with_tree             -> message
 *     propose        change                -> message
 *     new_member_propose  group_id, epoch  -> message
 *     commit         [changes, force_path, ignore_cached, aad] -> message
 *     merge_own                            -> welcome
 *     drop_own
 *     receive        message               -> kind, ...; a staged commit is merged at once
 *     protect        data, [aad]           -> message
 *     export         label, context, n     -> secret
 *     view                                 -> what all members must see alike
 *     tree                                 -> tree
 *     save                                 the group, whole
 *     restore                              from the last save and the deltas since
 *
 * A change is {"type": "add", "key_package"}, {"type": "remove", "leaf"}, {"type": "psk", "id"},
 * {"type": "resumption", "group_id", "epoch"}, {"type": "update"}, {"type": "extensions",
 * "extensions"} or {"type": "reinit", "group_id", "suite", "extensions"}. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "peer_client.h"
#include "peer_json.h"

#define MAX_CHANGES 32
#define MAX_EXTENSIONS 8
#define MAX_KEY_PACKAGES 32
#define DAY 86400u

/* One command at work. p is NULL only for `new`. */
struct call {
    struct peer *p;
    const json_t *in;
    json_t *out;
    uint64_t now;
};

static struct peer *find_peer(struct peer *all, const char *name)
{
    while (all != NULL && strcmp(all->name, name) != 0)
        all = all->next;
    return all;
}

/* ---- Changes ---- */

struct extension_list {
    struct mls_extension list[MAX_EXTENSIONS];
    struct buf data[MAX_EXTENSIONS];
    size_t n;
};

/* What a change's views point into. */
struct change {
    struct buf bytes;
    struct extension_list extensions;
};

static int read_extensions(const json_t *array, struct extension_list *out)
{
    size_t n = json_array_size(array);
    if (n > MAX_EXTENSIONS)
        return CONCLAVE_ELIMIT;
    for (size_t i = 0; i < n; i++) {
        const json_t *pair = json_array_get(array, i);
        int rv = peer_json_bytes(json_array_get(pair, 1), &out->data[i]);
        out->n = i + 1;
        if (rv != 0)
            return rv;
        out->list[i].type = (uint16_t)json_integer_value(json_array_get(pair, 0));
        out->list[i].data = buf_view(&out->data[i]);
    }
    return 0;
}

static void extension_list_fini(struct extension_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        buf_free(&list->data[i]);
}

static int read_change(const json_t *in, struct change *memory, struct mls_change *out)
{
    const char *type = peer_json_get_string(in, "type");
    int rv = 0;
    if (strcmp(type, "add") == 0) {
        rv = peer_json_get_bytes(in, "key_package", &memory->bytes);
        *out = mls_add(buf_view(&memory->bytes));
    } else if (strcmp(type, "remove") == 0) {
        *out = mls_remove((uint32_t)peer_json_get_number(in, "leaf", MLS_NO_LEAF));
    } else if (strcmp(type, "psk") == 0) {
        rv = peer_json_get_bytes(in, "id", &memory->bytes);
        *out = mls_external_psk(buf_view(&memory->bytes));
    } else if (strcmp(type, "resumption") == 0) {
        rv = peer_json_get_bytes(in, "group_id", &memory->bytes);
        *out = mls_resumption_psk(buf_view(&memory->bytes), peer_json_get_number(in, "epoch", 0));
    } else if (strcmp(type, "update") == 0) {
        *out = mls_update();
    } else if (strcmp(type, "extensions") == 0) {
        rv = read_extensions(json_object_get(in, "extensions"), &memory->extensions);
        *out = mls_set_extensions(memory->extensions.list, memory->extensions.n);
    } else if (strcmp(type, "reinit") == 0) {
        rv = peer_json_get_bytes(in, "group_id", &memory->bytes);
        if (rv == 0)
            rv = read_extensions(json_object_get(in, "extensions"), &memory->extensions);
        *out = mls_reinit(buf_view(&memory->bytes), (uint16_t)peer_json_get_number(in, "suite", 0),
                          memory->extensions.list, memory->extensions.n);
    } else {
        rv = CONCLAVE_EINVAL;
    }
    return rv;
}

static void change_fini(struct change *memory)
{
    buf_free(&memory->bytes);
    extension_list_fini(&memory->extensions);
}

/* ---- Commands ---- */

static int do_psk(struct call *c)
{
    struct buf id = {0}, secret = {0};
    int rv = peer_json_get_bytes(c->in, "id", &id);
    if (rv == 0)
        rv = peer_json_get_bytes(c->in, "secret", &secret);
    if (rv == 0)
        rv = peer_add_psk(c->p, buf_view(&id), buf_view(&secret));
    buf_free(&id);
    buf_free(&secret);
    return rv;
}

static int do_key_package(struct call *c)
{
    struct mls_key_package *kp;
    int rv = mls_key_package_new(c->p->client, c->now - 3600, c->now + DAY, false, &kp);
    if (rv != 0)
        return rv;
    mls_key_package_free(c->p->key_package);
    c->p->key_package = kp;
    peer_json_put_bytes(c->out, "message", mls_key_package_message(kp));
    return 0;
}

static int do_inspect(struct call *c)
{
    struct buf message = {0}, ref = {0};
    struct mls_member member;
    int rv = peer_json_get_bytes(c->in, "message", &message);
    if (rv == 0)
        rv = mls_key_package_inspect(c->p->client, buf_view(&message), c->now, &member, &ref);
    if (rv == 0) {
        peer_json_put_bytes(c->out, "identity", member.credential.identity);
        peer_json_put_bytes(c->out, "ref", buf_view(&ref));
    }
    buf_free(&message);
    buf_free(&ref);
    return rv;
}

static int do_found(struct call *c)
{
    struct extension_list extensions = {0};
    struct buf id = {0};
    struct mls_group *group;
    int rv = peer_json_get_bytes(c->in, "group_id", &id);
    if (rv == 0)
        rv = read_extensions(json_object_get(c->in, "extensions"), &extensions);
    if (rv == 0)
        rv = mls_group_new(c->p->client, buf_view(&id), extensions.list, extensions.n, c->now,
                           &group);
    if (rv == 0)
        rv = peer_take_group(c->p, group);
    buf_free(&id);
    extension_list_fini(&extensions);
    return rv;
}

static int do_join(struct call *c)
{
    struct buf welcome = {0}, tree = {0};
    struct mls_group *group;
    int rv = c->p->key_package != NULL ? 0 : CONCLAVE_ESTATE;
    if (rv == 0)
        rv = peer_json_get_bytes(c->in, "welcome", &welcome);
    if (rv == 0)
        rv = peer_json_get_bytes(c->in, "tree", &tree);
    if (rv == 0)
        rv = mls_group_join(c->p->client, buf_view(&welcome), buf_view(&tree), c->p->key_package,
                            &c->p->group, c->p->group != NULL, c->now, &group);
    if (rv == 0)
        rv = peer_take_group(c->p, group);
    buf_free(&welcome);
    buf_free(&tree);
    return rv;
}

/* The group that continues this one, with the members whose key packages are given. */
static int make_successor(struct call *c, struct bytes group_id, bool reinit,
                          struct mls_group **out)
{
    struct buf packages[MAX_KEY_PACKAGES] = {{0}};
    struct bytes views[MAX_KEY_PACKAGES];
    const json_t *list = json_object_get(c->in, "key_packages");
    size_t n = json_array_size(list);
    int rv = n <= MAX_KEY_PACKAGES ? 0 : CONCLAVE_ELIMIT;
    for (size_t i = 0; rv == 0 && i < n; i++) {
        rv = peer_json_bytes(json_array_get(list, i), &packages[i]);
        views[i] = buf_view(&packages[i]);
    }
    if (rv == 0 && reinit)
        rv = mls_group_reinit(c->p->group, c->p->client, views, n, c->now, out);
    else if (rv == 0)
        rv = mls_group_branch(c->p->group, group_id, views, n, c->now, out);
    for (size_t i = 0; i < MAX_KEY_PACKAGES; i++)
        buf_free(&packages[i]);
    return rv;
}

static int succeed(struct call *c, bool reinit)
{
    struct buf id = {0}, welcome = {0};
    struct mls_group *group;
    int rv = peer_json_get_bytes(c->in, "group_id", &id);
    if (rv == 0)
        rv = make_successor(c, buf_view(&id), reinit, &group);
    if (rv == 0)
        rv = peer_take_group(c->p, group);
    if (rv == 0)
        rv = mls_group_merge_own(c->p->group, &welcome);
    if (rv == 0)
        peer_json_put_bytes(c->out, "welcome", buf_view(&welcome));
    buf_free(&id);
    buf_free(&welcome);
    return rv;
}

static int do_branch(struct call *c)
{
    return succeed(c, false);
}

static int do_reinit(struct call *c)
{
    return succeed(c, true);
}

static int do_join_external(struct call *c)
{
    struct buf info = {0}, tree = {0}, commit = {0}, ids[PEER_MAX_PSKS] = {{0}};
    struct bytes views[PEER_MAX_PSKS];
    struct mls_group *group;
    const json_t *psks = json_object_get(c->in, "psks");
    size_t n = json_array_size(psks);
    uint32_t resume = (uint32_t)peer_json_get_number(c->in, "resume", MLS_NO_LEAF);
    int rv = n <= PEER_MAX_PSKS ? 0 : CONCLAVE_ELIMIT;
    for (size_t i = 0; rv == 0 && i < n; i++) {
        rv = peer_json_bytes(json_array_get(psks, i), &ids[i]);
        views[i] = buf_view(&ids[i]);
    }
    if (rv == 0)
        rv = peer_json_get_bytes(c->in, "group_info", &info);
    if (rv == 0)
        rv = peer_json_get_bytes(c->in, "tree", &tree);
    if (rv == 0)
        rv = mls_group_join_external(c->p->client, buf_view(&info), buf_view(&tree), resume, views,
                                     n, c->now, &group, &commit);
    if (rv == 0)
        rv = peer_take_group(c->p, group);
    if (rv == 0)
        peer_json_put_bytes(c->out, "message", buf_view(&commit));
    for (size_t i = 0; i < PEER_MAX_PSKS; i++)
        buf_free(&ids[i]);
    buf_free(&info);
    buf_free(&tree);
    buf_free(&commit);
    return rv;
}

static int do_group_info(struct call *c)
{
    struct buf message = {0};
    int rv = mls_group_info(c->p->group,
                            MLS_INFO_EXTERNAL_PUB |
                                (peer_json_get_bool(c->in, "with_tree", true) ? MLS_INFO_TREE : 0),
                            &message);
    if (rv == 0)
        peer_json_put_bytes(c->out, "message", buf_view(&message));
    buf_free(&message);
    return rv;
}

static int do_propose(struct call *c)
{
    struct change memory = {0};
    struct mls_change change;
    struct buf message = {0};
    int rv = read_change(json_object_get(c->in, "change"), &memory, &change);
    if (rv == 0)
        rv = mls_group_propose(c->p->group, &change, NULL, c->now, &message);
    if (rv == 0)
        peer_json_put_bytes(c->out, "message", buf_view(&message));
    buf_free(&message);
    change_fini(&memory);
    return rv;
}

static int do_new_member_propose(struct call *c)
{
    struct buf id = {0}, message = {0};
    uint64_t epoch = peer_json_get_number(c->in, "epoch", 0);
    int rv = peer_json_get_bytes(c->in, "group_id", &id);
    if (rv == 0)
        rv =
            mls_new_member_propose(c->p->client, c->p->key_package, buf_view(&id), epoch, &message);
    if (rv == 0)
        peer_json_put_bytes(c->out, "message", buf_view(&message));
    buf_free(&id);
    buf_free(&message);
    return rv;
}

static int do_commit(struct call *c)
{
    struct change memory[MAX_CHANGES] = {0};
    struct mls_change changes[MAX_CHANGES];
    struct buf message = {0}, aad = {0};
    struct mls_commit_options options = {
        .force_path = peer_json_get_bool(c->in, "force_path", false),
        .ignore_cached = peer_json_get_bool(c->in, "ignore_cached", false),
    };
    const json_t *list = json_object_get(c->in, "changes");
    size_t n = json_array_size(list);
    int rv = n <= MAX_CHANGES ? peer_json_get_bytes(c->in, "aad", &aad) : CONCLAVE_ELIMIT;
    options.authenticated_data = buf_view(&aad);
    for (size_t i = 0; rv == 0 && i < n; i++)
        rv = read_change(json_array_get(list, i), &memory[i], &changes[i]);
    if (rv == 0)
        rv = mls_group_commit(c->p->group, changes, n, &options, c->now, &message);
    if (rv == 0)
        peer_json_put_bytes(c->out, "message", buf_view(&message));
    for (size_t i = 0; i < MAX_CHANGES; i++)
        change_fini(&memory[i]);
    buf_free(&message);
    buf_free(&aad);
    return rv;
}

static int do_merge_own(struct call *c)
{
    struct buf welcome = {0};
    int rv = mls_group_merge_own(c->p->group, &welcome);
    if (rv == 0)
        peer_json_put_bytes(c->out, "welcome", buf_view(&welcome));
    buf_free(&welcome);
    return rv;
}

static int do_drop_own(struct call *c)
{
    return mls_group_drop_own(c->p->group);
}

/* The proposals of a staged commit by type, as [type, by_reference]. */
static json_t *proposals_of(const struct mls_staged *staged)
{
    json_t *list = json_array();
    for (size_t i = 0; i < mls_staged_proposal_count(staged); i++) {
        struct mls_proposal_info info;
        if (mls_staged_proposal(staged, i, &info) == 0)
            json_array_append_new(list, json_pack("[i,b]", (int)info.type, (int)info.by_reference));
    }
    return list;
}

static int receive_commit(struct call *c, struct mls_received *r)
{
    json_object_set_new(c->out, "proposals", proposals_of(r->staged));
    json_object_set_new(c->out, "path", json_boolean(mls_staged_has_path(r->staged)));
    json_object_set_new(c->out, "removed", json_boolean(mls_staged_removes_us(r->staged)));
    peer_json_put_number(c->out, "committer", mls_staged_committer(r->staged));
    return mls_group_merge(c->p->group, mls_received_take(r));
}

static int do_receive(struct call *c)
{
    static const char *const kinds[] = {"application", "proposal", "commit", "own_commit"};
    struct buf message = {0};
    struct mls_received r;
    int rv = peer_json_get_bytes(c->in, "message", &message);
    if (rv == 0)
        rv = mls_group_receive(c->p->group, buf_view(&message), c->now, &r);
    buf_free(&message);
    if (rv != 0)
        return rv;
    peer_json_put_string(c->out, "kind", kinds[r.kind]);
    peer_json_put_number(c->out, "epoch", r.epoch);
    peer_json_put_number(c->out, "sender_type", r.sender.type);
    peer_json_put_number(c->out, "sender", r.sender.index);
    peer_json_put_bytes(c->out, "aad", buf_view(&r.authenticated_data));
    if (r.kind == MLS_RECEIVED_APPLICATION)
        peer_json_put_bytes(c->out, "data", buf_view(&r.data));
    if (r.kind == MLS_RECEIVED_PROPOSAL)
        peer_json_put_number(c->out, "type", r.proposal.type);
    if (r.kind == MLS_RECEIVED_COMMIT)
        rv = receive_commit(c, &r);
    mls_received_free(&r);
    return rv;
}

static int do_protect(struct call *c)
{
    struct buf data = {0}, aad = {0}, message = {0};
    int rv = peer_json_get_bytes(c->in, "data", &data);
    if (rv == 0)
        rv = peer_json_get_bytes(c->in, "aad", &aad);
    if (rv == 0)
        rv = mls_group_protect(c->p->group, buf_view(&aad), buf_view(&data), &message);
    if (rv == 0)
        peer_json_put_bytes(c->out, "message", buf_view(&message));
    buf_free(&data);
    buf_free(&aad);
    buf_free(&message);
    return rv;
}

static int do_export(struct call *c)
{
    struct buf context = {0};
    uint8_t secret[64];
    size_t n = (size_t)peer_json_get_number(c->in, "n", 32);
    int rv = n <= sizeof secret ? peer_json_get_bytes(c->in, "context", &context) : CONCLAVE_EINVAL;
    if (rv == 0)
        rv = mls_group_export(c->p->group, peer_json_get_string(c->in, "label"), buf_view(&context),
                              n, secret);
    if (rv == 0)
        peer_json_put_bytes(c->out, "secret", bytes_of(secret, n));
    buf_free(&context);
    return rv;
}

static json_t *roster_of(const struct mls_group *g)
{
    json_t *roster = json_array();
    struct mls_member m;
    for (uint32_t leaf = 0; mls_group_next_member(g, &leaf, &m);) {
        json_t *entry = json_object();
        peer_json_put_number(entry, "leaf", m.leaf_index);
        peer_json_put_bytes(entry, "identity", m.credential.identity);
        peer_json_put_bytes(entry, "signature_key", m.signature_key);
        peer_json_put_bytes(entry, "encryption_key", m.encryption_key);
        json_array_append_new(roster, entry);
    }
    return roster;
}

static int do_view(struct call *c)
{
    struct mls_context context;
    mls_group_context(c->p->group, &context);
    peer_json_put_bytes(c->out, "group_id", context.group_id);
    peer_json_put_number(c->out, "epoch", context.epoch);
    peer_json_put_bytes(c->out, "tree_hash", context.tree_hash);
    peer_json_put_bytes(c->out, "transcript_hash", context.confirmed_transcript_hash);
    peer_json_put_bytes(c->out, "extensions", context.extensions);
    peer_json_put_bytes(c->out, "authenticator", mls_group_epoch_authenticator(c->p->group));
    peer_json_put_number(c->out, "own_leaf", mls_group_own_leaf(c->p->group));
    json_object_set_new(c->out, "pending", json_boolean(mls_group_has_pending(c->p->group)));
    json_object_set_new(c->out, "member", json_boolean(mls_group_is_member(c->p->group)));
    json_object_set_new(c->out, "roster", roster_of(c->p->group));
    return 0;
}

static int do_tree(struct call *c)
{
    struct buf tree = {0};
    int rv = mls_group_tree(c->p->group, &tree);
    if (rv == 0)
        peer_json_put_bytes(c->out, "tree", buf_view(&tree));
    buf_free(&tree);
    return rv;
}

static int do_save(struct call *c)
{
    return peer_save(c->p);
}

static int do_restore(struct call *c)
{
    peer_json_put_number(c->out, "deltas", c->p->n_deltas);
    return peer_restore(c->p);
}

/* ---- The loop ---- */

static const struct command {
    const char *name;
    bool needs_group;
    int (*run)(struct call *c);
} commands[] = {
    {"psk", false, do_psk},
    {"key_package", false, do_key_package},
    {"inspect", false, do_inspect},
    {"found", false, do_found},
    {"join", false, do_join},
    {"join_external", false, do_join_external},
    {"new_member_propose", false, do_new_member_propose},
    {"branch", true, do_branch},
    {"reinit", true, do_reinit},
    {"group_info", true, do_group_info},
    {"propose", true, do_propose},
    {"commit", true, do_commit},
    {"merge_own", true, do_merge_own},
    {"drop_own", true, do_drop_own},
    {"receive", true, do_receive},
    {"protect", true, do_protect},
    {"export", true, do_export},
    {"view", true, do_view},
    {"tree", true, do_tree},
    {"save", true, do_save},
    {"restore", true, do_restore},
};

static int run_new(struct peer **all, const char *name, const json_t *in)
{
    struct peer *p;
    if (*name == '\0' || find_peer(*all, name) != NULL)
        return CONCLAVE_EINVAL;
    int rv = peer_new(name, in, &p);
    if (rv != 0)
        return rv;
    p->next = *all;
    *all = p;
    return 0;
}

static int run_free(struct peer **all, const char *name)
{
    for (struct peer **at = all; *at != NULL; at = &(*at)->next) {
        struct peer *p = *at;
        if (strcmp(p->name, name) == 0) {
            *at = p->next;
            peer_free(p);
            return 0;
        }
    }
    return CONCLAVE_ENOTFOUND;
}

static int run(struct peer **all, const json_t *in, json_t *out)
{
    const char *name = peer_json_get_string(in, "client");
    const char *command = peer_json_get_string(in, "cmd");
    struct call c = {find_peer(*all, name), in, out, (uint64_t)time(NULL)};
    if (strcmp(command, "new") == 0)
        return run_new(all, name, in);
    if (strcmp(command, "free") == 0)
        return run_free(all, name);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(commands[i].name, command) != 0)
            continue;
        if (c.p == NULL || (commands[i].needs_group && c.p->group == NULL))
            return CONCLAVE_ESTATE;
        return commands[i].run(&c);
    }
    return CONCLAVE_EUNSUPPORTED;
}

static bool answer(struct peer **all, const char *line)
{
    json_t *in = json_loads(line, 0, NULL);
    json_t *out = json_object();
    int rv = in != NULL ? run(all, in, out) : CONCLAVE_ESYNTAX;
    if (rv == 0) {
        json_object_set_new(out, "ok", json_true());
    } else {
        peer_json_put_string(out, "error", conclave_error_name(rv));
        peer_json_put_string(out, "text", conclave_error_text(rv));
    }
    bool written =
        json_dumpf(out, stdout, JSON_COMPACT) == 0 && putchar('\n') != EOF && fflush(stdout) == 0;
    json_decref(in);
    json_decref(out);
    return written;
}

int main(void)
{
    struct peer *all = NULL;
    char *line = NULL;
    size_t room = 0;
    bool written = true;
    while (written && getline(&line, &room, stdin) > 0)
        written = answer(&all, line);
    free(line);
    while (all != NULL) {
        struct peer *next = all->next;
        peer_free(all);
        all = next;
    }
    return written ? EXIT_SUCCESS : EXIT_FAILURE;
}
