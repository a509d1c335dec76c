#ifndef TESTS_HOST_OPENSSL_H
#define TESTS_HOST_OPENSSL_H

#include "crypto/suite.h"

/* The key that host_sign() signs with, and its number. */
#define HOST_TEST_NUMBER 7u
extern struct crypto_signer *host_test_key;

#endif
