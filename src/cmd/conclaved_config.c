#include "cmd/conclaved_config.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cmd/conclaved_media.h"
#include "net/ini.h"
#include "net/limits.h"

/* ---- Lists and addresses ---- */

bool config_words(const char *text, struct config_words *out)
{
    static const char gaps[] = " \t,";
    *out = (struct config_words){0};
    (void)snprintf(out->space, sizeof out->space, "%s", text);
    char *rest = out->space;
    for (char *word; (word = strtok_r(rest, gaps, &rest)) != NULL;) {
        if (out->n == CONFIG_DOMAINS)
            return false;
        out->words[out->n++] = word;
    }
    return true;
}

static bool is_address(const char *host)
{
    uint8_t space[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, space) == 1 || inet_pton(AF_INET6, host, space) == 1;
}

/* A host by itself, or with ":PORT"; an IPv6 address with a port is in brackets. */
bool config_address(const char *word, struct config_address *out)
{
    uint64_t port = CONFIG_TLS_PORT;
    bool brackets = word[0] == '[';
    const char *host = brackets ? word + 1 : word;
    size_t n = strcspn(host, brackets ? "]" : ":");
    const char *rest = host + n;
    if (brackets && *rest++ != ']')
        return false;
    if (!brackets && strchr(host, ':') != strrchr(host, ':')) {
        n = strlen(host); /* IPv6 */
        rest = host + n;
    }
    if (*rest != '\0' && (*rest != ':' || !ini_number(rest + 1, 0, UINT16_MAX, &port)))
        return false;
    struct config_address made = {.port = (uint16_t)port};
    if (n >= sizeof made.host)
        return false;
    memcpy(made.host, host, n);
    *out = made;
    return is_address(made.host);
}

/* ---- The table ---- */

enum kind { TEXT, NUMBER, YES_NO, WORD };

static const char *const metrics_words[] = {"local", "all", "off", NULL};
static const char *const level_words[] = {"error", "warning", "info", "debug", NULL};

struct setting {
    const char *section, *key;
    enum kind kind;
    size_t at;
    uint64_t min, max;        /* NUMBER */
    const char *const *words; /* WORD: by their value */
};

#define AT(field) offsetof(struct config, field)
#define YEAR_DAYS 366u

static const struct setting settings[] = {
    {"server", "data", TEXT, AT(data), 0, 0, NULL},
    {"server", "name", TEXT, AT(name), 0, 0, NULL},
    {"server", "url", TEXT, AT(url), 0, 0, NULL},
    {"server", "listen", TEXT, AT(listen), 0, 0, NULL},
    {"server", "domains", TEXT, AT(domains), 0, 0, NULL},
    {"server", "public_roots", TEXT, AT(public_roots), 0, 0, NULL},
    {"server", "web", TEXT, AT(web), 0, 0, NULL},
    {"server", "port", NUMBER, AT(port), 0, UINT16_MAX, NULL},
    {"server", "plain_http", YES_NO, AT(plain), 0, 0, NULL},
    {"server", "open_sign_up", YES_NO, AT(sign_up), 0, 0, NULL},
    {"server", "certificate_days", NUMBER, AT(certificate_days), 1, 31, NULL},
    {"server", "token_days", NUMBER, AT(token_days), 1, 10 * YEAR_DAYS - 10, NULL},
    {"server", "metrics", WORD, AT(metrics), 0, 0, metrics_words},
    {"tls", "certificate", TEXT, AT(certificate), 0, 0, NULL},
    {"tls", "key", TEXT, AT(key), 0, 0, NULL},
    {"limits", "connections", NUMBER, AT(connections), 10, 1000000, NULL},
    {"limits", "connections_per_address", NUMBER, AT(connections_per_address), 1, 1000000, NULL},
    {"limits", "queue_megabytes", NUMBER, AT(queue_megabytes), 1, 1024, NULL},
    {"limits", "participants", NUMBER, AT(participants), 2, 10000, NULL},
    {"limits", "waiting", NUMBER, AT(waiting), 1, 100000, NULL},
    {"limits", "hellos_per_minute", NUMBER, AT(hellos_per_minute), 1, 100000, NULL},
    {"media", "enabled", YES_NO, AT(media), 0, 0, NULL},
    {"media", "addresses", TEXT, AT(media_addresses), 0, 0, NULL},
    {"media", "port", NUMBER, AT(media_port), 0, UINT16_MAX, NULL},
    {"media", "workers", NUMBER, AT(media_workers), 0, MEDIA_WORKERS, NULL},
    {"log", "file", TEXT, AT(log_file), 0, 0, NULL},
    {"log", "level", WORD, AT(log_level), 0, 0, level_words},
    {"log", "megabytes", NUMBER, AT(log_megabytes), 0, 100000, NULL},
    {"log", "keep", NUMBER, AT(log_keep), 0, 99, NULL},
};
#define N_SETTINGS (sizeof settings / sizeof settings[0])

