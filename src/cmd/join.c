/* `conclave join`: the wiring of a participant. Who we are comes from the server or the state
 * folder; what we see and say goes to the terminal or a program.
 */
#include "cmd/join.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/account_password.h"
#include "cmd/join_credential.h"
#include "cmd/join_exit.h"
#include "cmd/join_json.h"
#include "cmd/join_media.h"
#include "cmd/join_own.h"
#include "cmd/join_trust.h"
#include "cmd/options.h"
#include "cmd/terminal.h"
#include "meeting/link.h"
#include "signal/reason.h"

#define SAVE_KEY 32

/* Seconds between tries to renew a certificate: a tenth of what is left of it, within these. */
#define RENEW_AGAIN_LEAST UINT64_C(5)
#define RENEW_AGAIN_MOST UINT64_C(600)

struct join_options {
    const char *link;
    const char *name, *sign_in, *password_file, *device, *state, *ca, *certificate, *key;
    struct option_list trust;
    const char *audio, *video, *screen, *synthetic, *record;
    bool guest, json, no_color, stay, loop;
};

/* A certificate on its way: asked for on another thread. */
struct renewal {
    struct buf csr;
    char token[ACCOUNT_TOKEN_MAX];
    struct account_certificate certificate;
    struct account_problem problem;
    int rv, told; /* told: the reason that was told last */
};

struct join {
    struct join_options options;
    struct link link;
    char url[ACCOUNT_URL_MAX];
    char server[LINK_HOST_MAX + 8]; /* names files in the state folder */
    struct account_api *api;
    struct join_folder *folder;
    struct join_log *log;
    struct join_log_content saved;
    struct join_credential_config credential_config;
    char credential_file[LINK_HOST_MAX + 16];
    struct account_password password;
    struct join_credential credential;
    struct participant_trust *trust;
    struct buf save_key;
    struct net_loop *loop;
    struct net_clients *clients;
    struct net_timer *renew_timer;
    struct renewal renewal;
    struct join_session *session;
    struct join_media *media; /* NULL: none is sent or received */
    struct terminal *terminal;
    struct join_json *json;
    bool over, leaving;
};

/* ---- Telling what went wrong before there is a meeting ---- */

static int tell(const struct join *j, enum join_exit code, const char *name, const char *text,
                const char *next)
{
    if (j->options.json) {
        json_t *line = json_pack("{s:s, s:{s:s, s:s, s:s}, s:i}", "event", "over", "reason", "code",
                                 name, "text", text, "next", next, "exit", (int)code);
        char *dumped = line != NULL ? json_dumps(line, JSON_COMPACT) : NULL;
        if (dumped != NULL)
            printf("%s\n", dumped);
        free(dumped);
        json_decref(line);
    } else {
        fprintf(stderr, "conclave join: %s%s%s\n", text, *next != 0 ? " " : "", next);
    }
    return (int)code;
}

static int tell_reason(const struct join *j, int reason)
{
    return tell(j, join_exit_of(reason), reason_name(reason), reason_text(reason),
                reason_next(reason));
}

static int tell_error(const struct join *j, int error)
{
    return tell(j, JOIN_EXIT_MACHINE, conclave_error_name(error), conclave_error_text(error), "");
}

static int tell_problem(const struct join *j, const struct account_problem *p)
{
    return tell(j, join_exit_of(p->reason), p->code, p->text, p->next);
}

/* ---- The command line ---- */

/* One can be only one. */
static int check_who(const struct join_options *o)
{
    if ((o->certificate != NULL) != (o->key != NULL)) {
        fprintf(stderr, "conclave: --certificate and --key need each other\n");
        return CONCLAVE_EINVAL;
    }
    if ((o->sign_in != NULL) + (o->device != NULL) + (o->key != NULL) + o->guest > 1) {
        fprintf(stderr,
                "conclave: --sign-in, --device, --certificate and --guest exclude each other\n");
        return CONCLAVE_EINVAL;
    }
    return 0;
}

static bool read_sender(const char *text, uint8_t *out)
{
    char *end = NULL;
    unsigned long n = strtoul(text, &end, 10);
    *out = (uint8_t)n;
    return *text >= '0' && *text <= '9' && *end == 0 && n <= UINT8_MAX;
}

