#include "support/room_world.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/labels.h"
#include "crypto/sha256.h"
#include "support/alloc_fail.h"

#define OK(call) assert_int_equal((call), 0)

static uint64_t now_of(const struct room_world *w)
{
    return w->now / SECONDS;
}

/* ---- Making ---- */

static int find_psk(void *ctx, struct bytes id, struct buf *out)
{
    (void)ctx;
    (void)id;
    buf_clear(out);
    buf_put(out, bytes_str("the psk that comes from the link"));
    return buf_check(out);
}

static void make_room(struct room_world *w)
{
    w->config = (struct room_config){.card = w->card,
                                     .crypto = w->people.public_crypto,
                                     .signer = w->people.server,
                                     .anchors = w->people.anchors,
                                     .max_participants = w->config.max_participants,
                                     .max_waiting = w->config.max_waiting};
    OK(room_new(&w->config, &w->room));
}

void room_world_init(struct room_world *w)
{
    memset(w, 0, sizeof *w);
    w->now = (MEETING_NOW + 60) * SECONDS;
    w->next_conn = 1;
    w->effects_left = w->allocations_left = SIZE_MAX;
    meeting_world_init(&w->people);
    OK(card_read(buf_view(&w->people.card), &w->card));
    make_room(w);
    room_world_client_of(w, w->people.organiser);
}

void room_world_set_card(struct room_world *w, const struct card_terms *terms)
{
    room_free(w->room);
    card_free(w->card);
    meeting_world_set_card(&w->people, terms);
    OK(card_read(buf_view(&w->people.card), &w->card));
    make_room(w);
}

static void forget_commits(struct room_world *w, uint64_t from)
{
    while (w->n_commits != 0 && w->commits[w->n_commits - 1].epoch >= from)
        buf_free(&w->commits[--w->n_commits].data);
}

static void forget_inbox(struct room_client *c)
{
    while (c->inbox_n != 0)
        buf_free(&c->inbox[--c->inbox_n]);
}

static void client_fini(struct room_client *c)
{
    forget_inbox(c);
    free(c->inbox);
    mls_group_free(c->group);
    mls_group_free(c->rejoining);
    mls_key_package_free(c->kp);
    mls_client_free(c->mls);
    buf_free(&c->joiners);
    buf_free(&c->lobby);
    buf_free(&c->presence);
    buf_free(&c->welcome);
    buf_free(&c->kept);
    buf_free(&c->app);
}

void room_world_fini(struct room_world *w)
{
    for (size_t i = 0; i < w->n; i++)
        client_fini(&w->client[i]);
    forget_commits(w, 0);
    buf_free(&w->snapshot);
    room_free(w->room);
    card_free(w->card);
    meeting_world_fini(&w->people);
}

struct room_client *room_world_client_of(struct room_world *w, struct meeting_person *who)
{
    static const uint16_t extensions[] = {MEETING_EXT_CARD, MEETING_EXT_STATE, MEETING_EXT_NAME};
    static const uint8_t name[13] = {0};
    const struct mls_extension leaf = {MEETING_EXT_NAME, {name, sizeof name}};
    assert_true(w->n < ROOM_CLIENTS_MAX);
    struct room_client *c = &w->client[w->n++];
    c->who = who;
    struct mls_client_config config = {
        .suite = MEETING_SUITE,
        .signer = who->signer,
        .credential = meeting_person_credential(who),
        .callbacks = {.check_identity = mls_identity_accept_any, .find_psk = find_psk},
        .policy = mls_policy_default(),
        .extensions = extensions,
        .n_extensions = 3,
        .leaf_extensions = &leaf,
        .n_leaf_extensions = 1};
    config.policy.tree_in_welcome = false;
    OK(mls_client_new(&config, &c->mls));
    return c;
}

struct room_client *room_world_client(struct room_world *w, enum identity_kind kind,
                                      const char *name)
{
    return room_world_client_of(w, meeting_world_person(&w->people, kind, name));
}

/* ---- Calls of the room, in which memory may run out ---- */

static void before(const struct room_world *w)
{
    if (w->allocations_left != SIZE_MAX)
        alloc_fail_after(w->allocations_left);
}

