#include "cmd/meeting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/wipe.h"
#include "cmd/account.h"
#include "cmd/account_password.h"
#include "cmd/join_exit.h"
#include "cmd/options.h"
#include "crypto/sha256.h"
#include "meeting/link.h"

/* A link that nobody used for so long should not start a meeting; --days says otherwise. */
#define DAYS_DEFAULT 30
#define DAY_SECONDS UINT64_C(86400)

/* ---- Making one ---- */

/* What the server is: its signature key and its CA, which the card names. */
struct server_facts {
    struct buf key, root;
};

static int ask_server(struct account_api *api, struct server_facts *out,
                      struct account_problem *problem)
{
    json_t *answer = NULL;
    int rv = account_call(api, "GET", "/api/v1/ca", NULL, NULL, &answer, problem);
    if (rv == 0)
        rv = account_json_read(answer, "server_key", &out->key);
    if (rv == 0)
        rv = account_json_read(answer, "root", &out->root);
    json_decref(answer);
    return rv;
}

/* The card of these terms, and the link's secret and hash. */
static int make_card(const struct join_credential *credential, struct card_terms terms,
                     const struct server_facts *facts, uint64_t now, struct buf *out_card,
                     struct link *out_link)
{
    struct bytes chain[ACCOUNT_CHAIN_MAX];
    struct crypto *crypto = NULL;
    struct card *card = NULL;
    int rv = crypto_new(credential->suite, &crypto);
    if (rv == 0)
        rv = crypto_random(crypto, terms.meeting_id, sizeof terms.meeting_id);
    if (rv == 0 && !terms.open)
        rv = crypto_random(crypto, out_link->secret, LINK_SECRET);
    crypto_free(crypto);
    terms.created_at = now;
    terms.hosts[0] = credential->pass.identifier;
    terms.suites[0] = credential->suite;
    terms.n_suites = 1;
    terms.server_key = buf_view(&facts->key);
    terms.provider_root = buf_view(&facts->root);
    if (rv == 0)
        rv = card_sign(credential->signer, chain, join_credential_chain(credential, chain), &terms,
                       out_card);
    if (rv == 0)
        rv = card_read(buf_view(out_card), &card);
    if (rv == 0) {
        memcpy(out_link->card_hash, card_hash(card).p, CARD_HASH);
        out_link->has_hash = true;
        out_link->has_secret = !terms.open;
        card_free(card);
    }
    return rv;
}

/* docs/PROTOCOL.md section 2: the server keeps H(access). */
static json_t *request_of(const struct link *link, struct bytes card, bool personal)
{
    uint8_t access[LINK_DERIVED], hash[SHA256_SIZE];
    struct bytes secret = bytes_of(link->secret, LINK_SECRET);
    json_t *body =
        json_pack("{s:o, s:b}", "card", account_json_bytes(card), "personal", (int)personal);
    if (body == NULL || !link->has_secret)
        return body;
    if (link_derive(secret, bytes_of(link->card_hash, CARD_HASH), LINK_ACCESS, access) != 0 ||
        crypto_sha256(bytes_of(access, sizeof access), hash) != 0 ||
        json_object_set_new(body, "access_hash", account_json_bytes(bytes_of(hash, sizeof hash))) !=
            0) {
        json_decref(body);
        body = NULL;
    }
    wipe(access, sizeof access);
    return body;
}

/* Where the meeting is to be found: the server's answer is a link without what only we know. */
static int take_place(const json_t *answer, struct link *link)
{
    struct link place;
    const char *base = json_string_value(json_object_get(answer, "link_base"));
    if (base == NULL || link_parse(base, &place) != 0)
        return CONCLAVE_ESYNTAX;
    link->tls = place.tls;
    link->port = place.port;
    memcpy(link->host, place.host, sizeof link->host);
    memcpy(link->number, place.number, sizeof link->number);
    return 0;
}

static int upload(struct account_api *api, const char *token, bool personal, struct bytes card,
                  struct link *link, struct account_problem *problem)
{
    json_t *answer = NULL, *body = request_of(link, card, personal);
    if (body == NULL)
        return CONCLAVE_ENOMEM;
    int rv = account_call(api, personal ? "PUT" : "POST",
                          personal ? "/api/v1/meetings/personal" : "/api/v1/meetings", token, body,
                          &answer, problem);
    if (rv == 0)
        rv = take_place(answer, link);
    json_decref(body);
    json_decref(answer);
    return rv;
}

