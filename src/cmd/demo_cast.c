#include "cmd/demo_cast.h"

#include <stdio.h>
#include <string.h>

#define PASSWORD "correct horse battery staple" /* of accounts that live for seconds */

static int give_password(void *ctx, struct buf *out)
{
    (void)ctx;
    buf_put(out, bytes_str(PASSWORD));
    return buf_check(out);
}

static int sign_up(struct account_api *api, const char *email, struct account_problem *problem)
{
    json_t *body = json_pack("{s:s, s:s}", "email", email, "password", PASSWORD);
    int rv = body == NULL ? CONCLAVE_ENOMEM
                          : account_call(api, "POST", "/api/v1/sign-up", NULL, body, NULL, problem);
    json_decref(body);
    return rv;
}

int demo_actor_enrol(struct demo_actor *a, struct account_api *api, const char *code, uint64_t now,
                     struct account_problem *out_problem)
{
    const struct join_credential_config config = {
        .api = api,
        .as = a->email != NULL ? JOIN_AS_USER
              : code != NULL   ? JOIN_AS_DEVICE
                               : JOIN_AS_GUEST,
        .name = a->email != NULL ? a->email : code,
        .password = give_password,
        .suite = CRYPTO_P256_AES128GCM_SHA256_P256,
    };
    int rv = a->email != NULL ? sign_up(api, a->email, out_problem) : 0;
    if (rv == 0)
        rv = join_credential_obtain(&config, now, &a->credential, out_problem);
    if (rv == 0)
        rv = participant_trust_new(&a->trust);
    if (rv == 0)
        rv = participant_trust_set_provider(a->trust, buf_view(&a->credential.certificate.root));
    return rv;
}

static void on_event(void *ctx, const struct participant_effect *e)
{
    struct demo_actor *a = ctx;
    if (a->media != NULL)
        join_media_event(a->media, e);
    if (e->event == PARTICIPANT_CHAT) {
        a->heard++;
        snprintf(a->last_text, sizeof a->last_text, "%.*s", (int)e->text.n, e->text.p);
    } else if (e->event == PARTICIPANT_NOTICE && e->severity == PARTICIPANT_ALARM) {
        a->alarms++;
    } else if (e->event == PARTICIPANT_PHASE && demo_actor_phase(a) == PARTICIPANT_IN_MEETING) {
        a->connected++;
    }
}

static void on_over(void *ctx)
{
    struct demo_actor *a = ctx;
    a->over = true;
}

static void on_media(void *ctx, struct bytes body)
{
    struct demo_actor *a = ctx;
    if (a->media != NULL)
        join_media_hear(a->media, body);
}

static const struct join_session_events events = {on_event, on_media, on_over};

static void on_news(void *ctx, const struct join_media_news *news)
{
    struct demo_actor *a = ctx;
    if (news->kind == JOIN_MEDIA_SPEAKER)
        a->speaker = news->leaf;
    a->media_troubles += news->kind == JOIN_MEDIA_TROUBLE || news->kind == JOIN_MEDIA_REFUSED;
}

static void on_sent(void *ctx, uint8_t source, uint8_t layer, struct bytes frame)
{
    struct demo_actor *a = ctx;
    (void)source;
    (void)layer;
    if (!a->collects_sent)
        return;
    buf_put(&a->sent, frame);
    a->n_sent++;
}

static void on_got(void *ctx, const struct call_event *frame)
{
    struct demo_actor *a = ctx;
    if (!a->collects_got || frame->leaf != a->collects_of || frame->epoch < a->collects_from)
        return;
    buf_put(&a->got, frame->frame);
    a->n_got++;
}

static const struct join_media_events media_events = {on_news, on_sent, on_got};

static int open_media(struct demo_actor *a, struct net_loop *loop, const char *record)
{
    const struct join_media_config config = {
        .loop = loop, .session = a->session, .record = record, .events = &media_events, .ctx = a};
    a->speaker = MLS_NO_LEAF;
    int rv = join_media_new(&config, &a->media);
    if (rv == 0)
        join_session_attach_media(a->session, a->media);
    return rv;
}

int demo_actor_join(struct demo_actor *a, struct net_loop *loop, struct net_clients *clients,
                    const char *link, const char *record)
{
    struct bytes chain[ACCOUNT_CHAIN_MAX];
    const struct participant_config participant = {
        .link = link,
        .name = a->name,
        .signer = a->credential.signer,
        .chain = chain,
        .n_chain = join_credential_chain(&a->credential, chain),
        .trust = a->trust,
    };
    const struct join_session_config config = {
        .loop = loop, .clients = clients, .participant = &participant, .events = &events, .ctx = a};
    int rv = join_session_new(&config, &a->session);
    return rv == 0 ? open_media(a, loop, record) : rv;
}

struct report_numbers demo_actor_got(const struct demo_actor *a, const struct demo_actor *sender,
                                     uint8_t source)
{
    struct join_record_entry e;
    uint64_t now = join_media_now(a->media);
    for (size_t at = 0; join_record_next(join_media_record(a->media), &at, now, &e);)
        if (e.source == source && strcmp(e.name, sender->name) == 0)
            return e.numbers;
    return (struct report_numbers){0};
}

void demo_actor_fini(struct demo_actor *a)
{
    join_media_free(a->media);
    a->media = NULL;
    buf_free(&a->sent);
    buf_free(&a->got);
    join_session_free(a->session);
    a->session = NULL;
    participant_trust_free(a->trust);
    a->trust = NULL;
    join_credential_fini(&a->credential);
}

enum participant_phase demo_actor_phase(const struct demo_actor *a)
{
    return a->session == NULL ? PARTICIPANT_IDLE
                              : participant_phase(join_session_participant(a->session));
}

bool demo_actor_is_in(const struct demo_actor *a, uint32_t members)
{
    struct participant_meeting m;
    return demo_actor_phase(a) == PARTICIPANT_IN_MEETING &&
           participant_meeting(join_session_participant(a->session), &m) == 0 &&
           m.members == members;
}

int demo_actor_sees(const struct demo_actor *a, const char *name, struct participant_person *out)
{
    struct participant *p = join_session_participant(a->session);
    for (uint32_t at = 0; participant_roster_next(p, &at, out);)
        if (strcmp(out->name, name) == 0)
            return 0;
    return CONCLAVE_ENOTFOUND;
}

int demo_actor_sees_waiting(const struct demo_actor *a, const char *name,
                            struct participant_person *out)
{
    struct participant *p = join_session_participant(a->session);
    for (uint32_t at = 0; participant_lobby_next(p, &at, out);)
        if (strcmp(out->name, name) == 0)
            return 0;
    return CONCLAVE_ENOTFOUND;
}