/* Whether the call has to be made again: nothing has changed then. */
static bool failed(struct room_world *w, int rv)
{
    bool hit = w->allocations_left != SIZE_MAX && alloc_fail_hit();
    if (hit)
        w->allocations_left = SIZE_MAX;
    else if (w->allocations_left != SIZE_MAX)
        w->allocations_left -= alloc_count();
    alloc_fail_off();
    w->out_of_memory = w->out_of_memory || hit;
    assert_true(rv == 0 || (hit && rv == CONCLAVE_ENOMEM));
    return rv != 0;
}

static void input(struct room_world *w, uint64_t conn, struct bytes frame)
{
    int rv;
    do {
        before(w);
        rv = room_input(w->room, conn, frame, w->now);
    } while (failed(w, rv));
}

static void open_conn(struct room_world *w, uint64_t conn)
{
    int rv;
    do {
        before(w);
        rv = room_open(w->room, conn, w->now);
    } while (failed(w, rv));
}

static void tick(struct room_world *w)
{
    int rv;
    do {
        before(w);
        rv = room_tick(w->room, w->now);
    } while (failed(w, rv));
}

static void close_conn(struct room_world *w, uint64_t conn)
{
    before(w);
    room_close(w->room, conn, w->now);
    (void)failed(w, 0);
}

/* ---- What a client gets ---- */

static struct room_client *client_at(struct room_world *w, uint64_t conn)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->client[i].conn == conn)
            return &w->client[i];
    return NULL;
}

static void deliver(struct room_client *c, const struct room_frame *frame)
{
    if (c->inbox_n == c->inbox_cap) {
        c->inbox_cap = c->inbox_cap == 0 ? 16 : 2 * c->inbox_cap;
        c->inbox = realloc(c->inbox, c->inbox_cap * sizeof *c->inbox);
        assert_non_null(c->inbox);
    }
    c->inbox[c->inbox_n] = (struct buf){0};
    room_frame_put(frame, &c->inbox[c->inbox_n++]);
}

static void copy(struct buf *to, struct bytes from)
{
    buf_clear(to);
    buf_put(to, from);
    OK(buf_check(to));
}

/* Says without running: for answers. */
static void answer(struct room_world *w, struct room_client *c, const struct signal_message *m)
{
    struct buf frame = {0};
    OK(signal_write(m, &frame));
    if (c->conn != 0)
        input(w, c->conn, buf_view(&frame));
    buf_free(&frame);
}

static void merge_own(struct room_world *w, struct room_client *c)
{
    struct buf welcome = {0};
    OK(mls_group_merge_own(c->group, &welcome));
    if (c->mute)
        copy(&c->welcome, buf_view(&welcome));
    else if (welcome.n != 0)
        answer(w, c,
               &(struct signal_message){.type = SIGNAL_WELCOME,
                                        .epoch = mls_group_epoch(c->group),
                                        .body = buf_view(&welcome)});
    buf_free(&welcome);
    c->followed++;
}

static void follow(struct room_world *w, struct room_client *c, struct bytes message)
{
    struct mls_received r;
    struct buf none = {0};
    if (c->rejoining != NULL) {
        if (mls_group_receive(c->rejoining, message, now_of(w), &r) != 0)
            return;
        if (r.kind == MLS_RECEIVED_OWN_COMMIT) {
            OK(mls_group_merge_own(c->rejoining, &none));
            mls_group_free(c->group);
            c->group = c->rejoining;
            c->rejoining = NULL;
            c->followed++;
        }
        mls_received_free(&r);
        buf_free(&none);
        return;
    }
    if (c->group == NULL || c->deaf)
        return;
    if (mls_group_receive(c->group, message, now_of(w), &r) != 0) {
        c->refused++;
        return;
    }
    if (r.kind == MLS_RECEIVED_OWN_COMMIT) {
        merge_own(w, c);
    } else if (r.kind == MLS_RECEIVED_COMMIT) {
        OK(mls_group_merge(c->group, mls_received_take(&r)));
        c->followed++;
    }
    mls_received_free(&r);
}

static void join(struct room_world *w, struct room_client *c, const struct signal_message *m)
{
    assert_null(c->group);
    OK(mls_group_join(c->mls, m->body, m->tree, c->kp, NULL, 0, now_of(w), &c->group));
}