static int check_media(const struct join_options *o)
{
    uint8_t sender;
    if (o->synthetic == NULL)
        return 0;
    if (o->audio != NULL || o->video != NULL) {
        fprintf(stderr, "conclave: --synthetic and --audio or --video exclude each other\n");
        return CONCLAVE_EINVAL;
    }
    if (!read_sender(o->synthetic, &sender)) {
        fprintf(stderr, "conclave: --synthetic takes a number from 0 to 255\n");
        return CONCLAVE_EINVAL;
    }
    return 0;
}

static int parse(int argc, char **argv, struct join_options *o)
{
    const struct option_row rows[] = {
        {"--name", "NAME", "what you call yourself; shown beside your identity", .text = &o->name},
        {"--sign-in", "EMAIL", "join as this user of the server", .text = &o->sign_in},
        {"--password-file", "FILE", "its password is the first line; else it is asked for",
         .text = &o->password_file},
        {"--device", "CODE", "join as a device, with its activation code", .text = &o->device},
        {"--certificate", "FILE", "join with these certificates, of whatever CA",
         .text = &o->certificate},
        {"--key", "FILE", "and with their private key", .text = &o->key},
        {"--guest", NULL, "join as a guest, whoever was signed in before", .flag = &o->guest},
        {"--state", "DIR", "keep key, sign-in and the place in the meeting there",
         .text = &o->state},
        {"--ca", "FILE", "CAs to trust for the server's TLS, in place of the system's",
         .text = &o->ca},
        {"--trust", "FILE[:DOMAINS]", "a CA that may vouch for people (of these domains)",
         .list = &o->trust},
        {"--audio", "FILE", "send the sound of this file: Opus in Ogg or WebM", .text = &o->audio},
        {"--video", "FILE", "send the pictures of this file: VP8 in IVF or WebM",
         .text = &o->video},
        {"--screen", "FILE", "likewise, as a shared screen", .text = &o->screen},
        {"--loop", NULL, "begin files again when they end", .flag = &o->loop},
        {"--synthetic", "N", "send test pictures and a tone, as number N, 0 to 255",
         .text = &o->synthetic},
        {"--record", "DIR", "write what the others send to files there", .text = &o->record},
        {"--json", NULL, "events and commands as lines of JSON", .flag = &o->json},
        {"--no-color", NULL, "no colours", .flag = &o->no_color},
        {"--stay", NULL, "stay when the input ends", .flag = &o->stay},
    };
    const struct options options = {
        .usage = "conclave join LINK [OPTION...]",
        .about =
            "Takes part in a meeting. Without --sign-in, --device and --certificate: as who is\n"
            "kept in the state folder, else as a guest.",
        .rows = rows,
        .n_rows = sizeof rows / sizeof rows[0],
        .least = 1,
        .most = 1,
    };
    size_t n;
    int rv = options_parse(&options, argc, argv, &o->link, &n);
    if (rv == 0)
        rv = check_who(o);
    return rv == 0 ? check_media(o) : rv;
}

/* ---- Who we are ---- */

static void plan_credential(struct join *j)
{
    const struct join_options *o = &j->options;
    j->password = (struct account_password){.file = o->password_file, .prompt = "Password: "};
    j->credential_config = (struct join_credential_config){
        .api = j->api,
        .folder = j->folder,
        .file = j->credential_file,
        .as = o->sign_in != NULL  ? JOIN_AS_USER
              : o->device != NULL ? JOIN_AS_DEVICE
              : o->guest          ? JOIN_AS_GUEST
                                  : JOIN_AS_SAVED,
        .name = o->sign_in != NULL ? o->sign_in : o->device,
        .password = account_password_read,
        .ctx = &j->password,
        .suite = CRYPTO_P256_AES128GCM_SHA256_P256,
    };
}

static uint64_t seconds(struct join *j)
{
    return net_loop_now(j->loop) / 1000000;
}

/* Of our own, not of the server: what is wrong with it is for us to mend. */
static int read_own(struct join *j)
{
    const struct join_options *o = &j->options;
    int rv = join_own_read(o->certificate, o->key, j->credential_config.suite, &j->credential);
    switch (rv) {
    case 0:
        return 0;
    case CONCLAVE_ENOTFOUND:
        return tell(j, JOIN_EXIT_IDENTITY, "ENOTFOUND",
                    "A file of --certificate or --key cannot be read.", "Check path and rights.");
    case CONCLAVE_EPOLICY:
        return tell(j, JOIN_EXIT_IDENTITY, "OPEN_KEY", "Others may read the private key.",
                    "Make it yours alone: chmod 600.");
    case CONCLAVE_ECREDENTIAL:
        return tell(j, JOIN_EXIT_IDENTITY, "ECREDENTIAL",
                    "The first certificate is not for this key.", "Give the ones that are.");
    default:
        return tell(j, JOIN_EXIT_IDENTITY, conclave_error_name(rv),
                    "The certificates or the key cannot be used.",
                    "They have to be PEM, the key of P-256 and not encrypted.");
    }
}

