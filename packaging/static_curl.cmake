# SPDX-License-Identifier: Apache-2.0
# The libcurl of the static release (see packaging/static_curl). Kept in build/static-curl, whatever the build folder is.
set(curl_folder ${CMAKE_SOURCE_DIR}/build/static-curl)
add_custom_command(OUTPUT ${curl_folder}/lib/libcurl.a
    COMMAND ${CMAKE_SOURCE_DIR}/packaging/static_curl ${curl_folder}
    DEPENDS ${CMAKE_SOURCE_DIR}/packaging/static_curl
    COMMENT "libcurl for the static release" USES_TERMINAL)
add_custom_target(static_curl DEPENDS ${curl_folder}/lib/libcurl.a)

find_package(OpenSSL REQUIRED)
# Debian 13's libcrypto compresses.
find_library(DAVIT_ZLIB z REQUIRED)
find_library(DAVIT_ZSTD zstd REQUIRED)
add_dependencies(davit_with_curl static_curl)
target_compile_definitions(davit_with_curl INTERFACE CURL_STATICLIB)
target_include_directories(davit_with_curl SYSTEM INTERFACE ${curl_folder}/include)
target_link_libraries(davit_with_curl INTERFACE ${curl_folder}/lib/libcurl.a OpenSSL::SSL OpenSSL::Crypto
    davit_with_cares ${DAVIT_ZLIB} ${DAVIT_ZSTD})
