/* What a host says, as an error: `no` is what it means if the host says no. */
#ifndef CRYPTO_HOST_RESULT_H
#define CRYPTO_HOST_RESULT_H

#include <conclave/error.h>

#include "crypto/host/import.h"

CONCLAVE_CHECKED static inline int host_error(int result, int no)
{
    switch (result) {
    case HOST_DONE:
        return 0;
    case HOST_NO:
        return no;
    default:
        return CONCLAVE_ECRYPTO;
    }
}

#endif
