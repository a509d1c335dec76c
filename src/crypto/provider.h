/* Which provider this build is made with: OpenSSL, or in WebAssembly what the host brings. */
#ifndef CRYPTO_PROVIDER_H
#define CRYPTO_PROVIDER_H

#if defined(__wasm__)
#define PROVIDER crypto_host
#define PROVIDER_PUBLIC crypto_host_public
#define PROVIDER_SIGNERS crypto_host_signers
#define PROVIDER_MEDIA aead_provider_host
#else
#define PROVIDER crypto_openssl
#define PROVIDER_PUBLIC crypto_openssl_public
#define PROVIDER_SIGNERS crypto_openssl_signers
#define PROVIDER_MEDIA aead_provider_openssl
#endif

#endif
