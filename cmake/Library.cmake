# libconclave, static and shared, and what `make install` installs of it.

include(CMakePackageConfigHelpers)

set(private_libs OpenSSL::SSL OpenSSL::Crypto)
if(CONCLAVE_HAVE_IPSECMB)
    list(APPEND private_libs IPSec_MB)
endif()

add_library(conclave_static STATIC $<TARGET_OBJECTS:conclave_objects>)
target_link_libraries(conclave_static PRIVATE ${private_libs})
add_library(conclave_shared SHARED $<TARGET_OBJECTS:conclave_objects>)
target_link_libraries(conclave_shared PRIVATE $<BUILD_INTERFACE:conclave_flags> ${private_libs})

set(export_list "${CMAKE_SOURCE_DIR}/src/conclave.map")
target_link_options(conclave_shared PRIVATE "LINKER:--version-script=${export_list}")
if(NOT CONCLAVE_SANITIZE)
    target_link_options(conclave_shared PRIVATE LINKER:--no-undefined)
endif()
set_target_properties(conclave_shared PROPERTIES
    LINK_DEPENDS "${export_list}"
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR} EXPORT_NAME conclave)

foreach(library conclave_static conclave_shared)
    set_target_properties(${library} PROPERTIES OUTPUT_NAME conclave LINKER_LANGUAGE C)
    target_include_directories(${library} INTERFACE
        $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>
        $<BUILD_INTERFACE:${CMAKE_BINARY_DIR}/include>
        $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endforeach()

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/conclave")
install(TARGETS conclave_static conclave_shared EXPORT conclave-targets)
install(EXPORT conclave-targets NAMESPACE conclave:: DESTINATION ${package_dir})
install(DIRECTORY include/conclave "${CMAKE_BINARY_DIR}/include/conclave"
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

configure_package_config_file(cmake/conclave-config.cmake.in conclave-config.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(conclave-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/conclave-config.cmake"
              "${CMAKE_BINARY_DIR}/conclave-config-version.cmake" DESTINATION ${package_dir})

file(RELATIVE_PATH CONCLAVE_PC_PREFIX
     "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
string(REGEX REPLACE "/$" "" CONCLAVE_PC_PREFIX "${CONCLAVE_PC_PREFIX}")
set(CONCLAVE_PC_LIBS "")
if(CONCLAVE_HAVE_IPSECMB)
    set(CONCLAVE_PC_LIBS "-lIPSec_MB")
endif()
configure_file(cmake/conclave.pc.in conclave.pc @ONLY)
install(FILES "${CMAKE_BINARY_DIR}/conclave.pc"
        DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
