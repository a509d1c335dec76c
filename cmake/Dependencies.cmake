# What is looked for here is installed by tools/install-deps.sh.

find_package(OpenSSL 3.0 REQUIRED COMPONENTS Crypto)
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

if(CONCLAVE_TESTS AND NOT CONCLAVE_FUZZ)
    pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka>=1.1.5)
endif()
if((CONCLAVE_TESTS OR CONCLAVE_PROGRAMS) AND NOT CONCLAVE_FUZZ)
    pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
    pkg_check_modules(SRTP2 IMPORTED_TARGET libsrtp2)
endif()

# intel-ipsec-mb makes AES-GCM about three times faster on x86-64; OpenSSL serves without it.
set(CONCLAVE_HAVE_IPSECMB OFF)
if(NOT CONCLAVE_IPSECMB STREQUAL "OFF" AND EXISTS "${CMAKE_SOURCE_DIR}/src/crypto/ipsecmb/CMakeLists.txt")
    find_path(IPSECMB_INCLUDE_DIR intel-ipsec-mb.h)
    find_library(IPSECMB_LIBRARY IPSec_MB)
    if(IPSECMB_INCLUDE_DIR AND IPSECMB_LIBRARY)
        set(CONCLAVE_HAVE_IPSECMB ON)
        target_compile_definitions(conclave_flags INTERFACE CONCLAVE_HAVE_IPSECMB=1)
    elseif(CONCLAVE_IPSECMB STREQUAL "ON")
        message(FATAL_ERROR "CONCLAVE_IPSECMB is ON, but intel-ipsec-mb was not found")
    endif()
endif()
