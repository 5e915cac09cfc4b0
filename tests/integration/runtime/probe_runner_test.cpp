// SPDX-License-Identifier: Apache-2.0
// One check of a probe and what is reported of it.
#include "runtime/probe_runner.h"

#include "integration/runtime/workshop.h"
#include "support/catch.h"

#include <boost/asio/ip/tcp.hpp>

#include <unistd.h>

namespace davit::test {
namespace {

namespace asio = boost::asio;

model::PodSpec pod_with(model::Check check, Duration timeout) {
    model::ServiceSpec web = service("web", "exit 0");
    web.readiness_probe = model::ProbeSpec{.check = std::move(check), .timeout = timeout};
    model::PodSpec pod;
    pod.services = {std::move(web)};
    return pod;
}

struct Probing {
    explicit Probing(model::PodSpec pod)
        : workshop(std::move(pod)), client(workshop.loop), runner(workshop.host, client) {}

    std::optional<model::CheckFinished> check_once() {
        runner.run(0, 1, model::ProbeKind::readiness);
        return workshop.next_service_fact<model::CheckFinished>();
    }

    Workshop workshop;
    os::HttpClient client;
    runtime::ProbeRunner runner;
};

} // namespace

TEST_CASE("an exec check is good with exit code 0, and its first line is told", "[probe_runner]") {
    Probing good{pod_with(model::ExecCheck{shell("echo fine; seq 100000")}, 30s)};
    const auto checked = good.check_once();
    REQUIRE(checked);
    CHECK(checked->outcome == model::CheckOutcome::good);
    CHECK(checked->message == "sh exit code 0: fine");

    Probing bad{pod_with(model::ExecCheck{shell("echo no route >&2; exit 4")}, 30s)};
    const auto failed = bad.check_once();
    REQUIRE(failed);
    CHECK(failed->outcome == model::CheckOutcome::bad);
    CHECK(failed->message == "sh exit code 4: no route");
}

TEST_CASE("an exec check that is out of time is killed with all that it started", "[probe_runner]") {
    Probing probing{pod_with(model::ExecCheck{shell("echo $$; sleep 1000 & sleep 1000; true")}, 500ms)};

    const auto checked = probing.check_once();

    REQUIRE(checked);
    CHECK(checked->outcome == model::CheckOutcome::timed_out);
    const std::string start = "sh timed out after 0.5 s: ";
    REQUIRE(checked->message.starts_with(start));
    const pid_t group = std::stoi(checked->message.substr(start.size()));
    CHECK(probing.workshop.run_until([&] { return !group_lives(group); }));
    CHECK(probing.workshop.host.task_leaders.empty());
}

TEST_CASE("a check whose background process holds its output is over with its leader", "[probe_runner]") {
    Probing probing{pod_with(model::ExecCheck{shell("sleep 1000 & echo done")}, 30s)};
    const auto checked = probing.check_once();
    REQUIRE(checked);
    CHECK(checked->message == "sh exit code 0: done");
}

TEST_CASE("a check that is cancelled is not reported and leaves nothing", "[probe_runner]") {
    Probing probing{pod_with(model::ExecCheck{shell("sleep 1000")}, 30s)};
    probing.runner.run(0, 1, model::ProbeKind::readiness);
    REQUIRE(probing.workshop.host.task_leaders.size() == 1);
    const pid_t leader = probing.workshop.host.task_leaders.front();

    probing.runner.cancel(0);

    CHECK(probing.workshop.run_until([&] { return !group_lives(leader); }));
    CHECK(probing.workshop.facts.empty());
}

TEST_CASE("a tcp check is good while somebody listens, on either localhost", "[probe_runner]") {
    asio::io_context other;
    asio::ip::tcp::acceptor listener{other, {asio::ip::address_v6::loopback(), 0}};
    const std::uint16_t port = listener.local_endpoint().port();
    Probing probing{pod_with(model::TcpCheck{.host = {}, .port = port}, 10s)};

    const auto good = probing.check_once();
    listener.close();
    const auto bad = probing.check_once();

    REQUIRE(good);
    REQUIRE(bad);
    CHECK(good->outcome == model::CheckOutcome::good);
    CHECK(bad->outcome == model::CheckOutcome::bad);
    CHECK(bad->message.ends_with("connection refused"));
}

TEST_CASE("an http check names its address as it was written", "[probe_runner]") {
    asio::io_context other;
    asio::ip::tcp::acceptor reserved{other, {asio::ip::address_v4::loopback(), 0}};
    const std::uint16_t port = reserved.local_endpoint().port();
    reserved.close();
    const model::HttpCheck check{.host = model::Text{"127.0.0.1"}, .port = port, .path = {"/secret", "/${TOKEN}"}};
    Probing probing{pod_with(check, 10s)};

    const auto checked = probing.check_once();

    REQUIRE(checked);
    CHECK(checked->outcome == model::CheckOutcome::bad);
    CHECK(checked->message.starts_with("GET http://127.0.0.1:" + std::to_string(port) + "/${TOKEN} "));
    CHECK(checked->message.find("secret") == std::string::npos);
}

TEST_CASE("a file check is good when the path is there, also through a link", "[probe_runner]") {
    const std::string name = "/tmp/davit-file-check-" + std::to_string(::getpid());
    Probing probing{pod_with(model::FileCheck{.path = {name, "/tmp/${NAME}"}}, 10s)};

    const auto missing = probing.check_once();
    REQUIRE(::symlink("/", name.c_str()) == 0);
    const auto linked = probing.check_once();
    ::unlink(name.c_str());
    REQUIRE(::symlink("/nowhere", name.c_str()) == 0);
    const auto dangling = probing.check_once();
    ::unlink(name.c_str());

    REQUIRE((missing && linked && dangling));
    CHECK(missing->outcome == model::CheckOutcome::bad);
    CHECK(missing->message == "file /tmp/${NAME} no such file or directory");
    CHECK(linked->outcome == model::CheckOutcome::good);
    CHECK(linked->message == "file /tmp/${NAME} is there");
    CHECK(dangling->outcome == model::CheckOutcome::bad);
}

TEST_CASE("a grpc check names its server and what it asked for, as written", "[probe_runner]") {
    asio::io_context other;
    asio::ip::tcp::acceptor reserved{other, {asio::ip::address_v4::loopback(), 0}};
    const std::uint16_t port = reserved.local_endpoint().port();
    const std::string number = std::to_string(port);
    Probing silent{pod_with(model::GrpcCheck{.host = {}, .port = port, .service = {"shop", "${NAME}"}}, 300ms)};
    const auto timed_out = silent.check_once();
    reserved.close();
    Probing closed{pod_with(model::GrpcCheck{.host = {"::1", "${HOST}"}, .port = port}, 10s)};
    const auto refused = closed.check_once();

    REQUIRE((timed_out && refused));
    CHECK(timed_out->outcome == model::CheckOutcome::timed_out);
    CHECK(timed_out->message == "grpc 127.0.0.1:" + number + " ${NAME} no answer within 0.3 s");
    CHECK(refused->outcome == model::CheckOutcome::bad);
    CHECK(refused->message == "grpc ${HOST}:" + number + " connection refused");
}

} // namespace davit::test
