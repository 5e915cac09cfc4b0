# SPDX-License-Identifier: Apache-2.0
# The libcurl of the static release (see packaging/static_curl). Kept in build/static-curl, whatever the build folder is.
set(curl_folder ${CMAKE_SOURCE_DIR}/build/static-curl)
add_custom_command(OUTPUT ${curl_folder}/lib/libcurl.a
    COMMAND ${CMAKE_SOURCE_DIR}/packaging/static_curl ${curl_folder}
    DEPENDS ${CMAKE_SOURCE_DIR}/packaging/static_curl
    COMMENT "libcurl for the static release" USES_TERMINAL)
add_custom_target(static_curl DEPENDS ${curl_folder}/lib/libcurl.a)

find_package(OpenSSL REQUIRED)
# OpenSSL is C: nothing is ever thrown through it, so its unwind tables (half a megabyte) stay out of the binary.
foreach(part ssl crypto)
    string(TOUPPER ${part} upper)
    set(slim ${CMAKE_BINARY_DIR}/openssl/lib${part}.a)
    add_custom_command(OUTPUT ${slim}
        COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/openssl
        COMMAND ${CMAKE_OBJCOPY} --remove-section=.eh_frame --remove-section=.rela.eh_frame ${OPENSSL_${upper}_LIBRARY} ${slim}
        DEPENDS ${OPENSSL_${upper}_LIBRARY}
        COMMENT "lib${part} without unwind tables" VERBATIM)
    list(APPEND slim_openssl ${slim})
endforeach()
add_custom_target(slim_openssl DEPENDS ${slim_openssl})
add_dependencies(davit_with_curl slim_openssl)
# Debian 13's libcrypto compresses.
find_library(DAVIT_ZLIB z REQUIRED)
find_library(DAVIT_ZSTD zstd REQUIRED)
add_dependencies(davit_with_curl static_curl)
target_compile_definitions(davit_with_curl INTERFACE CURL_STATICLIB)
target_include_directories(davit_with_curl SYSTEM INTERFACE ${curl_folder}/include)
target_link_libraries(davit_with_curl INTERFACE ${curl_folder}/lib/libcurl.a ${slim_openssl}
    davit_with_cares ${DAVIT_ZLIB} ${DAVIT_ZSTD})
