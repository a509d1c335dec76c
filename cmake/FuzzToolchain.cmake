# libFuzzer comes with clang; a newer one is preferred where it is installed.
find_program(CONCLAVE_CLANG NAMES clang-19 clang REQUIRED)
set(CMAKE_C_COMPILER "${CONCLAVE_CLANG}")