static int obtain_credential(struct join *j)
{
    struct account_problem problem = {0};
    plan_credential(j);
    if (j->options.key != NULL)
        return read_own(j);
    int rv = join_credential_obtain(&j->credential_config, seconds(j), &j->credential, &problem);
    if (rv == CONCLAVE_EPOLICY)
        return tell_problem(j, &problem);
    if (rv == CONCLAVE_EINVAL)
        return tell(j, JOIN_EXIT_USAGE, "EINVAL", "There is no password.",
                    "Give --password-file, or a keyboard.");
    if (rv == CONCLAVE_ESTORE)
        return tell_reason(j, REASON_STORAGE);
    return rv != 0 ? tell_error(j, rv) : 0;
}

/* ---- Renewing the certificate, while the meeting goes on ---- */

static void plan_renewal(struct join *j, uint64_t at)
{
    net_timer_set(j->renew_timer, at * 1000000);
}

static void on_renewal_run(void *ctx)
{
    struct join *j = ctx;
    struct renewal *r = &j->renewal;
    r->rv = account_certify(j->api, r->token, buf_view(&r->csr), &r->certificate, &r->problem);
}

static void show_renewed(struct join *j)
{
    struct bytes chain[ACCOUNT_CHAIN_MAX];
    size_t n = join_credential_chain(&j->credential, chain);
    (void)(participant_renew(join_session_participant(j->session), chain, n,
                             net_loop_now(j->loop)) == 0);
    join_session_wake(j->session);
    plan_renewal(j, join_credential_renewal(&j->credential));
}

static void take_renewal(struct join *j)
{
    /* What cannot be kept can still be used. */
    (void)(join_credential_renew(&j->credential_config, &j->credential, &j->renewal.certificate,
                                 seconds(j)) == 0);
    show_renewed(j);
}

static void try_again(struct join *j)
{
    uint64_t now = seconds(j), end = j->credential.certificate.not_after;
    uint64_t wait = end > now ? (end - now) / 10 : 0;
    if (wait < RENEW_AGAIN_LEAST)
        wait = RENEW_AGAIN_LEAST;
    plan_renewal(j, now + (wait < RENEW_AGAIN_MOST ? wait : RENEW_AGAIN_MOST));
}

/* Once for each reason: it may stay so for days. */
static void tell_no_renewal(struct join *j)
{
    struct renewal *r = &j->renewal;
    if (r->rv != CONCLAVE_EPOLICY || r->problem.reason == r->told)
        return;
    r->told = r->problem.reason;
    if (j->json != NULL)
        join_json_notice(r->problem.code, r->problem.text, r->problem.next);
    else
        terminal_warn(j->terminal, "Your certificate could not be renewed.", r->problem.text,
                      r->problem.next);
}

static void on_renewal_done(void *ctx)
{
    struct join *j = ctx;
    struct renewal *r = &j->renewal;
    if (!j->over && r->rv == 0) {
        take_renewal(j);
    } else if (!j->over) {
        tell_no_renewal(j);
        try_again(j);
    }
    account_certificate_fini(&r->certificate);
    buf_free(&r->csr);
    explicit_bzero(r->token, sizeof r->token);
}

/* Who put the files there puts newer ones there in time. */
static void renew_own(struct join *j)
{
    struct join_credential fresh;
    if (join_own_read(j->options.certificate, j->options.key, j->credential.suite, &fresh) == 0) {
        bool newer = fresh.certificate.not_after > j->credential.certificate.not_after &&
                     bytes_equal(crypto_signer_public(fresh.signer),
                                 crypto_signer_public(j->credential.signer));
        if (newer) {
            struct account_certificate old = j->credential.certificate;
            j->credential.certificate = fresh.certificate;
            j->credential.issued = fresh.issued;
            fresh.certificate = old;
            show_renewed(j);
        }
        join_credential_fini(&fresh);
        if (newer)
            return;
    }
    try_again(j);
}

