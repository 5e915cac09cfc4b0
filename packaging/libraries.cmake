# SPDX-License-Identifier: Apache-2.0
# The libraries davit takes from Debian, one target each, named davit_with_NAME. A room links only those it uses.
# With DAVIT_STATIC the archives are taken instead of the shared objects.
if(DAVIT_STATIC)
    set(CMAKE_FIND_LIBRARY_SUFFIXES .a)
    set(OPENSSL_USE_STATIC_LIBS ON)
endif()

# Asio, Process v2, Beast and JSON: headers only. One thread runs everything, so Asio needs no locks.
find_package(Boost 1.81 REQUIRED CONFIG)
add_library(davit_with_boost INTERFACE)
target_link_libraries(davit_with_boost INTERFACE Boost::headers)
target_compile_definitions(davit_with_boost INTERFACE
    BOOST_PROCESS_USE_STD_FS BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_THREADS BOOST_ERROR_CODE_HEADER_ONLY)

find_library(DAVIT_YAML_CPP yaml-cpp REQUIRED)
add_library(davit_with_yaml_cpp INTERFACE)
target_link_libraries(davit_with_yaml_cpp INTERFACE ${DAVIT_YAML_CPP})

find_library(DAVIT_CARES cares REQUIRED)
add_library(davit_with_cares INTERFACE)
target_link_libraries(davit_with_cares INTERFACE ${DAVIT_CARES})

add_library(davit_with_curl INTERFACE)
if(DAVIT_STATIC)
    include(packaging/static_curl.cmake)
else()
    find_package(CURL REQUIRED)
    target_link_libraries(davit_with_curl INTERFACE CURL::libcurl)
endif()
