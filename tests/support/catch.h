// SPDX-License-Identifier: Apache-2.0
// The one way to Catch2: hides that Debian 12 has version 2 (one header) and Debian 13 version 3 (a library).
// Tests use what both know: TEST_CASE, SECTION, GENERATE, CHECK, REQUIRE, INFO, Catch::Matchers.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
