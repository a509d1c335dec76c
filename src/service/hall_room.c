#include "service/hall_room.h"

#include <stdlib.h>
#include <string.h>

void hall_text(char *to, size_t n, const char *text)
{
    size_t length = strlen(text);
    if (length >= n)
        length = n - 1;
    memcpy(to, text, length);
    to[length] = '\0';
}

/* ---- Anchors ---- */

int hall_roots_init(struct hall_roots *roots, struct bytes public_roots)
{
    buf_put(&roots->public_roots, public_roots);
    return buf_check(&roots->public_roots);
}

static void forget(struct hall_anchors *k)
{
    identity_anchors_free(k->anchors);
    buf_free(&k->provider_root);
    *k = (struct hall_anchors){0};
}

void hall_roots_fini(struct hall_roots *roots)
{
    for (size_t i = 0; i < HALL_ROOTS_KEPT; i++)
        forget(&roots->kept[i]);
    buf_free(&roots->public_roots);
}

static int make_anchors(const struct hall_roots *roots, struct bytes provider_root,
                        struct identity_anchors **out)
{
    struct identity_anchor provider = {.purpose = IDENTITY_PROVIDER};
    struct identity_anchor public = {.purpose = IDENTITY_PUBLIC};
    struct identity_anchors *a = NULL;
    int rv = identity_anchors_new(&a);
    if (rv == 0 && provider_root.n != 0)
        rv = identity_anchors_add(a, &provider, provider_root);
    if (rv == 0 && roots->public_roots.n != 0)
        rv = identity_anchors_add_pem(a, &public, buf_view(&roots->public_roots));
    if (rv != 0)
        identity_anchors_free(a);
    else
        *out = a;
    return rv;
}

static struct hall_anchors *find(struct hall_roots *roots, struct bytes provider_root)
{
    for (size_t i = 0; i < HALL_ROOTS_KEPT; i++)
        if (roots->kept[i].anchors != NULL &&
            bytes_equal(buf_view(&roots->kept[i].provider_root), provider_root))
            return &roots->kept[i];
    return NULL;
}

/* A free place, or that of the one not used for longest; NULL if rooms use them all. */
static struct hall_anchors *place(struct hall_roots *roots)
{
    struct hall_anchors *best = NULL;
    for (size_t i = 0; i < HALL_ROOTS_KEPT; i++) {
        struct hall_anchors *k = &roots->kept[i];
        if (k->users == 0 && (best == NULL || k->used < best->used))
            best = k;
    }
    return best;
}

static int take_anchors(struct hall_roots *roots, struct bytes provider_root, struct hall_room *r)
{
    struct hall_anchors *k = find(roots, provider_root);
    int rv = 0;
    if (k == NULL) {
        struct identity_anchors *made = NULL;
        rv = make_anchors(roots, provider_root, &made);
        k = rv == 0 ? place(roots) : NULL;
        if (k == NULL) {
            r->anchors = made;
            return rv;
        }
        forget(k);
        k->anchors = made;
        buf_put(&k->provider_root, provider_root);
        rv = buf_check(&k->provider_root);
        if (rv != 0) {
            forget(k);
            return rv;
        }
    }
    k->users++;
    k->used = ++roots->turn;
    r->kept = k;
    return 0;
}

/* ---- The room ---- */

static int restore(const struct hall_config *config, const struct room_config *room,
                   struct hall_room *r, uint64_t now_us)
{
    struct store_room saved = {0};
    int rv = store_room_load(config->store, r->number, &saved);
    if (rv == CONCLAVE_ENOTFOUND)
        return room_new(room, &r->room);
    if (rv != 0)
        return rv;
    struct bytes *commits = calloc(saved.n_commits + 1, sizeof *commits);
    rv = commits == NULL ? CONCLAVE_ENOMEM : 0;
    for (size_t i = 0; rv == 0 && i < saved.n_commits; i++)
        commits[i] = buf_view(&saved.commits[i]);
    if (rv == 0)
        rv = room_restore(room, buf_view(&saved.snapshot), commits, saved.n_commits, now_us,
                          &r->room);
    free(commits);
    store_room_fini(&saved);
    return rv;
}

int hall_room_new(const struct hall_config *config, struct hall_roots *roots,
                  const struct store_meeting *meeting, uint64_t now_us, struct hall_room **out)
{
    struct hall_room *r = calloc(1, sizeof *r);
    if (r == NULL)
        return CONCLAVE_ENOMEM;
    hall_text(r->number, sizeof r->number, meeting->number);
    int rv = card_read(buf_view(&meeting->card), &r->card);
    if (rv == 0)
        rv = crypto_new_public(card_terms(r->card)->suites[0], &r->crypto);
    if (rv == 0)
        rv = take_anchors(roots, card_terms(r->card)->provider_root, r);
    if (rv == 0) {
        struct room_config room = {.card = r->card,
                                   .crypto = r->crypto,
                                   .signer = config->signer,
                                   .anchors = r->kept != NULL ? r->kept->anchors : r->anchors,
                                   .max_participants = config->max_participants,
                                   .max_waiting = config->max_waiting};
        rv = restore(config, &room, r, now_us);
    }
    if (rv != 0)
        hall_room_free(r);
    else
        *out = r;
    return rv;
}

void hall_room_free(struct hall_room *r)
{
    if (r == NULL)
        return;
    room_free(r->room);
    if (r->kept != NULL)
        r->kept->users--;
    identity_anchors_free(r->anchors);
    crypto_free(r->crypto);
    card_free(r->card);
    free(r);
}
