// SPDX-License-Identifier: Apache-2.0
// Keys in a file of the downward API: as the kubelet writes it, as a person may, and what only looks alike.
#include "model/downward_api.h"

#include "support/catch.h"

using davit::model::has_key;

TEST_CASE("a key is there with any value, on any line", "[downward_api]") {
    const std::string labels = "app=\"shop\"\ndavit.io/isolated=\"\"\npod-template-hash=\"7d\"";
    CHECK(has_key(labels, "app"));
    CHECK(has_key(labels, "davit.io/isolated"));
    CHECK(has_key(labels, "pod-template-hash"));
    CHECK(has_key("isolated\n", "isolated"));
    CHECK(has_key("a=1\r\nisolated=1\r\n", "isolated"));
}

TEST_CASE("a longer key, a value or an empty file is not the key", "[downward_api]") {
    CHECK_FALSE(has_key("isolated-by=\"me\"\n", "isolated"));
    CHECK_FALSE(has_key("x-isolated=\"me\"\n", "isolated"));
    CHECK_FALSE(has_key("note=\"isolated=\"\n", "isolated"));
    CHECK_FALSE(has_key("", "isolated"));
    CHECK_FALSE(has_key("\n\n", "isolated"));
}

TEST_CASE("a line break inside a value is quoted, so no value looks like a key", "[downward_api]") {
    CHECK_FALSE(has_key("note=\"a\\nisolated=\\\"1\\\"\"\n", "isolated"));
}