static void on_renew(void *ctx)
{
    struct join *j = ctx;
    if (j->options.key != NULL) {
        renew_own(j);
        return;
    }
    memcpy(j->renewal.token, j->credential.pass.token, sizeof j->renewal.token);
    if (identity_csr_make(j->credential.signer, &j->renewal.csr) != 0 ||
        net_loop_work(j->loop, on_renewal_run, on_renewal_done, j) != 0) {
        buf_free(&j->renewal.csr);
        try_again(j);
    }
}

/* ---- Places ---- */

static int name_server(struct join *j)
{
    const struct link *l = &j->link;
    bool v6 = strchr(l->host, ':') != NULL;
    snprintf(j->url, sizeof j->url, "%s://%s%s%s:%u", l->tls ? "https" : "http", v6 ? "[" : "",
             l->host, v6 ? "]" : "", l->port);
    snprintf(j->server, sizeof j->server, "%s_%u", l->host, l->port);
    snprintf(j->credential_file, sizeof j->credential_file, "%s.json", j->server);
    int rv = account_api_new(j->url, j->options.ca, &j->api);
    return rv != 0 ? tell_reason(j, REASON_BAD_LINK) : 0;
}

static int tell_folder(const struct join *j, int error)
{
    switch (error) {
    case CONCLAVE_ESTATE:
        return tell(j, JOIN_EXIT_STORAGE, "IN_USE", "Another process uses this state folder.",
                    "Give each participant a folder of its own.");
    case CONCLAVE_EPOLICY:
        return tell(j, JOIN_EXIT_STORAGE, "OPEN_FOLDER", "Others may write to the state folder.",
                    "Make it yours alone: chmod 700.");
    case CONCLAVE_ESTORE:
        return tell(j, JOIN_EXIT_STORAGE, "STORAGE", strerror(errno), "Check the state folder.");
    default:
        return tell_error(j, error);
    }
}

/* What is saved is sealed with it: to delete this file is to delete all that was saved. */
static int open_save_key(struct join *j)
{
    int rv = join_folder_read(j->folder, "save-key", &j->save_key);
    if (rv == 0 && j->save_key.n == SAVE_KEY)
        return 0;
    if (rv != 0 && rv != CONCLAVE_ENOTFOUND)
        return rv;
    uint8_t key[SAVE_KEY];
    struct crypto *crypto = NULL;
    rv = crypto_new(CRYPTO_P256_AES128GCM_SHA256_P256, &crypto);
    if (rv == 0)
        rv = crypto_random(crypto, key, sizeof key);
    crypto_free(crypto);
    if (rv == 0)
        rv = join_folder_write(j->folder, "save-key", bytes_of(key, sizeof key));
    buf_clear(&j->save_key);
    buf_put(&j->save_key, bytes_of(key, sizeof key));
    explicit_bzero(key, sizeof key);
    return rv != 0 ? rv : buf_check(&j->save_key);
}

static int open_folder(struct join *j)
{
    char name[sizeof j->server + LINK_NUMBER + 2];
    if (j->options.state == NULL)
        return 0;
    int rv = join_folder_open(j->options.state, &j->folder);
    if (rv == 0)
        rv = open_save_key(j);
    snprintf(name, sizeof name, "%s-%s", j->server, j->link.number);
    if (rv == 0)
        rv = join_log_open(j->folder, name, &j->log, &j->saved);
    if (rv == CONCLAVE_ESYNTAX) /* damaged: begin anew */
        rv = join_log_forget(j->log);
    return rv != 0 ? tell_folder(j, rv) : 0;
}

static int open_trust(struct join *j)
{
    int rv = participant_trust_new(&j->trust);
    for (size_t i = 0; rv == 0 && i < j->options.trust.n; i++) {
        rv = join_trust_add(j->trust, j->options.trust.value[i]);
        if (rv != 0)
            return tell(j, JOIN_EXIT_USAGE, conclave_error_name(rv),
                        "A file of --trust cannot be used.", j->options.trust.value[i]);
    }
    if (rv == 0 && j->credential.certificate.root.n != 0)
        rv = participant_trust_set_provider(j->trust, buf_view(&j->credential.certificate.root));
    return rv != 0 ? tell_error(j, rv) : 0;
}

/* ---- The meeting ---- */

static void on_event(void *ctx, const struct participant_effect *e)
{
    struct join *j = ctx;
    if (j->media != NULL)
        join_media_event(j->media, e);
    if (j->json != NULL)
        join_json_tell(j->json, e);
    else
        terminal_event(j->terminal, e);
}

