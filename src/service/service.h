/* The server's HTTP side, without HTTP: accounts, devices, guests, certificates, meetings, and
 * administration, as JSON requests and answers. docs/openapi.yaml describes each. It knows who may
 * do what, and sees no content of a meeting.
 *
 * A request is answered at once, or needs work that takes long (scrypt): then `work` is run on
 * another thread and finished on this one. All else happens on one thread, the hall's.
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include <conclave/crypto.h>
#include <conclave/identity.h>

#include "service/hall.h"
#include "store/store.h"

/* Paths begin so; another version of the interface would begin otherwise. */
#define SERVICE_PREFIX "/api/v1"

/* A request's body: the largest honest one is a card of 32 KiB in base64. */
#define SERVICE_BODY_MAX ((size_t)64 << 10)

struct service;

/* What the media switch has to do with a meeting, from its beginning and now. Numbers, and never
 * content: it has none. */
struct service_media {
    uint32_t peers, connected; /* transports */
    uint32_t tracks;
    bool speaker;                    /* somebody is heard; not who */
    uint64_t packets_in, bytes_in;   /* from members */
    uint64_t packets_out, bytes_out; /* to them */
    uint64_t lost_in, recovered_in;  /* never came; came when asked for again */
    uint64_t nacks;                  /* asked for again */
    uint64_t retransmitted;          /* to members */
    uint64_t key_frames_asked;
    uint64_t refused;                  /* malformed, or of another member than their sender */
    uint64_t dropped;                  /* for want of room */
    uint32_t flowing, waiting, narrow; /* pictures to members; the last for want of bandwidth */
    uint32_t rtt_us;                   /* their mean; 0: not known */
    uint32_t loss_ppm;                 /* on the way to them, of late: their mean, in millionths */
};

struct service_config {
    struct store *store;           /* borrowed */
    struct hall *hall;             /* borrowed */
    struct crypto *crypto;         /* suite 2, full or public; borrowed */
    struct identity_ca *ca;        /* borrowed; not to be delegated to while the service is there */
    struct bytes public_roots;     /* as hall_config's: organisers may have certificates of these */
    struct bytes server_key;       /* public half of the server's signature key */
    const char *name;              /* of the server, for people */
    const char *base_url;          /* "https://meet.example.org": links begin with it */
    uint64_t certificate_lifetime; /* seconds, at most 31 days; 0: 7 days */
    uint64_t token_lifetime;       /* seconds, at most ten years; 0: 30 days */
    bool open_sign_up; /* local accounts may be made by anybody (first try on loopback) */
    /* Of a meeting that is alive; false: it has no media. NULL: none has. */
    bool (*media)(void *ctx, const char *number, struct service_media *out);
    void *media_ctx;
};

/* Copies the config's texts. EINVAL for roots that are none and what is too long; ERANDOM,
 * ENOMEM. */
int service_new(const struct service_config *config, struct service **out) CONCLAVE_CHECKED;
/* All works have been finished. */
void service_free(struct service *s);

struct service_request {
    const char *method;        /* "POST" */
    const char *path;          /* "/api/v1/sign-in", decoded, without query */
    const char *query;         /* "after=12&max=50" or "" */
    const char *authorization; /* "Bearer ..." or "" */
    const char *address;       /* of the peer, for rate limits */
    struct bytes body;
};

/* Never to be cached. Bodies can hold tokens: the buf wipes them; the copies that the JSON library
 * makes and frees on the way are not wiped. */
struct service_response {
    int status;
    const char *content_type; /* static text; NULL if the body is empty */
    const char *retry_after;  /* static text or NULL */
    int error;                /* of the system, for the log: why this is 500 or 503; or 0 */
    struct buf body;
};
void service_response_fini(struct service_response *r);

struct service_work;

/* Whatever the request, there is an answer: errors of the system become 500 and 503. If *out_work
 * is set there is none yet. *out is overwritten. */
void service_handle(struct service *s, const struct service_request *request, uint64_t now_us,
                    struct service_response *out, struct service_work **out_work);
/* On any thread; touches nothing but the work. */
void service_work_run(struct service_work *w);
/* On the service's thread; frees the work. To be called also if nobody waits for the answer. */
void service_work_finish(struct service *s, struct service_work *w, uint64_t now_us,
                         struct service_response *out);

/* Makes an administrator's token (for `conclaved --make-admin-token`, and for the first run).
 * Appends text. ESTORE, ERANDOM, ECRYPTO, ENOMEM. */
int service_admin_token(struct service *s, uint64_t now_us, struct buf *out) CONCLAVE_CHECKED;

#endif
