#include "ws_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libwebsockets.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

struct echo {
    struct echo *next;
    size_t n;
    bool first, last;
    uint8_t room[];
};

static void *must(void *p)
{
    if (p == NULL)
        abort();
    return p;
}

static void keep(struct echo **list, struct lws *wsi, const void *in, size_t n)
{
    struct echo *e = must(malloc(sizeof *e + LWS_PRE + n));
    e->next = NULL;
    e->n = n;
    e->first = lws_is_first_fragment(wsi);
    e->last = lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0;
    memcpy(e->room + LWS_PRE, in, n);
    while (*list != NULL)
        list = &(*list)->next;
    *list = e;
}

static int give(struct echo **list, struct lws *wsi)
{
    struct echo *e = *list;
    if (e == NULL)
        return 0;
    int flags = lws_write_ws_flags(LWS_WRITE_BINARY, e->first, e->last);
    int rv = lws_write(wsi, e->room + LWS_PRE, e->n, (enum lws_write_protocol)flags);
    *list = e->next;
    free(e);
    if (*list != NULL)
        lws_callback_on_writable(wsi);
    return rv < 0 ? -1 : 0;
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t n)
{
    const bool *hang = lws_context_user(lws_get_context(wsi));
    struct echo **list = user;
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
        if (*hang)
            lws_rx_flow_control(wsi, 0);
        return 0;
    case LWS_CALLBACK_RECEIVE:
        keep(list, wsi, in, n);
        lws_callback_on_writable(wsi);
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return give(list, wsi);
    case LWS_CALLBACK_CLOSED:
        while (*list != NULL) {
            struct echo *e = *list;
            *list = e->next;
            free(e);
        }
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "echo", .callback = callback, .per_session_data_size = sizeof(struct echo *)},
    {.name = NULL},
};

/* The child: tells its port, then serves until it is killed. */
static void serve(const struct ws_server_config *config, int port_to)
{
    bool hang = config->hang;
    struct lws_context_creation_info info = {
        .port = 0,
        .iface = "127.0.0.1",
        .protocols = protocols,
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   (config->certificate != NULL ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0),
        .ssl_cert_filepath = config->certificate,
        .ssl_private_key_filepath = config->key,
        .ssl_cipher_list = config->weak ? "ECDHE-ECDSA-AES128-GCM-SHA256" : NULL,
        .tls1_3_plus_cipher_list = config->weak ? "TLS_AES_128_GCM_SHA256" : NULL,
        .gid = -1,
        .uid = -1,
        .user = &hang,
    };
    lws_set_log_level(0, NULL);
    struct lws_context *lws = must(lws_create_context(&info));
    struct lws_vhost *vhost = must(lws_create_vhost(lws, &info));
    uint16_t port = (uint16_t)lws_get_vhost_listen_port(vhost);
    if (write(port_to, &port, sizeof port) != sizeof port)
        abort();
    while (lws_service(lws, 0) >= 0)
        ;
}

/* ---- By hand ---- */

static void answer_handshake(int fd)
{
    static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455 1.3 */
    char head[2048] = "", text[128], answer[256];
    unsigned char hash[20], accept[32];
    size_t n = 0;
    while (strstr(head, "\r\n\r\n") == NULL && n < sizeof head - 1) {
        ssize_t got = read(fd, head + n, sizeof head - 1 - n);
        if (got <= 0)
            abort();
        n += (size_t)got;
    }
    const char *key = must(strstr(head, "Sec-WebSocket-Key: "));
    snprintf(text, sizeof text, "%.24s%s", key + 19, magic);
    if (EVP_Digest(text, strlen(text), hash, NULL, EVP_sha1(), NULL) != 1)
        abort();
    EVP_EncodeBlock(accept, hash, sizeof hash);
    int length = snprintf(answer, sizeof answer,
                          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\nSec-WebSocket-Protocol: echo\r\n"
                          "Sec-WebSocket-Accept: %s\r\n\r\n",
                          (const char *)accept);
    if (write(fd, answer, (size_t)length) != length)
        abort();
}

/* Frames of four zeros, for a fifth of a second; false if the other side has cut it off. */
static bool talk(int fd)
{
    static const uint8_t frame[] = {0x82, 4, 0, 0, 0, 0};
    for (int ms = 0; ms < 200; ms++) {
        for (int i = 0; i < 100; i++)
            if (send(fd, frame, sizeof frame, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN)
                return false;
        usleep(1000);
    }
    return true;
}

/* RFC 6455 5.2: a short binary frame with a mask, and one that closes, which is answered. */
static bool hear(int fd, const char *text)
{
    static const uint8_t answer[] = {0x88, 0};
    uint8_t in[256];
    size_t n = 0, length = strlen(text), closing = 6 + length;
    ssize_t got = 1;
    while (got > 0 && n <= closing) {
        got = read(fd, in + n, sizeof in - n);
        n += got > 0 ? (size_t)got : 0;
    }
    if (n <= closing || in[0] != 0x82 || in[closing] != 0x88 ||
        write(fd, answer, sizeof answer) != sizeof answer)
        return false;
    for (size_t i = 0; i < length; i++)
        in[6 + i] ^= in[2 + i % 4];
    while ((got = read(fd, in + closing, sizeof in - closing)) > 0)
        ;
    return got == 0 && memcmp(in + 6, text, length) == 0;
}

struct ws_server ws_server_start_talking(const char *text)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof at;
    struct ws_server s = {0};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&at, n) != 0 ||
        listen(listener, 1) != 0 || getsockname(listener, (struct sockaddr *)&at, &n) != 0 ||
        (s.pid = fork()) < 0)
        abort();
    s.port = ntohs(at.sin_port);
    if (s.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* not longer than the test */
        int fd = accept(listener, NULL, NULL);
        answer_handshake(fd);
        _exit(talk(fd) && hear(fd, text) ? 0 : 1);
    }
    close(listener);
    return s;
}

bool ws_server_heard(const struct ws_server *s)
{
    int status = 0;
    return waitpid(s->pid, &status, 0) == s->pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- By libwebsockets ---- */

struct ws_server ws_server_start(const struct ws_server_config *config)
{
    struct ws_server s = {0};
    int ends[2];
    if (pipe(ends) != 0 || (s.pid = fork()) < 0)
        abort();
    if (s.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* not longer than the test */
        serve(config, ends[1]);
        _exit(1);
    }
    if (read(ends[0], &s.port, sizeof s.port) != sizeof s.port)
        abort();
    close(ends[0]);
    close(ends[1]);
    return s;
}

void ws_server_stop(const struct ws_server *s)
{
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
}

void ws_server_make_certificate(const char *certificate, const char *key)
{
    EVP_PKEY *pkey = must(EVP_EC_gen("P-256"));
    X509 *x = must(X509_new());
    X509_EXTENSION *san =
        must(X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:localhost"));
    FILE *c = must(fopen(certificate, "w")), *k = must(fopen(key, "w"));

    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -60);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    X509_set_pubkey(x, pkey);
    X509_add_ext(x, san, -1);
    if (X509_sign(x, pkey, EVP_sha256()) == 0 || PEM_write_X509(c, x) != 1 ||
        PEM_write_PrivateKey(k, pkey, NULL, NULL, 0, NULL, NULL) != 1)
        abort();
    fclose(c);
    fclose(k);
    X509_EXTENSION_free(san);
    X509_free(x);
    EVP_PKEY_free(pkey);
}
