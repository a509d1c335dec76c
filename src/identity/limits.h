/* Everything a certificate's maker could make large, and why it stops where it stops. */
#ifndef IDENTITY_LIMITS_H
#define IDENTITY_LIMITS_H

/* Certificates in one chain, as many as an MLS credential may carry; public CAs use 2 to 4. */
#define LIMIT_IDENTITY_CHAIN 10u

/* Bytes of one certificate: those of public CAs have 1 to 2 kB, and 7 kB with post-quantum keys. */
#define LIMIT_IDENTITY_CERTIFICATE (16u << 10)

/* Extensions of one certificate: ten is usual. Doubles are looked for pair by pair. */
#define LIMIT_IDENTITY_EXTENSIONS 32u

/* Names in one subjectAltName; a person or a device has one. */
#define LIMIT_IDENTITY_NAMES 32u

/* Subtrees in one nameConstraints: each is compared with each name below. */
#define LIMIT_IDENTITY_SUBTREES 256u

/* Signatures checked for one chain: cross-signed certificates of one name can be put together in
 * many ways, and each try costs a public-key operation. Honest chains need 3. */
#define LIMIT_IDENTITY_SIGNATURES 16u

/* RSA keys: below 2048 bits forgeable (NIST SP 800-57); above 8192 a check costs milliseconds. */
#define LIMIT_IDENTITY_RSA_MIN 2048u
#define LIMIT_IDENTITY_RSA_MAX 8192u

/* Trust anchors: browsers ship about 150. */
#define LIMIT_IDENTITY_ANCHORS 1024u

/* Domains of one anchor: as many as its name constraints could say. */
#define LIMIT_IDENTITY_DOMAINS 128u

/* Revoked certificates of one issuer that are kept: short-lived ones drop out of the list. */
#define LIMIT_IDENTITY_REVOKED (1u << 16)
#define LIMIT_IDENTITY_REVOKING 256u /* issuers with such a list */

/* One issued certificate's life: what is not renewed is gone within a month, revoked or not. */
#define LIMIT_IDENTITY_LEAF_SECONDS (31ull * 86400)

#endif
