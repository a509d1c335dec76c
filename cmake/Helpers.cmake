# The few functions the folders' CMakeLists.txt files are written with.

# Adds those of the folders that exist: modules land one after another.
function(conclave_subdirectories)
    foreach(folder IN LISTS ARGN)
        if(EXISTS "${CMAKE_SOURCE_DIR}/${folder}/CMakeLists.txt")
            add_subdirectory(${folder})
        endif()
    endforeach()
endfunction()

# conclave_program(NAME SOURCES file... [LIBS target...] [INSTALL])
# A program in bin/; it sees internal functions too. INSTALL: `make install` takes it along.
function(conclave_program name)
    cmake_parse_arguments(ARG "INSTALL" "" "SOURCES;LIBS" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_compile_definitions(${name} PRIVATE _DEFAULT_SOURCE)
    target_link_libraries(${name} PRIVATE conclave_flags ${ARG_LIBS} conclave_static)
    if(ARG_INSTALL)
        install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    endif()
endfunction()

# Everything every test is run with.
function(conclave_test_properties name)
    cmake_parse_arguments(ARG "" "" "LABELS" ${ARGN})
    set_tests_properties(${name} PROPERTIES
        TIMEOUT 300
        LABELS "${ARG_LABELS}"
        ENVIRONMENT "CONCLAVE_VECTORS=${CONCLAVE_VECTORS};ASAN_OPTIONS=detect_leaks=1:abort_on_error=1:strict_string_checks=1:detect_stack_use_after_return=1;UBSAN_OPTIONS=print_stacktrace=1;CMOCKA_MESSAGE_OUTPUT=stdout")
endfunction()

# conclave_test(NAME SOURCES file... [LIBS target...] [LABELS label...])
# A cmocka program, run by ctest under NAME. The label `taint` makes the valgrind build run it
# under memcheck.
function(conclave_test name)
    if(NOT CONCLAVE_TESTS)
        return()
    endif()
    cmake_parse_arguments(ARG "" "" "SOURCES;LIBS;LABELS" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY
                          "${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/tests")
    target_compile_definitions(${name} PRIVATE _DEFAULT_SOURCE)
    target_include_directories(${name} PRIVATE "${CMAKE_SOURCE_DIR}/tests")
    target_link_libraries(${name} PRIVATE conclave_flags ${ARG_LIBS} conclave_test_support
                          conclave_static PkgConfig::CMOCKA)
    if(CONCLAVE_TAINT AND "taint" IN_LIST ARG_LABELS)
        add_test(NAME ${name} COMMAND valgrind --quiet --error-exitcode=99 --track-origins=yes
                 --suppressions=${CMAKE_SOURCE_DIR}/tests/support/taint.supp $<TARGET_FILE:${name}>)
    else()
        add_test(NAME ${name} COMMAND ${name})
    endif()
    conclave_test_properties(${name} LABELS ${ARG_LABELS})
endfunction()

# conclave_example(NAME SOURCES file... [LIBS target...])
# A program for readers: sees public headers only, is compiled with the rest and run by ctest.
function(conclave_example name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY
                          "${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/examples")
    target_link_libraries(${name} PRIVATE conclave_flags ${ARG_LIBS} conclave_static)
    if(CONCLAVE_TESTS)
        add_test(NAME example-${name} COMMAND ${name})
        conclave_test_properties(example-${name} LABELS example)
    endif()
endfunction()

# conclave_fuzzer(NAME [SOURCES more...])
# tests/fuzz/NAME.c defines LLVMFuzzerTestOneInput. The fuzz build links it with libFuzzer; every
# other build links replay.c, which feeds it the corpus and a bounded number of fixed mutations,
# so that a fuzzer cannot rot unseen.
function(conclave_fuzzer name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
    set(target fuzz_${name})
    add_executable(${target} ${name}.c ${ARG_SOURCES})
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY
                          "${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/fuzz")
    target_compile_definitions(${target} PRIVATE _DEFAULT_SOURCE)
    target_include_directories(${target} PRIVATE "${CMAKE_SOURCE_DIR}/tests")
    target_link_libraries(${target} PRIVATE conclave_flags ${ARG_LIBS} conclave_static)
    if(CONCLAVE_FUZZ)
        target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    else()
        target_sources(${target} PRIVATE replay.c)
        add_test(NAME fuzz-${name} COMMAND ${target}
                 "${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name}")
        conclave_test_properties(fuzz-${name} LABELS fuzz)
    endif()
endfunction()
