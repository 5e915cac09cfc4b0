// SPDX-License-Identifier: Apache-2.0
// Two layers of configuration, divided by a line of ====.
#include "loading.h"
#include "target.h"

namespace {

/// What a specification says, without the places of what was written.
bool is_same(const davit::config::LoadResult& one, const davit::config::LoadResult& other) {
    return one.pod == other.pod;
}

bool is_good(const davit::config::LoadResult& result) {
    return !davit::config::has_error(result, davit::config::Purpose::run);
}

} // namespace

void davit::fuzz::run(std::string_view input) {
    constexpr std::string_view border = "\n====\n";
    const std::size_t end = input.find(border);
    const std::string first{input.substr(0, end)};
    const std::string second{end == std::string_view::npos ? std::string_view{} : input.substr(end + border.size())};
    load({{"/c/1.yaml", first}, {"/c/2.yaml", second}});

    // Each load is most of the time; what is not tried here is tried with one of the next inputs.
    if (input.size() % 2 == 0) {
        return;
    }
    const config::LoadResult alone = load({{"/c/1.yaml", first}});
    if (!is_good(alone)) {
        return;
    }
    demand(is_same(alone, load({{"/c/1.yaml", first}, {"/c/2.yaml", "# nothing\n"}})),
           "an empty layer changes nothing");
    demand(is_same(alone, load({{"/c/1.yaml", first}, {"/c/2.yaml", first}})), "a layer over itself changes nothing");
}
