/* The meeting card (docs/PROTOCOL.md section 1): what the organiser signed. */
#ifndef MEETING_CARD_H
#define MEETING_CARD_H

#include <conclave/crypto.h>
#include <conclave/identity.h>

#define CARD_VERSION 1
#define CARD_ID 16
#define CARD_HASH 32
#define CARD_MAX ((size_t)32 << 10)
#define CARD_TITLE_MAX 200
#define CARD_HOSTS_MAX 32
#define CARD_DOMAINS_MAX 16
#define CARD_SUITES_MAX 8
#define CARD_CHAIN_MAX 10
#define CARD_LABEL "Conclave Meeting Card"

enum card_mode { CARD_E2E = 1, CARD_STANDARD = 2 };
enum card_admission { CARD_JOIN = 1, CARD_LOBBY = 2, CARD_REFUSE = 3 };

/* The identity classes of the rules, in the card's order. */
enum card_class { CARD_MEMBER, CARD_EXTERNAL, CARD_DEVICE, CARD_GUEST, CARD_CLASSES };

struct card_rule {
    enum card_admission unlocked, locked;
};

/* What a card says. When written, strings are the caller's; when read, they are the card's. */
struct card_terms {
    uint8_t meeting_id[CARD_ID];
    const char *title;
    enum card_mode mode;
    uint16_t suites[CARD_SUITES_MAX];
    size_t n_suites;
    uint64_t created_at, not_before, not_after;
    const char *hosts[CARD_HOSTS_MAX]; /* the first is the organiser; domains in lower case */
    size_t n_hosts;
    const char *organisation[CARD_DOMAINS_MAX];
    size_t n_organisation;
    struct card_rule rules[CARD_CLASSES];
    bool join_before_host;
    uint16_t auto_lock_minutes;
    bool open;
    struct bytes server_key;
    struct bytes provider_root;
};

/* Rules as most meetings have them: the organisation and its devices join, others wait in the
 * lobby; locked: everybody waits in the lobby. Mode, suite 2; all else zero. */
struct card_terms card_terms_default(void);

/* A card that was read. Immutable; shared by counting references, within one thread. */
struct card;

/* Signs a card; appends it. EINVAL if the terms or the chain break a rule of the format, an error
 * of the signer, ENOMEM. */
int card_sign(struct crypto_signer *signer, const struct bytes *chain, size_t n_chain,
              const struct card_terms *terms, struct buf *out) CONCLAVE_CHECKED;

/* Reads the shape and copies it. ESYNTAX, EVERSION, ELIMIT, ENOMEM. */
int card_read(struct bytes encoded, struct card **out) CONCLAVE_CHECKED;
struct card *card_share(const struct card *card);
void card_free(struct card *card);

const struct card_terms *card_terms(const struct card *card);
struct bytes card_encoded(const struct card *card);
/* CARD_HASH bytes, borrowed: SHA-256 of the encoding. */
struct bytes card_hash(const struct card *card);
size_t card_chain(const struct card *card, const struct bytes **out_chain);

/* Signature, and the organiser's identity at created_at against anchors (which the caller has given
 * the card's provider_root). c is of the card's first suite. out_organiser may be NULL.
 * ESIGNATURE; ECREDENTIAL if the chain does not make hosts[0] a verified user or device; EPOLICY
 * for a mode that is not offered; ESUITE. */
int card_verify(const struct card *card, struct crypto *c, const struct identity_anchors *anchors,
                struct identity *out_organiser) CONCLAVE_CHECKED;

/* How identities are judged in this meeting, by clients and server alike: good as long as the
 * card. */
struct identity_policy card_identity_policy(const struct card *card);

/* Whether a text is an identifier as identifiers are compared: an e-mail address or a DNS name, its
 * domain in lower case. */
bool card_identifier_ok(struct bytes text);

/* Whether an identifier is among the hosts; the organiser is the first. */
bool card_is_host(const struct card *card, const char *identifier);
bool card_is_organiser(const struct card *card, const char *identifier);

#endif