static void come_in(struct room_world *w, struct room_client *c, const struct signal_message *m)
{
    struct bytes psk = card_hash(w->card);
    struct buf commit = {0};
    mls_group_free(c->rejoining);
    c->rejoining = NULL;
    OK(mls_group_join_external(c->mls, m->body, m->tree, mls_group_own_leaf(c->group), &psk,
                               card_terms(w->card)->open ? 0 : 1, now_of(w), &c->rejoining,
                               &commit));
    if (c->slow)
        copy(&c->kept, buf_view(&commit));
    else
        answer(w, c, &(struct signal_message){.type = SIGNAL_COMMIT, .body = buf_view(&commit)});
    buf_free(&commit);
}

static void give_info(struct room_world *w, struct room_client *c)
{
    struct buf info = {0};
    OK(mls_group_info(c->group, MLS_INFO_EXTERNAL_PUB, &info));
    answer(w, c, &(struct signal_message){.type = SIGNAL_INFO, .body = buf_view(&info)});
    buf_free(&info);
}

static void see_lobby(struct room_client *c, const struct signal_message *m)
{
    struct bytes added = m->entries, removed = m->refs, ref;
    struct signal_entry e;
    if (m->entries.n != 0)
        copy(&c->lobby, m->entries);
    while (signal_next_entry(&added, &e))
        c->lobby_added++;
    while (signal_next_ref(&removed, &ref))
        c->lobby_removed++;
}

static void look(struct room_world *w, struct room_client *c, struct bytes frame)
{
    struct signal_message m;
    OK(signal_read(frame, &m));
    assert_false(signal_from_client(m.type));
    c->got[m.type]++;
    switch (m.type) {
    case SIGNAL_CHALLENGE:
        memcpy(c->nonce, m.nonce.p, sizeof c->nonce);
        c->running = m.running;
        break;
    case SIGNAL_WAITING:
        c->waiting = m.waiting;
        break;
    case SIGNAL_LOBBY:
        see_lobby(c, &m);
        break;
    case SIGNAL_JOINERS:
        copy(&c->joiners, m.entries);
        break;
    case SIGNAL_PROPOSED:
    case SIGNAL_COMMITTED:
        follow(w, c, m.body);
        break;
    case SIGNAL_WELCOMED:
        join(w, c, &m);
        break;
    case SIGNAL_LIVE:
        c->live_epoch = m.epoch;
        c->live_leaf = m.leaf;
        break;
    case SIGNAL_REJECTED:
        c->rejected = m.reason;
        c->rejected_epoch = m.epoch;
        if (c->group != NULL)
            OK(mls_group_drop_own(c->group));
        break;
    case SIGNAL_PRESENCE:
        copy(&c->presence, m.presence);
        break;
    case SIGNAL_INFO_REQUEST:
        if (!c->mute)
            give_info(w, c);
        break;
    case SIGNAL_INFO_OF:
        come_in(w, c, &m);
        break;
    case SIGNAL_UNDONE:
        c->undone_epoch = m.epoch;
        c->offender = m.leaf;
        break;
    case SIGNAL_APP_FROM:
        copy(&c->app, m.body);
        break;
    case SIGNAL_FAULT:
        c->fault = m.reason;
        break;
    default:
        break;
    }
}

/* ---- The world goes on ---- */

static void store_commit(struct room_world *w, const struct room_effect *e)
{
    forget_commits(w, e->epoch);
    assert_true(w->n_commits < ROOM_COMMITS_MAX);
    struct room_stored *s = &w->commits[w->n_commits++];
    *s = (struct room_stored){.epoch = e->epoch};
    copy(&s->data, e->data);
}

/* Frames of one batch are all there before the first is carried out. */
static void count_tree(struct room_world *w, const struct room_frame *frame)
{
    const uint8_t *tree = room_frame_rest(frame).p;
    if (tree != NULL && tree != w->tree) {
        w->tree = tree;
        w->trees++;
    }
}

