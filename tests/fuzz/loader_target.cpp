// SPDX-License-Identifier: Apache-2.0
// One file of configuration: from text to a specification, or to problems that point into the file.
#include "loading.h"
#include "target.h"

void davit::fuzz::run(std::string_view input) {
    load_twice({{"/c/a.yaml", std::string{input}}});
}