int meeting_make(struct account_api *api, const struct join_credential *credential,
                 const struct meeting_plan *plan, uint64_t now, struct buf *out_link,
                 struct account_problem *out_problem)
{
    struct server_facts facts = {0};
    struct link link = {0};
    struct buf card = {0};
    int rv = ask_server(api, &facts, out_problem);
    if (rv == 0)
        rv = make_card(credential, plan->terms, &facts, now, &card, &link);
    if (rv == 0)
        rv = upload(api, credential->pass.token, plan->personal, buf_view(&card), &link,
                    out_problem);
    if (rv == 0)
        rv = link_print(&link, out_link);
    link_wipe(&link);
    buf_free(&card);
    buf_free(&facts.key);
    buf_free(&facts.root);
    return rv;
}

/* ---- The command ---- */

struct meeting_options {
    const char *server, *ca, *sign_in, *password_file, *state, *title, *starts, *days, *auto_lock;
    struct option_list hosts, organisation;
    bool lobby, everybody, locked_refuse, join_before_host, open, personal, json;
};

/* "2026-12-01" or "2026-12-01T10:30", of the clock on the wall. */
static bool read_time(const char *text, uint64_t *out)
{
    struct tm tm = {.tm_isdst = -1};
    const char *rest = strptime(text, "%Y-%m-%d", &tm);
    if (rest != NULL && (*rest == 'T' || *rest == ' '))
        rest = strptime(rest + 1, "%H:%M", &tm);
    time_t t = rest != NULL && *rest == 0 ? mktime(&tm) : (time_t)-1;
    *out = (uint64_t)t;
    return t > 0;
}