static void carry_out(struct room_world *w, const struct room_effect *e)
{
    if (e->kind == ROOM_SEND)
        count_tree(w, e->frame);
    for (size_t i = 0; i < e->n_conns; i++) {
        struct room_client *c = client_at(w, e->conns[i]);
        if (c != NULL && e->kind == ROOM_SEND)
            deliver(c, e->frame);
        if (c != NULL && e->kind == ROOM_CLOSE) {
            c->conn = 0;
            c->closed = true;
            c->close_reason = e->reason;
        }
    }
    switch (e->kind) {
    case ROOM_SNAPSHOT:
        forget_commits(w, 0);
        copy(&w->snapshot, e->data);
        w->snapshots++;
        break;
    case ROOM_COMMIT:
        store_commit(w, e);
        break;
    case ROOM_UNDO:
        forget_commits(w, e->epoch);
        w->undos++;
        break;
    case ROOM_FORGET:
        forget_commits(w, 0);
        buf_clear(&w->snapshot);
        w->forgets++;
        break;
    case ROOM_LOG:
        w->events[e->reason]++;
        break;
    default:
        break;
    }
}

static void pull(struct room_world *w)
{
    struct room_effect e;
    while (w->effects_left != 0 && room_next(w->room, &e)) {
        carry_out(w, &e);
        w->effects++;
        if (w->effects_left != SIZE_MAX)
            w->effects_left--;
    }
}

static bool look_all(struct room_world *w)
{
    bool any = false;
    for (size_t i = 0; i < w->n; i++) {
        struct room_client *c = &w->client[i];
        for (size_t k = 0; k < c->inbox_n; k++) {
            struct buf frame = c->inbox[k]; /* answers may add frames, and move the list */
            c->inbox[k] = (struct buf){0};
            look(w, c, buf_view(&frame));
            buf_free(&frame);
            any = true;
        }
        c->inbox_n = 0;
    }
    return any;
}

void room_world_run(struct room_world *w)
{
    do
        pull(w);
    while (look_all(w));
}

void room_world_advance(struct room_world *w, uint64_t us)
{
    uint64_t end = w->now + us;
    for (uint64_t at; (at = room_deadline(w->room)) <= end;) {
        w->now = at > w->now ? at : w->now;
        tick(w);
        room_world_run(w);
    }
    w->now = end;
}

void room_world_restart(struct room_world *w)
{
    struct bytes commits[ROOM_COMMITS_MAX];
    room_free(w->room);
    w->room = NULL;
    w->effects_left = SIZE_MAX;
    for (size_t i = 0; i < w->n; i++) {
        w->client[i].conn = 0;
        forget_inbox(&w->client[i]);
    }
    for (size_t i = 0; i < w->n_commits; i++)
        commits[i] = buf_view(&w->commits[i].data);
    if (w->snapshot.n == 0) {
        make_room(w);
        return;
    }
    OK(room_restore(&w->config, buf_view(&w->snapshot), commits, w->n_commits, w->now, &w->room));
    room_world_run(w);
}

/* ---- What a client does ---- */

void room_connect(struct room_world *w, struct room_client *c)
{
    c->conn = w->next_conn++;
    c->fault = 0;
    c->closed = false;
    open_conn(w, c->conn);
    room_world_run(w);
}

void room_disconnect(struct room_world *w, struct room_client *c)
{
    uint64_t conn = c->conn;
    c->conn = 0;
    forget_inbox(c);
    close_conn(w, conn);
    room_world_run(w);
}

void room_say_bytes(struct room_world *w, struct room_client *c, struct bytes frame)
{
    input(w, c->conn, frame);
    room_world_run(w);
}

void room_say_message(struct room_world *w, struct room_client *c, const struct signal_message *m)
{
    answer(w, c, m);
    room_world_run(w);
}

static void prove(struct room_client *c, enum signal_type type, struct bytes subject,
                  struct buf *out)
{
    struct buf tbs = {0};
    OK(signal_connect_tbs(bytes_of(c->nonce, sizeof c->nonce), type, subject, &tbs));
    struct bytes part = buf_view(&tbs);
    OK(sign_with_label(c->who->signer, SIGNAL_CONNECT_LABEL, &part, 1, out));
    buf_free(&tbs);
}

static void prove_hash(struct room_client *c, enum signal_type type, struct bytes subject,
                       struct buf *out)
{
    uint8_t hash[SHA256_SIZE];
    OK(crypto_sha256(subject, hash));
    prove(c, type, bytes_of(hash, sizeof hash), out);
}

