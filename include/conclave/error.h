/* Every error a libconclave function can return.
 *
 * Functions return 0 or a negative value of this enum. The class of an error says whose fault it
 * is and so what to do: the peer's (drop the message), the caller's (fix the program), the
 * system's (try again later or stop). A call that fails has changed nothing.
 */
#ifndef CONCLAVE_ERROR_H
#define CONCLAVE_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

/* Put on every function whose result must be looked at. */
#define CONCLAVE_CHECKED __attribute__((warn_unused_result))

enum conclave_error {
    CONCLAVE_OK = 0,

    /* The peer's fault: the bytes that came in are wrong. */
    CONCLAVE_ESYNTAX = -100,     /* not decodable: truncated, trailing bytes, bad tag, bad length */
    CONCLAVE_EVERSION = -101,    /* a protocol version other than mls10 */
    CONCLAVE_ESUITE = -102,      /* a cipher suite other than the group's, or an unknown one */
    CONCLAVE_EGROUP = -103,      /* made for another group */
    CONCLAVE_EEPOCH = -104,      /* made for another epoch */
    CONCLAVE_EWIREFORMAT = -105, /* a message kind that does not belong here */
    CONCLAVE_ESIGNATURE = -106,  /* a signature does not verify */
    CONCLAVE_EMEMBERSHIP = -107, /* the membership tag does not verify */
    CONCLAVE_ECONFIRMATION = -108, /* the confirmation tag does not verify */
    CONCLAVE_EDECRYPT = -109,      /* an AEAD or HPKE ciphertext does not open */
    CONCLAVE_ESENDER = -110,       /* the sender does not exist or may not send this */
    CONCLAVE_EPROPOSAL = -111,     /* a proposal is invalid by itself */
    CONCLAVE_EPROPOSALLIST = -112, /* the proposals of a commit do not go together */
    CONCLAVE_EUNKNOWNREF = -113,   /* a commit refers to a proposal that was never received */
    CONCLAVE_EPATH = -114,         /* an update path is missing, misplaced or has the wrong shape */
    CONCLAVE_ELEAF = -115,         /* a leaf node breaks a rule of its own */
    CONCLAVE_ELIFETIME = -116,     /* a lifetime or certificate is not valid now, or is too long */
    CONCLAVE_ECAPABILITY = -117,   /* a member does not support what the group uses */
    CONCLAVE_ECREDENTIAL = -118,   /* a credential is malformed, foreign to its key, or refused */
    CONCLAVE_EDUPLICATE = -119,    /* a key that must be unique occurs twice */
    CONCLAVE_EKEYPACKAGE = -120,   /* a key package breaks a rule of its own */
    CONCLAVE_ETREE = -121,         /* a ratchet tree is not well formed */
    CONCLAVE_ETREEHASH = -122,     /* a ratchet tree is not the one that was promised */
    CONCLAVE_EPARENTHASH = -123,   /* a parent hash does not hold */
    CONCLAVE_EPSK = -124,          /* a pre-shared key is unknown, misused or named twice */
    CONCLAVE_EEXTENSION = -125,    /* an extension is malformed, doubled or out of place */
    CONCLAVE_EPADDING = -126,      /* padding is not all zero */
    CONCLAVE_EREPLAY = -127,       /* a message key has been used, or was dropped, already */
    CONCLAVE_EGENERATION = -128,   /* a generation too far ahead */
    CONCLAVE_EKEY = -129,          /* a public key is not a valid key of its algorithm */
    CONCLAVE_EPOLICY = -130,       /* refused by the application */
    CONCLAVE_ENOTFORME = -131,     /* a Welcome without an entry for this key package */
    CONCLAVE_ELIMIT = -132,        /* larger than a named limit allows */
    CONCLAVE_EREINIT = -133,       /* does not match the reinitialisation or branch it claims */
    CONCLAVE_EUNKNOWNKEY = -140,   /* sealed under a media key that is not (or not yet) known */

    /* The caller's fault. */
    CONCLAVE_EINVAL = -200,       /* an argument is out of range */
    CONCLAVE_ESTATE = -201,       /* not in this state of the object */
    CONCLAVE_EPENDING = -202,     /* the group has a pending commit already */
    CONCLAVE_EBUFFER = -203,      /* the caller's buffer is too small */
    CONCLAVE_EUNSUPPORTED = -204, /* this build or object cannot do it */
    CONCLAVE_ENOTFOUND = -205,    /* there is no such thing */
    CONCLAVE_EREMOVED = -206,     /* this client is no longer a member of the group */
    CONCLAVE_ESUSPENDED = -207,   /* the group was reinitialised: only its successor may send */
    CONCLAVE_EPROPOSALS = -208,   /* proposals wait: commit before sending application data */
    CONCLAVE_EEXHAUSTED = -209,   /* a key has been used as often as it may: get a new one */

    /* The system's fault. */
    CONCLAVE_ENOMEM = -300,    /* an allocation failed */
    CONCLAVE_ECRYPTO = -301,   /* the crypto provider failed */
    CONCLAVE_ERANDOM = -302,   /* no randomness */
    CONCLAVE_ESTORE = -303,    /* the application could not persist */
    CONCLAVE_EINTERNAL = -304, /* a bug in this library; please report it */
};

enum conclave_error_class {
    CONCLAVE_CLASS_OK,
    CONCLAVE_CLASS_PEER,
    CONCLAVE_CLASS_CALLER,
    CONCLAVE_CLASS_SYSTEM,
};

enum conclave_error_class conclave_error_class(int error);

/* The constant's name without its prefix ("ESYNTAX") and one sentence for a person. Never NULL. */
const char *conclave_error_name(int error);
const char *conclave_error_text(int error);

#ifdef __cplusplus
}
#endif
#endif
