// SPDX-License-Identifier: Apache-2.0
// What a resize of the container means for the pod: who is told, when, and what is kept in the journal.
#include "pod_bench.h"
#include "support/catch.h"

#include <csignal>

namespace davit::model {
namespace {

using namespace davit::test;
using Orders = std::vector<std::string>;

constexpr ServiceIndex web = 1;

/// A helper `web`, which wants to hear of a resize.
PodBench bench_with_web(std::optional<ProbeSpec> startup = std::nullopt) {
    PodBench bench;
    ServiceSpec service = helper("web");
    service.cpus.on_change = SIGHUP;
    service.startup_probe = std::move(startup);
    bench.with(std::move(service));
    bench.service("main").depends_on.clear();
    return bench;
}

CpusChanged resize(int from, int to, std::vector<CpuNotice> services = {}) {
    return {.from = from, .to = to, .reason = "quota 1 of /sys/fs/cgroup/cpu.max", .services = std::move(services)};
}

CpuNotice notice(int from, int to, unsigned attempt = 1) {
    return {.service = web, .attempt = attempt, .from = from, .to = to};
}

} // namespace

TEST_CASE("a running service whose count changed gets its signal, and both changes are told", "[resize]") {
    PodBench bench = bench_with_web();
    bench.begin();
    bench.launched("web");
    bench.take_orders();

    bench.event(resize(2, 1, {notice(2, 1)}));

    CHECK(bench.take_orders() == Orders{"web: SignalLeader{HUP}",
                                        "pod cpus 2 -> cpus 1: quota 1 of /sys/fs/cgroup/cpu.max",
                                        "web cpus 2 -> cpus 1: HUP sent"});
    CHECK(bench.pod().cpu_notices.empty());
}

TEST_CASE("a service that does not want to know is left alone", "[resize]") {
    PodBench bench = bench_with_web();
    bench.service("web").cpus.on_change.reset();
    bench.begin();
    bench.launched("web");
    bench.take_orders();

    bench.event(resize(2, 1, {notice(2, 1)}));

    CHECK(bench.take_orders() == Orders{"pod cpus 2 -> cpus 1: quota 1 of /sys/fs/cgroup/cpu.max"});
    CHECK(bench.pod().cpu_notices.empty());
}

TEST_CASE("a service whose own count did not change is left alone", "[resize]") {
    PodBench bench = bench_with_web();
    bench.begin();
    bench.launched("web");
    bench.take_orders();

    bench.event(resize(2, 1));

    CHECK(bench.take_orders() == Orders{"pod cpus 2 -> cpus 1: quota 1 of /sys/fs/cgroup/cpu.max"});
}

TEST_CASE("a service whose own count changed hears of it where the pod's stayed", "[resize]") {
    PodBench bench = bench_with_web();
    bench.begin();
    bench.launched("web");
    bench.take_orders();

    bench.event(resize(2, 2, {notice(1, 2)}));

    CHECK(bench.take_orders() == Orders{"web: SignalLeader{HUP}", "web cpus 1 -> cpus 2: HUP sent"});
}

TEST_CASE("a service that still starts hears of a resize when it runs", "[resize]") {
    PodBench bench = bench_with_web(tcp_probe());
    bench.begin();
    bench.launched("web");
    bench.take_orders();

    bench.event(resize(2, 1, {notice(2, 1)}));
    CHECK(bench.count_orders("SignalLeader") == 0);

    bench.checked("web", ProbeKind::startup, CheckOutcome::good);
    CHECK(bench.count_orders("web: SignalLeader{HUP}") == 1);
    CHECK(bench.count_orders("web cpus 2 -> cpus 1: HUP sent") == 1);
}

TEST_CASE("two resizes while a service starts are one, and there and back is none", "[resize]") {
    PodBench bench = bench_with_web(tcp_probe());
    bench.begin();
    bench.launched("web");
    bench.event(resize(4, 2, {notice(4, 2)}));
    bench.event(resize(2, 1, {notice(2, 1)}));

    SECTION("one") {
        bench.checked("web", ProbeKind::startup, CheckOutcome::good);
        CHECK(bench.count_orders("web cpus 4 -> cpus 1: HUP sent") == 1);
        CHECK(bench.count_orders("SignalLeader") == 1);
    }
    SECTION("there and back") {
        bench.event(resize(1, 4, {notice(1, 4)}));
        bench.checked("web", ProbeKind::startup, CheckOutcome::good);
        CHECK(bench.count_orders("SignalLeader") == 0);
    }
}

TEST_CASE("a notice about an earlier attempt is dropped", "[resize]") {
    PodBench bench = bench_with_web();
    bench.service("web").restart_policy = RestartPolicy::always;
    bench.begin();
    bench.launched("web");
    bench.exited("web", exited_with(1));
    bench.until(1s);
    bench.launched("web");
    bench.take_orders();

    bench.event(resize(2, 1, {notice(2, 1, 1)}));

    CHECK(bench.count_orders("SignalLeader") == 0);
    CHECK(bench.pod().cpu_notices.empty());
}

TEST_CASE("a service that stops is not told", "[resize]") {
    PodBench bench = bench_with_web();
    bench.begin();
    bench.launched("web");
    bench.ask(1, Verb::stop, {"web"});
    REQUIRE(bench.state("web") == "stopping");
    bench.take_orders();

    bench.event(resize(2, 1, {notice(2, 1)}));

    CHECK(bench.take_orders() == Orders{"pod cpus 2 -> cpus 1: quota 1 of /sys/fs/cgroup/cpu.max"});
    CHECK(bench.pod().cpu_notices.empty());
}

TEST_CASE("a service that ends while it starts takes its notice along", "[resize]") {
    PodBench bench = bench_with_web(tcp_probe());
    bench.begin();
    bench.launched("web");
    bench.event(resize(2, 1, {notice(2, 1)}));
    REQUIRE(bench.pod().cpu_notices.size() == 1);

    bench.exited("web", exited_with(0));

    CHECK(bench.pod().cpu_notices.empty());
    CHECK(bench.count_orders("SignalLeader") == 0);
}

} // namespace davit::model