static void found_group(struct room_world *w, struct room_client *c)
{
    uint8_t id[MEETING_GROUP_ID] = {0};
    const struct meeting_state state = {.started_at = now_of(w)};
    struct meeting_extensions extensions;
    memcpy(id, card_terms(w->card)->meeting_id, CARD_ID);
    id[CARD_ID] = (uint8_t)w->next_conn;
    mls_group_free(c->group);
    c->group = NULL;
    OK(meeting_extensions_init(&extensions, w->card, &state));
    OK(mls_group_new(c->mls, bytes_of(id, sizeof id), extensions.list, MEETING_EXTENSIONS,
                     now_of(w), &c->group));
    meeting_extensions_fini(&extensions);
}

void room_send_found(struct room_world *w, struct room_client *c, struct bytes info,
                     struct bytes tree)
{
    struct buf signature = {0};
    prove_hash(c, SIGNAL_FOUND, info, &signature);
    room_say_message(
        w, c,
        &(struct signal_message){
            .type = SIGNAL_FOUND, .body = info, .tree = tree, .signature = buf_view(&signature)});
    buf_free(&signature);
}

void room_found(struct room_world *w, struct room_client *c)
{
    struct buf info = {0}, tree = {0};
    found_group(w, c);
    OK(mls_group_info(c->group, 0, &info));
    OK(mls_group_tree(c->group, &tree));
    room_send_found(w, c, buf_view(&info), buf_view(&tree));
    buf_free(&info);
    buf_free(&tree);
}

void room_send_knock(struct room_world *w, struct room_client *c, struct bytes key_package)
{
    struct buf signature = {0};
    prove_hash(c, SIGNAL_KNOCK, key_package, &signature);
    room_say_message(w, c,
                     &(struct signal_message){.type = SIGNAL_KNOCK,
                                              .body = key_package,
                                              .signature = buf_view(&signature)});
    buf_free(&signature);
}

void room_knock(struct room_world *w, struct room_client *c)
{
    mls_group_free(c->group);
    c->group = NULL;
    mls_key_package_free(c->kp);
    OK(mls_key_package_new(c->mls, now_of(w) - 3600, now_of(w) + MEETING_DAY, false, &c->kp));
    room_send_knock(w, c, mls_key_package_message(c->kp));
}

void room_prove(struct room_client *c, enum signal_type type, struct buf *out)
{
    struct mls_context context;
    mls_group_context(c->group, &context);
    prove(c, type, context.group_id, out);
}

static void come_back(struct room_world *w, struct room_client *c, enum signal_type type)
{
    struct mls_context context;
    struct buf signature = {0};
    mls_group_context(c->group, &context);
    if (type == SIGNAL_RESUME) /* what the server still knows of comes again */
        OK(mls_group_clear_proposals(c->group));
    prove(c, type, context.group_id, &signature);
    room_say_message(w, c,
                     &(struct signal_message){.type = type,
                                              .group_id = context.group_id,
                                              .leaf = mls_group_own_leaf(c->group),
                                              .epoch = context.epoch,
                                              .signature = buf_view(&signature)});
    buf_free(&signature);
}

void room_resume(struct room_world *w, struct room_client *c)
{
    come_back(w, c, SIGNAL_RESUME);
}

void room_rejoin(struct room_world *w, struct room_client *c)
{
    come_back(w, c, SIGNAL_REJOIN);
}

static bool adds(const struct mls_change *changes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (changes[i].type == MLS_ADD)
            return true;
    return false;
}

void room_make_commit(struct room_world *w, struct room_client *c, const struct mls_change *changes,
                      size_t n, struct buf *out)
{
    struct mls_change *all = calloc(n + 1, sizeof *all);
    assert_non_null(all);
    if (n != 0)
        memcpy(all, changes, n * sizeof *all);
    if (adds(changes, n) && !card_terms(w->card)->open)
        all[n++] = mls_external_psk(card_hash(w->card));
    OK(mls_group_commit(c->group, all, n, NULL, now_of(w), out));
    free(all);
}

void room_send_commit(struct room_world *w, struct room_client *c, struct bytes message)
{
    room_say_message(w, c, &(struct signal_message){.type = SIGNAL_COMMIT, .body = message});
}

void room_commit(struct room_world *w, struct room_client *c, const struct mls_change *changes,
                 size_t n)
{
    struct buf message = {0};
    room_make_commit(w, c, changes, n, &message);
    room_send_commit(w, c, buf_view(&message));
    buf_free(&message);
}