void config_default(struct config *c)
{
    *c = (struct config){
        .data = "conclave-data",
        .name = "Conclave",
        .domains = "conclave.test", /* RFC 6761 6.2: never anybody's */
        .port = 8080,
        .plain = true,
        .certificate_days = 7,
        .token_days = 30,
        .connections = LIMIT_NET_CONNECTIONS,
        .connections_per_address = LIMIT_NET_CONNECTIONS_PER_ADDRESS,
        .queue_megabytes = LIMIT_NET_QUEUE >> 20,
        .participants = 1000,
        .waiting = 2000,
        .hellos_per_minute = 30,
        .media = true,
        .log_level = NET_INFO,
        .log_megabytes = 100,
        .log_keep = 5,
    };
}

/* ---- Setting one ---- */

__attribute__((format(printf, 2, 3))) static bool wrong(char *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) the analyser misses va_start */
    (void)vsnprintf(why, INI_WHY, format, args);
    va_end(args);
    return false;
}

static bool set_text(const char *value, char *to, char *why)
{
    if (strlen(value) >= CONFIG_TEXT)
        return wrong(why, "must be shorter than %d characters", CONFIG_TEXT);
    (void)snprintf(to, CONFIG_TEXT, "%s", value);
    return true;
}

static bool set_word(const struct setting *s, const char *value, uint64_t *to, char *why)
{
    char known[128] = "";
    for (size_t i = 0; s->words[i] != NULL; i++) {
        if (strcmp(s->words[i], value) == 0) {
            *to = i;
            return true;
        }
        size_t n = strlen(known);
        (void)snprintf(known + n, sizeof known - n, "%s%s", i == 0 ? "" : ", ", s->words[i]);
    }
    return wrong(why, "must be one of: %s", known);
}

static bool set_one(struct config *c, const struct setting *s, const char *value, char *why)
{
    void *to = (char *)c + s->at;
    switch (s->kind) {
    case TEXT:
        return set_text(value, to, why);
    case NUMBER:
        return ini_number(value, s->min, s->max, to) ||
               wrong(why, "must be a number from %llu to %llu", (unsigned long long)s->min,
                     (unsigned long long)s->max);
    case YES_NO:
        if (s->at == AT(sign_up))
            c->sign_up_set = true;
        return ini_yes_no(value, to) || wrong(why, "must be yes or no");
    case WORD:
        return set_word(s, value, to, why);
    default:
        return wrong(why, "is of no known kind");
    }
}

static bool set(void *ctx, const struct ini_entry *entry, char why[static INI_WHY])
{
    const char *elsewhere = NULL;
    for (size_t i = 0; i < N_SETTINGS; i++) {
        if (strcmp(settings[i].key, entry->key) != 0)
            continue;
        if (strcmp(settings[i].section, entry->section) == 0)
            return set_one(ctx, &settings[i], entry->value, why);
        elsewhere = elsewhere != NULL ? elsewhere : settings[i].section;
    }
    if (elsewhere != NULL)
        return wrong(why, "belongs into section [%s]", elsewhere);
    return wrong(why, "there is no such setting; docs/ADMIN.md lists all");
}