static bool read_count(const char *text, unsigned long most, unsigned long *out)
{
    char *end = NULL;
    *out = strtoul(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == 0 && *out <= most;
}

static int complain(const char *what)
{
    fprintf(stderr, "conclave: %s\n", what);
    return JOIN_EXIT_USAGE;
}

static int plan_times(const struct meeting_options *o, uint64_t now, struct card_terms *terms)
{
    unsigned long days = DAYS_DEFAULT, minutes = 0;
    if (o->starts != NULL && !read_time(o->starts, &terms->not_before))
        return complain("--starts wants a time like 2026-12-01T10:30");
    if (o->days != NULL && (!read_count(o->days, 3650, &days) || days == 0))
        return complain("--days wants a number from 1 to 3650");
    if (o->auto_lock != NULL && !read_count(o->auto_lock, UINT16_MAX, &minutes))
        return complain("--auto-lock wants a number of minutes");
    terms->auto_lock_minutes = (uint16_t)minutes;
    if (!o->personal)
        terms->not_after = (terms->not_before > now ? terms->not_before : now) + days * DAY_SECONDS;
    return 0;
}

static void plan_rules(const struct meeting_options *o, struct card_terms *terms)
{
    for (size_t i = 0; i < CARD_CLASSES; i++) {
        if (o->lobby)
            terms->rules[i].unlocked = CARD_LOBBY;
        if (o->everybody)
            terms->rules[i].unlocked = CARD_JOIN;
        if (o->locked_refuse)
            terms->rules[i].locked = CARD_REFUSE;
    }
    terms->join_before_host = o->join_before_host;
    terms->open = o->open;
}

/* The organisation, unless it is named: the organiser's domain. */
static int plan_people(const struct meeting_options *o, struct card_terms *terms)
{
    const char *at = strchr(o->sign_in, '@');
    if (o->hosts.n >= CARD_HOSTS_MAX || o->organisation.n > CARD_DOMAINS_MAX)
        return complain("too many hosts or domains");
    terms->n_hosts = 1; /* the organiser: filled in when it is signed */
    for (size_t i = 0; i < o->hosts.n; i++)
        terms->hosts[terms->n_hosts++] = o->hosts.value[i];
    for (size_t i = 0; i < o->organisation.n; i++)
        terms->organisation[terms->n_organisation++] = o->organisation.value[i];
    if (o->organisation.n == 0 && at != NULL)
        terms->organisation[terms->n_organisation++] = at + 1;
    return 0;
}

static void print_link(const struct meeting_options *o, const char *link)
{
    if (o->json) {
        json_t *object = json_pack("{s:s}", "link", link);
        account_print_json(object);
        json_decref(object);
    } else {
        printf("%s\n", link);
    }
}

static int tell_error(int error)
{
    switch (error) {
    case CONCLAVE_ESYNTAX:
        fprintf(stderr, "conclave: the server's answer makes no sense\n");
        return JOIN_EXIT_NETWORK;
    case CONCLAVE_ESTORE:
        fprintf(stderr, "conclave: the state folder cannot be used\n");
        return JOIN_EXIT_STORAGE;
    default:
        return account_tell_error(error);
    }
}

static int obtain(const struct meeting_options *o, struct account_api *api,
                  const struct join_folder *folder, uint64_t now, struct join_credential *out)
{
    struct account_problem problem = {0};
    struct account_password password = {.file = o->password_file, .prompt = "Password: "};
    const struct join_credential_config config = {.api = api,
                                                  .folder = folder,
                                                  .file = "organiser.json",
                                                  .as = JOIN_AS_USER,
                                                  .name = o->sign_in,
                                                  .password = account_password_read,
                                                  .ctx = &password,
                                                  .suite = CRYPTO_P256_AES128GCM_SHA256_P256};
    int rv = join_credential_obtain(&config, now, out, &problem);
    if (rv == CONCLAVE_EPOLICY)
        return account_tell_problem(&problem);
    return rv != 0 ? tell_error(rv) : 0;
}

static int make(const struct meeting_options *o, const struct meeting_plan *plan,
                struct account_api *api, const struct join_credential *credential, uint64_t now)
{
    struct account_problem problem = {0};
    struct buf link = {0};
    int rv = meeting_make(api, credential, plan, now, &link, &problem);
    if (rv == 0)
        print_link(o, (const char *)link.p);
    buf_free(&link);
    if (rv == CONCLAVE_EINVAL)
        return complain(
            "the card cannot be made: the title has 1 to 200 bytes of plain text, hosts "
            "and domains are plain names in lower case");
    if (rv == CONCLAVE_EPOLICY)
        return account_tell_problem(&problem);
    return rv != 0 ? tell_error(rv) : 0;
}

static int run(const struct meeting_options *o, uint64_t now)
{
    struct meeting_plan plan = {.terms = card_terms_default(), .personal = o->personal};
    struct account_api *api = NULL;
    struct join_folder *folder = NULL;
    struct join_credential credential = {0};
    if (o->title == NULL || o->sign_in == NULL)
        return complain("a meeting needs --title and --sign-in");
    plan.terms.title = o->title;
    plan_rules(o, &plan.terms);
    int code = plan_times(o, now, &plan.terms);
    if (code == 0)
        code = plan_people(o, &plan.terms);
    if (code == 0 && o->state != NULL && join_folder_open(o->state, &folder) != 0)
        code = tell_error(CONCLAVE_ESTORE);
    if (code == 0)
        code = account_open(o->server, o->ca, &api);
    if (code == 0)
        code = obtain(o, api, folder, now, &credential);
    if (code == 0)
        code = make(o, &plan, api, &credential, now);
    join_credential_fini(&credential);
    account_api_free(api);
    join_folder_close(folder);
    return code;
}

int meeting_main(int argc, char **argv)
{
    struct meeting_options o = {0};
    const char *verb = NULL;
    const struct option_row rows[] = {
        {"--title", "TEXT", "what the meeting is called", .text = &o.title},
        {"--sign-in", "EMAIL", "the organiser, a user of the server", .text = &o.sign_in},
        {"--password-file", "FILE", "the password is its first line; else it is asked for",
         .text = &o.password_file},
        {"--server", "URL", "the server; else CONCLAVE_SERVER", .text = &o.server},
        {"--ca", "FILE", "CAs to trust for the server's TLS", .text = &o.ca},
        {"--state", "DIR", "keep key and sign-in there", .text = &o.state},
        {"--host", "ID", "another host: e-mail address or device name", .list = &o.hosts},
        {"--organization", "DOMAIN", "of \"My organization\"; else the organiser's domain",
         .list = &o.organisation},
        {"--lobby", NULL, "everybody but the hosts waits in the lobby", .flag = &o.lobby},
        {"--everybody", NULL, "guests, too, join without waiting", .flag = &o.everybody},
        {"--locked-refuse", NULL, "a locked meeting turns away, instead of a lobby",
         .flag = &o.locked_refuse},
        {"--join-before-host", NULL, "it may start without a host", .flag = &o.join_before_host},
        {"--auto-lock", "MINUTES", "anybody may lock it that long after its start",
         .text = &o.auto_lock},
        {"--starts", "TIME", "not before, like 2026-12-01T10:30", .text = &o.starts},
        {"--days", "N", "the link is good for N days (30)", .text = &o.days},
        {"--personal", NULL, "your personal room, whose link is good for ever",
         .flag = &o.personal},
        {"--open", NULL, "the link holds no secret: the number is enough", .flag = &o.open},
        {"--json", NULL, "the link as JSON", .flag = &o.json},
    };
    const struct options options = {
        .usage = "conclave meeting new --title TEXT --sign-in EMAIL [OPTION...]",
        .about = "Makes a meeting and prints its link, which holds the secret to get in: hand it\n"
                 "only to those who are invited.",
        .rows = rows,
        .n_rows = sizeof rows / sizeof rows[0],
        .least = 1,
        .most = 1,
    };
    size_t n;
    int rv = options_parse(&options, argc, argv, &verb, &n);
    if (rv != 0)
        return options_exit(rv);
    if (strcmp(verb, "new") != 0)
        return complain("what to do with meetings? new");
    return run(&o, (uint64_t)time(NULL));
}