void room_propose(struct room_world *w, struct room_client *c, struct mls_change change)
{
    struct buf message = {0};
    OK(mls_group_propose(c->group, &change, NULL, now_of(w), &message));
    room_say_message(w, c,
                     &(struct signal_message){.type = SIGNAL_PROPOSE, .body = buf_view(&message)});
    buf_free(&message);
}

void room_chat(struct room_world *w, struct room_client *c, const char *text)
{
    struct buf message = {0};
    OK(mls_group_protect(c->group, bytes_of(NULL, 0), bytes_str(text), &message));
    room_say_message(w, c,
                     &(struct signal_message){.type = SIGNAL_APP, .body = buf_view(&message)});
    buf_free(&message);
}

static void add_entries(struct room_world *w, struct room_client *c, struct buf *entries)
{
    struct mls_change changes[ROOM_CLIENTS_MAX];
    struct bytes rest = buf_view(entries);
    struct signal_entry e;
    size_t n = 0;
    while (n < ROOM_CLIENTS_MAX && signal_next_entry(&rest, &e))
        changes[n++] = mls_add(e.key_package);
    struct buf taken = *entries; /* more of them may come while this is on its way */
    *entries = (struct buf){0};
    room_commit(w, c, changes, n);
    buf_free(&taken);
}

void room_add_joiners(struct room_world *w, struct room_client *c)
{
    assert_int_not_equal(c->joiners.n, 0);
    add_entries(w, c, &c->joiners);
}

void room_add_lobby(struct room_world *w, struct room_client *c)
{
    assert_int_not_equal(c->lobby.n, 0);
    add_entries(w, c, &c->lobby);
}

void room_state(const struct room_client *c, struct meeting_state *out)
{
    struct mls_context context;
    struct bytes data;
    mls_group_context(c->group, &context);
    OK(mls_extension_find(context.extensions, MEETING_EXT_STATE, &data));
    OK(meeting_state_read(data, out));
}

void room_set_state(struct room_world *w, struct room_client *c, const struct meeting_state *state)
{
    struct meeting_extensions extensions;
    OK(meeting_extensions_init(&extensions, w->card, state));
    struct mls_change change = mls_set_extensions(extensions.list, MEETING_EXTENSIONS);
    room_commit(w, c, &change, 1);
    meeting_extensions_fini(&extensions);
}

void room_complain(struct room_world *w, struct room_client *c, struct bytes commit)
{
    uint8_t hash[SHA256_SIZE];
    OK(crypto_sha256(commit, hash));
    room_say_message(w, c,
                     &(struct signal_message){.type = SIGNAL_COMPLAINT,
                                              .epoch = mls_group_epoch(c->group),
                                              .hash = bytes_of(hash, sizeof hash),
                                              .reason = REASON_CANNOT_FOLLOW});
}

/* ---- Short cuts ---- */

void room_start(struct room_world *w)
{
    room_connect(w, &w->client[0]);
    room_found(w, &w->client[0]);
    assert_int_equal(w->client[0].got[SIGNAL_LIVE], 1);
}

void room_join(struct room_world *w, struct room_client *by, struct room_client *c)
{
    room_connect(w, c);
    room_knock(w, c);
    if (c->waiting == SIGNAL_WAIT_LOBBY)
        room_add_lobby(w, by);
    else
        room_add_joiners(w, by);
    assert_true(room_is_in(c));
}

bool room_is_in(const struct room_client *c)
{
    return c->conn != 0 && c->group != NULL && c->got[SIGNAL_LIVE] != 0;
}

void room_agrees(const struct room_world *w)
{
    const struct room_client *first = NULL;
    struct room_summary s = room_look(w);
    for (size_t i = 0; i < w->n; i++) {
        const struct room_client *c = &w->client[i];
        if (!room_is_in(c))
            continue;
        if (first == NULL)
            first = c;
        assert_int_equal(mls_group_epoch(c->group), s.epoch);
        assert_true(bytes_equal(mls_group_epoch_authenticator(first->group),
                                mls_group_epoch_authenticator(c->group)));
        assert_int_equal(mls_group_member_count(c->group), s.members);
    }
}

struct room_summary room_look(const struct room_world *w)
{
    struct room_summary s;
    room_summary(w->room, &s);
    return s;
}
