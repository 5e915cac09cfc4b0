// SPDX-License-Identifier: Apache-2.0
// Who is started again, and after how long.
#include "model/restart_policy.h"

#include "support/catch.h"

#include <limits>

namespace davit::model {
namespace {

constexpr BackoffSpec by_default{};

} // namespace

TEST_CASE("Always restarts after every end, OnFailure after a failure, Never never", "[restart_policy]") {
    CHECK(should_restart(RestartPolicy::always, Outcome::success));
    CHECK(should_restart(RestartPolicy::always, Outcome::failure));
    CHECK_FALSE(should_restart(RestartPolicy::on_failure, Outcome::success));
    CHECK(should_restart(RestartPolicy::on_failure, Outcome::failure));
    CHECK_FALSE(should_restart(RestartPolicy::never, Outcome::success));
    CHECK_FALSE(should_restart(RestartPolicy::never, Outcome::failure));
}

TEST_CASE("the delay grows by the factor from the first restart on, up to the maximum", "[restart_policy]") {
    CHECK(backoff_delay(1, by_default) == 500ms);
    CHECK(backoff_delay(2, by_default) == 1s);
    CHECK(backoff_delay(3, by_default) == 2s);
    CHECK(backoff_delay(6, by_default) == 16s);
    CHECK(backoff_delay(7, by_default) == 30s);
    CHECK(backoff_delay(8, by_default) == 30s);
}

TEST_CASE("restart number 0 waits as the first does", "[restart_policy]") {
    CHECK(backoff_delay(0, by_default) == 500ms);
}

TEST_CASE("a factor of 1 keeps the delay, one with a fraction is taken as it is", "[restart_policy]") {
    CHECK(backoff_delay(9, BackoffSpec{.initial = 3s, .factor = 1}) == 3s);
    CHECK(backoff_delay(2, BackoffSpec{.initial = 2s, .factor = 1.5}) == 3s);
}

TEST_CASE("an initial delay above the maximum is the maximum", "[restart_policy]") {
    CHECK(backoff_delay(1, BackoffSpec{.initial = 10s, .max = 4s}) == 4s);
}

TEST_CASE("the delay never leaves the range, however often a service failed", "[restart_policy]") {
    const auto restart = GENERATE(64U, 1000U, 5000U, std::numeric_limits<unsigned>::max());

    CHECK(backoff_delay(restart, by_default) == 30s);
    CHECK(backoff_delay(restart, BackoffSpec{.factor = 1000}) == 30s);
    CHECK(backoff_delay(restart, BackoffSpec{.initial = 0s}) == 0s);
    CHECK(backoff_delay(restart, BackoffSpec{.max = 0s}) == 0s);
}

TEST_CASE("jitter takes off up to a tenth and never adds", "[restart_policy]") {
    CHECK(with_jitter(10s, 0) == 10s);
    CHECK(with_jitter(10s, 0.5) == 9500ms);
    CHECK(with_jitter(10s, 1) == 9s);
    CHECK(with_jitter(0s, 0.7) == 0s);
}

TEST_CASE("dice that fall outside of 0 to 1 are taken as its ends", "[restart_policy]") {
    CHECK(with_jitter(10s, -3) == 10s);
    CHECK(with_jitter(10s, 7) == 9s);
}

} // namespace davit::model