static void on_over(void *ctx)
{
    struct join *j = ctx;
    j->over = true;
    net_loop_stop(j->loop);
}

static void on_media(void *ctx, struct bytes body)
{
    struct join *j = ctx;
    if (j->media != NULL)
        join_media_hear(j->media, body);
}

static const struct join_session_events session_events = {on_event, on_media, on_over};

static void on_news(void *ctx, const struct join_media_news *news)
{
    struct join *j = ctx;
    struct buf out = {0};
    if (j->json == NULL) {
        terminal_news(j->terminal, news);
        return;
    }
    join_json_news(news, &out);
    join_json_write(&out);
    buf_free(&out);
}

static const struct join_media_events media_events = {.news = on_news};

/* The first asks to leave; who does not want to wait asks twice. */
static void on_signal(void *ctx, int signum)
{
    struct join *j = ctx;
    const struct join_command leave = {.verb = JOIN_LEAVE};
    (void)signum;
    if (j->leaving || join_session_do(j->session, &leave, NULL) != 0)
        net_loop_stop(j->loop);
    j->leaving = true;
}

static int open_front(struct join *j)
{
    int rv = 0;
    if (j->options.json) {
        rv = join_json_new(j->loop, j->options.stay, &j->json);
    } else {
        const struct terminal_config config = {.loop = j->loop,
                                               .colours = !j->options.no_color &&
                                                          getenv("NO_COLOR") == NULL,
                                               .tls = j->link.tls,
                                               .stay = j->options.stay};
        rv = terminal_new(&config, &j->terminal);
    }
    if (rv == 0)
        rv = net_loop_signal(j->loop, SIGINT, on_signal, j);
    if (rv == 0)
        rv = net_loop_signal(j->loop, SIGTERM, on_signal, j);
    if (rv == 0)
        rv = net_loop_signal(j->loop, SIGHUP, on_signal, j); /* the terminal was closed */
    return rv;
}

static int open_session(struct join *j)
{
    struct bytes chain[ACCOUNT_CHAIN_MAX];
    const struct participant_config participant = {
        .link = j->options.link,
        .name = j->options.name != NULL ? j->options.name : "",
        .signer = j->credential.signer,
        .chain = chain,
        .n_chain = join_credential_chain(&j->credential, chain),
        .trust = j->trust,
        .persist = j->log != NULL,
        .save_key = buf_view(&j->save_key),
    };
    const struct join_session_config config = {.loop = j->loop,
                                               .clients = j->clients,
                                               .participant = &participant,
                                               .log = j->log,
                                               .saved = &j->saved,
                                               .events = &session_events,
                                               .ctx = j};
    int rv = join_session_new(&config, &j->session);
    if (rv == CONCLAVE_EINVAL)
        return tell(j, JOIN_EXIT_USAGE, "EINVAL", "The name or the link cannot be used.",
                    "A name has at most 64 bytes of plain text.");
    if (rv == 0)
        rv = open_front(j);
    if (rv == 0)
        rv = net_timer_new(j->loop, on_renew, j, &j->renew_timer);
    if (rv != 0)
        return tell_error(j, rv);
    if (j->json != NULL)
        join_json_attach(j->json, j->session);
    else
        terminal_attach(j->terminal, j->session);
    plan_renewal(j, join_credential_renewal(&j->credential));
    return 0;
}

/* ---- Audio and video ---- */

static int add_source(struct join *j, uint8_t source, const char *path)
{
    struct join_source_config config = {.source = source, .path = path, .loop = j->options.loop};
    struct join_source_fault fault;
    if (path == NULL && (j->options.synthetic == NULL || source == SIGNAL_SCREEN))
        return 0;
    if (path == NULL)
        (void)read_sender(j->options.synthetic, &config.sender); /* checked before */
    int rv = join_media_add(j->media, &config, &fault);
    if (rv == CONCLAVE_EINVAL)
        return tell(j, JOIN_EXIT_USAGE, "MEDIA_FILE", fault.text, "");
    return rv != 0 ? tell_error(j, rv) : 0;
}

static int tell_media(const struct join *j, int error)
{
    if (error == CONCLAVE_ESTORE)
        return tell(j, JOIN_EXIT_STORAGE, "STORAGE", strerror(errno),
                    "Check the folder of --record.");
    if (error == CONCLAVE_EINVAL)
        return tell(j, JOIN_EXIT_MACHINE, "NO_PORT", strerror(errno),
                    "Audio and video need a UDP port.");
    return tell_error(j, error);
}

