#include <conclave/error.h>

struct entry {
    int error;
    const char *name;
    const char *text;
};

static const struct entry entries[] = {
    {CONCLAVE_OK, "OK", "success"},
    {CONCLAVE_ESYNTAX, "ESYNTAX", "the bytes cannot be decoded"},
    {CONCLAVE_EVERSION, "EVERSION", "the protocol version is not supported"},
    {CONCLAVE_ESUITE, "ESUITE", "the cipher suite is unknown or not the group's"},
    {CONCLAVE_EGROUP, "EGROUP", "the message belongs to another group"},
    {CONCLAVE_EEPOCH, "EEPOCH", "the message belongs to another epoch"},
    {CONCLAVE_EWIREFORMAT, "EWIREFORMAT", "this kind of message does not belong here"},
    {CONCLAVE_ESIGNATURE, "ESIGNATURE", "a signature does not verify"},
    {CONCLAVE_EMEMBERSHIP, "EMEMBERSHIP", "the membership tag does not verify"},
    {CONCLAVE_ECONFIRMATION, "ECONFIRMATION", "the confirmation tag does not verify"},
    {CONCLAVE_EDECRYPT, "EDECRYPT", "a ciphertext does not open"},
    {CONCLAVE_ESENDER, "ESENDER", "the sender is unknown or may not send this"},
    {CONCLAVE_EPROPOSAL, "EPROPOSAL", "a proposal is invalid"},
    {CONCLAVE_EPROPOSALLIST, "EPROPOSALLIST", "the proposals of the commit do not go together"},
    {CONCLAVE_EUNKNOWNREF, "EUNKNOWNREF", "the commit refers to a proposal never received"},
    {CONCLAVE_EPATH, "EPATH", "the update path is missing, misplaced or misshapen"},
    {CONCLAVE_ELEAF, "ELEAF", "a leaf node breaks a rule"},
    {CONCLAVE_ELIFETIME, "ELIFETIME", "a lifetime or certificate is not valid now or is too long"},
    {CONCLAVE_ECAPABILITY, "ECAPABILITY", "a member does not support what the group uses"},
    {CONCLAVE_ECREDENTIAL, "ECREDENTIAL", "a credential is malformed, foreign or refused"},
    {CONCLAVE_EDUPLICATE, "EDUPLICATE", "a key that must be unique occurs twice"},
    {CONCLAVE_EKEYPACKAGE, "EKEYPACKAGE", "a key package breaks a rule"},
    {CONCLAVE_ETREE, "ETREE", "the ratchet tree is not well formed"},
    {CONCLAVE_ETREEHASH, "ETREEHASH", "the ratchet tree is not the one promised"},
    {CONCLAVE_EPARENTHASH, "EPARENTHASH", "a parent hash does not hold"},
    {CONCLAVE_EPSK, "EPSK", "a pre-shared key is unknown, misused or named twice"},
    {CONCLAVE_EEXTENSION, "EEXTENSION", "an extension is malformed, doubled or out of place"},
    {CONCLAVE_EPADDING, "EPADDING", "the padding is not all zero"},
    {CONCLAVE_EREPLAY, "EREPLAY", "the message key was used or dropped already"},
    {CONCLAVE_EGENERATION, "EGENERATION", "the generation is too far ahead"},
    {CONCLAVE_EKEY, "EKEY", "a public key is not valid"},
    {CONCLAVE_EPOLICY, "EPOLICY", "refused by the application"},
    {CONCLAVE_ENOTFORME, "ENOTFORME", "the Welcome has no entry for this key package"},
    {CONCLAVE_ELIMIT, "ELIMIT", "larger than a limit allows"},
    {CONCLAVE_EREINIT, "EREINIT", "does not match the reinitialisation or branch it claims"},
    {CONCLAVE_EUNKNOWNKEY, "EUNKNOWNKEY", "the media key is not known, or not yet"},
    {CONCLAVE_EINVAL, "EINVAL", "an argument is out of range"},
    {CONCLAVE_ESTATE, "ESTATE", "not possible in this state"},
    {CONCLAVE_EPENDING, "EPENDING", "the group has a pending commit already"},
    {CONCLAVE_EBUFFER, "EBUFFER", "the buffer is too small"},
    {CONCLAVE_EUNSUPPORTED, "EUNSUPPORTED", "not supported by this build or object"},
    {CONCLAVE_ENOTFOUND, "ENOTFOUND", "there is no such thing"},
    {CONCLAVE_EREMOVED, "EREMOVED", "this client is no longer a member of the group"},
    {CONCLAVE_ESUSPENDED, "ESUSPENDED", "the group was reinitialised: use its successor"},
    {CONCLAVE_EPROPOSALS, "EPROPOSALS", "proposals wait: commit before sending data"},
    {CONCLAVE_EEXHAUSTED, "EEXHAUSTED", "the key has been used as often as it may"},
    {CONCLAVE_ENOMEM, "ENOMEM", "out of memory"},
    {CONCLAVE_ECRYPTO, "ECRYPTO", "the crypto provider failed"},
    {CONCLAVE_ERANDOM, "ERANDOM", "no randomness to be had"},
    {CONCLAVE_ESTORE, "ESTORE", "the application could not persist the state"},
    {CONCLAVE_EINTERNAL, "EINTERNAL", "a bug in the library"},
};

static const struct entry *entry_of(int error)
{
    static const struct entry unknown = {1, "UNKNOWN", "not an error of this library"};
    for (unsigned i = 0; i < sizeof entries / sizeof entries[0]; i++)
        if (entries[i].error == error)
            return &entries[i];
    return &unknown;
}

enum conclave_error_class conclave_error_class(int error)
{
    if (error == 0)
        return CONCLAVE_CLASS_OK;
    if (error > 0) /* no error of ours, and not to be taken for success */
        return CONCLAVE_CLASS_SYSTEM;
    if (error > CONCLAVE_EINVAL)
        return CONCLAVE_CLASS_PEER;
    return error > CONCLAVE_ENOMEM ? CONCLAVE_CLASS_CALLER : CONCLAVE_CLASS_SYSTEM;
}

const char *conclave_error_name(int error)
{
    return entry_of(error)->name;
}

const char *conclave_error_text(int error)
{
    return entry_of(error)->text;
}
