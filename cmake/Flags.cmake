# One interface library carries what every target of ours is compiled and linked with.

include(CheckCCompilerFlag)
include(CheckPIESupported)

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
check_pie_supported()

add_library(conclave_flags INTERFACE)
target_include_directories(conclave_flags INTERFACE
    "${CMAKE_SOURCE_DIR}/include" "${CMAKE_SOURCE_DIR}/src" "${CMAKE_BINARY_DIR}/include")
target_compile_options(conclave_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes
    -Wmissing-prototypes -Wvla -Wundef -Wwrite-strings
    # The export list, not interposition, decides what others see; calls inside stay direct.
    -fno-semantic-interposition)

if(CONCLAVE_WERROR)
    target_compile_options(conclave_flags INTERFACE -Werror)
endif()

if(CONCLAVE_SANITIZE)
    set(sanitize -fsanitize=${CONCLAVE_SANITIZE} -fno-sanitize-recover=all
                 -fno-omit-frame-pointer)
    target_compile_options(conclave_flags INTERFACE ${sanitize})
    target_link_options(conclave_flags INTERFACE ${sanitize})
endif()

if(CONCLAVE_TAINT)
    target_compile_definitions(conclave_flags INTERFACE CONCLAVE_TAINT=1)
endif()

if(CONCLAVE_HARDEN)
    target_compile_options(conclave_flags INTERFACE
        -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong)
    check_c_compiler_flag(-fcf-protection CONCLAVE_CC_HAS_CF_PROTECTION)
    if(CONCLAVE_CC_HAS_CF_PROTECTION)
        target_compile_options(conclave_flags INTERFACE -fcf-protection)
    endif()
    target_link_options(conclave_flags INTERFACE -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
endif()