int config_set(struct config *c, const char *section, const char *key, const char *value,
               char out_why[static CONFIG_WHY])
{
    const struct ini_entry entry = {section, key, value};
    char why[INI_WHY];
    if (set(c, &entry, why))
        return 0;
    (void)snprintf(out_why, CONFIG_WHY, "%s: %s", key, why);
    return CONCLAVE_EINVAL;
}

int config_read(const char *path, struct config *c, char out_why[static CONFIG_WHY])
{
    _Static_assert(CONFIG_WHY >= INI_WHY, "what a file's reader says fits");
    return ini_read(path, set, c, out_why);
}

/* ---- All together ---- */

static bool is_loopback_url(const char *rest)
{
    static const char *const hosts[] = {"localhost", "127.0.0.1", "[::1]"};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        size_t n = strlen(hosts[i]);
        if (strncmp(rest, hosts[i], n) == 0 && (rest[n] == '\0' || rest[n] == ':'))
            return true;
    }
    return false;
}

static bool check_url(const char *url, char *why)
{
    const char *rest = strncmp(url, "https://", 8) == 0  ? url + 8
                       : strncmp(url, "http://", 7) == 0 ? url + 7
                                                         : "";
    if (*rest == '\0' || strpbrk(rest, "/#?@ ") != NULL)
        return wrong(why, "url: must be like https://meet.example.org, without anything after it");
    if (rest == url + 7 && !is_loopback_url(rest))
        return wrong(why, "url: http:// is for this machine alone; write https://");
    return true;
}

static bool check_listeners(const struct config *c, char *why)
{
    struct config_words words;
    struct config_address address;
    if (!config_words(c->listen, &words) || words.n > CONFIG_LISTENERS)
        return wrong(why, "listen: at most %d addresses", CONFIG_LISTENERS);
    for (size_t i = 0; i < words.n; i++)
        if (!config_address(words.words[i], &address))
            return wrong(why,
                         "listen: \"%.60s\" is no address; write 0.0.0.0, 192.0.2.1:443 or "
                         "[2001:db8::1]:443",
                         words.words[i]);
    if (words.n == 0 && !c->plain)
        return wrong(why, "plain_http = no leaves nothing to listen at: set listen, too");
    return true;
}

static bool check_media(const struct config *c, char *why)
{
    struct config_words words;
    if (!config_words(c->media_addresses, &words) || words.n > MEDIA_ADDRESSES)
        return wrong(why, "[media] addresses: at most %u", MEDIA_ADDRESSES);
    for (size_t i = 0; i < words.n; i++)
        if (!is_address(words.words[i]))
            return wrong(why,
                         "[media] addresses: \"%.60s\" is no address; write 192.0.2.1 or "
                         "2001:db8::1",
                         words.words[i]);
    if (c->media_port + c->media_workers > UINT16_MAX + UINT64_C(1))
        return wrong(why, "[media] port: leaves no ports for so many workers");
    return true;
}

int config_check(const struct config *c, char out_why[static CONFIG_WHY])
{
    struct config_words domains;
    bool ok = true;
    if (c->data[0] == '\0')
        ok = wrong(out_why, "data: must name a folder");
    else if (c->name[0] == '\0' || strlen(c->name) > 64)
        ok = wrong(out_why, "name: must have 1 to 64 bytes");
    else if (c->url[0] != '\0' && !check_url(c->url, out_why))
        ok = false;
    else if (!check_listeners(c, out_why))
        ok = false;
    else if (!check_media(c, out_why))
        ok = false;
    else if (!config_words(c->domains, &domains))
        ok = wrong(out_why, "domains: at most %d", CONFIG_DOMAINS);
    else if ((c->certificate[0] == '\0') != (c->key[0] == '\0'))
        ok = wrong(out_why, "[tls] needs both certificate and key, or neither");
    return ok ? 0 : CONCLAVE_EINVAL;
}
