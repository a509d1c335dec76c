/* conclaved's HTTP: the service's interface, and a few pages for people and their tools. */
#include <stdlib.h>
#include <string.h>

#include "cmd/conclaved_daemon.h"

#define TEXT "text/plain; charset=utf-8"

/* ---- The service ---- */

/* A request that is being worked on, on another thread. */
struct waiting {
    struct daemon *daemon;
    struct service_work *work;
    uint64_t conn;
};

static void give(struct daemon *d, uint64_t conn, struct service_response *r)
{
    struct net_response out = {
        .status = r->status,
        .content_type = r->content_type,
        .retry_after = r->retry_after,
        .body = r->body,
    };
    if (r->error != 0)
        daemon_error(d, r->error, "a request");
    buf_init(&r->body);
    net_server_respond(d->server, conn, &out);
    service_response_fini(r);
}

static void work_run(void *ctx)
{
    struct waiting *w = ctx;
    service_work_run(w->work);
}

static void work_done(void *ctx)
{
    struct waiting *w = ctx;
    struct service_response response;
    service_work_finish(w->daemon->service, w->work, net_loop_now(w->daemon->loop), &response);
    give(w->daemon, w->conn, &response);
    free(w);
}

/* Without memory to wait with, everybody waits. */
static void work_here(struct daemon *d, uint64_t conn, struct service_work *work)
{
    struct service_response response;
    service_work_run(work);
    service_work_finish(d->service, work, net_loop_now(d->loop), &response);
    give(d, conn, &response);
}

static void ask_service(struct daemon *d, uint64_t conn, const struct net_request *q)
{
    const struct service_request request = {
        .method = q->method,
        .path = q->path,
        .query = q->query,
        .authorization = q->authorization,
        .address = q->address,
        .body = q->body,
    };
    struct service_response response;
    struct service_work *work = NULL;
    service_handle(d->service, &request, net_loop_now(d->loop), &response, &work);
    if (work == NULL) {
        give(d, conn, &response);
        return;
    }
    struct waiting *w = calloc(1, sizeof *w);
    if (w != NULL)
        *w = (struct waiting){d, work, conn};
    if (w == NULL || net_loop_work(d->loop, work_run, work_done, w) != 0) {
        free(w);
        work_here(d, conn, work);
    }
}

/* ---- The browser app ---- */

static bool give_app(struct daemon *d, uint64_t conn, const struct net_request *q)
{
    struct net_response r;
    if (!web_answer(d->web, q, &r))
        return false;
    net_server_respond(d->server, conn, &r);
    return true;
}

/* ---- Pages ---- */

static void give_text(struct daemon *d, uint64_t conn, int status, const char *text)
{
    struct net_response r = {.status = status, .content_type = TEXT};
    buf_put(&r.body, bytes_str(text));
    net_server_respond(d->server, conn, &r);
}

static bool is_local(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

static void page_health(struct daemon *d, uint64_t conn, const struct net_request *q)
{
    (void)q;
    give_text(d, conn, d->stopping ? 503 : 200, d->stopping ? "stopping\n" : "ok\n");
}

static void page_metrics(struct daemon *d, uint64_t conn, const struct net_request *q)
{
    struct net_response r = {.status = 200, .content_type = "text/plain; version=0.0.4"};
    uint64_t who = d->config->metrics;
    if (who == CONFIG_METRICS_OFF || (who == CONFIG_METRICS_LOCAL && !is_local(q->address))) {
        give_text(d, conn, 404, "There is no such page here.\n");
        return;
    }
    daemon_metrics(d, &r.body);
    if (buf_check(&r.body) != 0)
        r.status = 503;
    net_server_respond(d->server, conn, &r);
}

static void page_front(struct daemon *d, uint64_t conn, const struct net_request *q)
{
    (void)q;
    give_text(d, conn, 200,
              "This is a Conclave server: meetings that are encrypted from end to end.\n"
              "To join one, give its whole link to the program: conclave join LINK\n");
}

static void page_meeting(struct daemon *d, uint64_t conn, const struct net_request *q)
{
    (void)q;
    give_text(d, conn, 200,
              "This is the link of a Conclave meeting; this server has no browser app.\n"
              "Give the whole link, with what follows the #, to the program:\n\n"
              "    conclave join LINK\n");
}

static void page_socket(struct daemon *d, uint64_t conn, const struct net_request *q)
{
    (void)q;
    give_text(d, conn, 426, "Here is a WebSocket: conclave.1.\n");
}

struct page {
    const char *path;
    bool below; /* and whatever begins with it */
    void (*give)(struct daemon *d, uint64_t conn, const struct net_request *q);
};

static const struct page pages[] = {
    {"/healthz", false, page_health},
    {"/metrics", false, page_metrics},
    {DAEMON_WS_PATH, false, page_socket},
    {"/m/", true, page_meeting},
    {"/", false, page_front},
};

static const struct page *find_page(const char *path)
{
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        const struct page *p = &pages[i];
        if (p->below ? strncmp(path, p->path, strlen(p->path)) == 0 : strcmp(path, p->path) == 0)
            return p;
    }
    return NULL;
}

void daemon_request(void *daemon, uint64_t conn, const struct net_request *request)
{
    struct daemon *d = daemon;
    const struct page *page;
    if (strncmp(request->path, SERVICE_PREFIX "/", sizeof SERVICE_PREFIX) == 0)
        ask_service(d, conn, request);
    else if (strcmp(request->method, "GET") != 0)
        give_text(d, conn, 405, "This can only be read.\n");
    else if (give_app(d, conn, request))
        return;
    else if ((page = find_page(request->path)) != NULL)
        page->give(d, conn, request);
    else
        give_text(d, conn, 404, "There is no such page here.\n");
}
