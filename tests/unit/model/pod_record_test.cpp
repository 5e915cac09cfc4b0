// SPDX-License-Identifier: Apache-2.0
#include "model/pod_record.h"

#include "support/catch.h"

using namespace davit;
using namespace davit::model;

namespace {

const RecordOwner shop{.app = "shop", .host = "shop-7"};

std::string problem_of(const std::string& text, const RecordOwner& owner = shop) {
    const auto record = read_record(text, owner);
    return record ? "none" : record.error().text;
}

std::string replaced(std::string text, std::string_view old, std::string_view now) {
    return text.replace(text.find(old), old.size(), now);
}

} // namespace

TEST_CASE("a record is a text that a person can read", "[pod_record]") {
    CHECK(record_text({.online_owed = 3, .isolated = true, .isolated_because = "by hand"}, shop) ==
          "davit state 1\napp shop\nhost shop-7\nonline 3\nisolated by hand\nsum bbbf49b69291cb51\n");
}

TEST_CASE("what was written is read", "[pod_record]") {
    for (const PodRecord& record :
         {PodRecord{}, PodRecord{.online_owed = 4000000000U, .isolated = false, .isolated_because = {}},
          PodRecord{.online_owed = 0, .isolated = true, .isolated_because = "leaks: see é"},
          PodRecord{.online_owed = 2, .isolated = true, .isolated_because = ""}}) {
        CHECK(read_record(record_text(record, shop), shop) == record);
    }
}

TEST_CASE("a reason of several lines becomes one", "[pod_record]") {
    const PodRecord record{.online_owed = 0, .isolated = true, .isolated_because = "a\nsum 1\nonline 7"};
    const auto read = read_record(record_text(record, shop), shop);
    CHECK(read == PodRecord{.online_owed = 0, .isolated = true, .isolated_because = "a sum 1 online 7"});
}

TEST_CASE("no record is longer than its reader takes", "[pod_record]") {
    const std::string much(100'000, 'x');
    const std::string text =
        record_text({.online_owed = 1, .isolated = true, .isolated_because = much}, {.app = much, .host = much});
    CHECK(text.size() <= longest_record);
    CHECK(read_record(text, {.app = much, .host = much}).has_value());
}

TEST_CASE("a record that was cut anywhere is not believed", "[pod_record]") {
    const std::string whole = record_text({.online_owed = 1, .isolated = true, .isolated_because = "x"}, shop);
    for (std::size_t length = 0; length < whole.size(); ++length) {
        CHECK_FALSE(read_record(whole.substr(0, length), shop).has_value());
    }
    CHECK(problem_of(whole.substr(0, 30)) == "is torn, or no state of davit");
    CHECK(problem_of(whole + "x") == "is torn, or no state of davit");
    CHECK(problem_of(replaced(whole, "online 1", "online 0")) == "is torn, or no state of davit");
}

TEST_CASE("what another wrote is not taken, and it says whose it is", "[pod_record]") {
    const std::string text = record_text({.online_owed = 1, .isolated = false, .isolated_because = {}}, shop);
    CHECK(problem_of(text, {.app = "shop", .host = "shop-8"}) == "is of shop on shop-7");
    CHECK(problem_of(text, {.app = "till", .host = "shop-7"}) == "is of shop on shop-7");
    CHECK(problem_of(replaced(text, "state 1", "state 2")) == "is of another davit (davit state 2)");
    CHECK(problem_of("") == "is torn, or no state of davit");
    CHECK(problem_of(std::string(5000, '\0')) == "is torn, or no state of davit");
    CHECK(problem_of("davit state 1\nsum cbf29ce484222325\n") == "is torn, or no state of davit");
}