static int open_media(struct join *j)
{
    const struct join_options *o = &j->options;
    char name[sizeof j->server + LINK_NUMBER + 2];
    if (o->audio == NULL && o->video == NULL && o->screen == NULL && o->synthetic == NULL &&
        o->record == NULL)
        return 0;
    snprintf(name, sizeof name, "%s-%s", j->server, j->link.number);
    const struct join_media_config config = {.loop = j->loop,
                                             .session = j->session,
                                             .folder = j->folder,
                                             .name = name,
                                             .record = o->record,
                                             .events = &media_events,
                                             .ctx = j};
    int rv = join_media_new(&config, &j->media);
    if (rv != 0)
        return tell_media(j, rv);
    join_session_attach_media(j->session, j->media);
    int code = add_source(j, SIGNAL_AUDIO, o->audio);
    if (code == 0)
        code = add_source(j, SIGNAL_CAMERA, o->video);
    return code == 0 ? add_source(j, SIGNAL_SCREEN, o->screen) : code;
}

static void report_media(struct join *j)
{
    const struct join_command show = {.verb = JOIN_MEDIA};
    struct buf out = {0};
    if (j->json != NULL) {
        join_json_report(j->media, &out);
        join_json_write(&out);
    } else if (terminal_show(j->terminal, &show) != 0) {
        fprintf(stderr, "conclave join: the report could not be made\n");
    }
    buf_free(&out);
}

static int finish(struct join *j)
{
    int reason = j->over ? join_session_reason(j->session) : REASON_LEFT;
    int error = join_session_error(j->session);
    enum join_exit code =
        error != 0 && error != CONCLAVE_ESTORE ? JOIN_EXIT_MACHINE : join_exit_of(reason);
    if (j->media != NULL)
        report_media(j);
    if (j->json != NULL) {
        struct buf out = {0};
        join_json_over(reason, (int)code, &out);
        join_json_write(&out);
        buf_free(&out);
    } else if (error != 0) {
        tell(j, code, "",
             error == CONCLAVE_ESTORE ? reason_text(reason) : conclave_error_text(error),
             error == CONCLAVE_ESTORE ? reason_next(reason) : "");
    }
    return (int)code;
}

static int open_clients(struct join *j)
{
    int rv = net_clients_new(net_loop_uv(j->loop), j->options.ca, &j->clients);
    return rv != 0 ? tell(j, JOIN_EXIT_USAGE, conclave_error_name(rv), "--ca cannot be used.",
                          "It has to be a file of certificates, PEM.")
                   : 0;
}

static int run(struct join *j)
{
    int rv = net_loop_new(&j->loop);
    if (rv != 0)
        return tell_error(j, rv);
    int code = name_server(j);
    if (code == 0)
        code = open_clients(j);
    if (code == 0)
        code = open_folder(j);
    if (code == 0)
        code = obtain_credential(j);
    if (code == 0)
        code = open_trust(j);
    if (code == 0)
        code = open_session(j);
    if (code == 0)
        code = open_media(j);
    if (code != 0)
        return code;
    net_loop_run(j->loop);
    return finish(j);
}

static void close_all(struct join *j)
{
    terminal_free(j->terminal);
    join_json_free(j->json);
    if (j->loop != NULL) {
        j->over = true;
        net_loop_finish(j->loop);
    }
    net_timer_free(j->renew_timer);
    join_media_free(j->media);
    join_session_free(j->session);
    if (j->clients != NULL)
        net_clients_close(j->clients);
    net_loop_free(j->loop);
    net_clients_free(j->clients);
    participant_trust_free(j->trust);
    join_credential_fini(&j->credential);
    join_log_close(j->log);
    join_folder_close(j->folder);
    buf_free(&j->save_key);
    account_api_free(j->api);
    link_wipe(&j->link);
}

int join_main(int argc, char **argv)
{
    struct join j = {0};
    int rv = parse(argc, argv, &j.options);
    if (rv != 0)
        return options_exit(rv);
    signal(SIGPIPE, SIG_IGN); /* a write that fails says so */
    signal(SIGXFSZ, SIG_IGN);
    int code = 0;
    if (link_parse(j.options.link, &j.link) != 0)
        code = tell_reason(&j, REASON_BAD_LINK);
    else
        code = run(&j);
    close_all(&j);
    return code;
}
