// SPDX-License-Identifier: Apache-2.0
// The shape of `status` is the contract's; events and probes say what is.
#include "api/status.h"
#include "made_up_supervisor.h"

#include "support/catch.h"

#include <boost/json.hpp>
#include <csignal>

namespace davit::api {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

struct Shop {
    MadeUpWorld world;

    Shop() { make_shop_online(world); }

    View view() const {
        return {.spec = world.spec,
                .pod = world.pod,
                .journal = world.journal,
                .now = TimePoint{112500ms},
                .cpus = 2,
                .wall_clock =
                    [](TimePoint moment) {
                        return "T" + std::to_string(
                                         std::chrono::floor<std::chrono::seconds>(moment.time_since_epoch()).count());
                    },
                .last_output = [this](model::ServiceIndex, std::size_t) { return world.output; }};
    }

    json::object service(std::size_t index) const {
        return json::parse(status_json(view(), {}, Detail::plain)).at("services").at(index).as_object();
    }
};

TEST_CASE("status has exactly the members of the contract, in its order", "[status]") {
    const Shop shop;
    CHECK(
        status_json(shop.view(), {1}, Detail::plain) ==
        R"({"app": "shop", "mode": "normal", "phase": "online", "ready": true, "live": true, "isolated": false, )"
        R"("since": "T105", "cpus": 2, "services": [{"name": "mesh", "main": false, "state": "running", "ready": true, )"
        R"("pid": 18, "uptimeSeconds": 12.5, "restarts": 0, "lastExit": null, )"
        R"("why": "ready: GET http://127.0.0.1:15021/ready 200"}]})"
        "\n");
}

TEST_CASE("status names all services in the order of the configuration", "[status]") {
    const Shop shop;
    const json::value status = json::parse(status_json(shop.view(), {}, Detail::plain));
    REQUIRE(status.at("services").as_array().size() == 3);
    CHECK(status.at("services").at(0).at("name") == "log-agent");
    CHECK(status.at("services").at(2).at("main") == true);
}

TEST_CASE("a service without a process has neither pid nor uptime", "[status]") {
    Shop shop;
    auto& mesh = shop.world.pod.services[1];
    mesh.state = model::ServiceState::backoff;
    mesh.process = model::Process::none;
    mesh.pid = 0;
    mesh.restarts = 3;
    const json::object service = shop.service(1);
    CHECK(service.at("pid").is_null());
    CHECK(service.at("uptimeSeconds").is_null());
    CHECK(service.at("ready") == false);
    CHECK(service.at("restarts") == 3);
}

TEST_CASE("the last exit is a code or a signal, with its time", "[status]") {
    Shop shop;
    auto& mesh = shop.world.pod.services[1];
    mesh.state = model::ServiceState::stopped;
    mesh.since = TimePoint{110s};

    SECTION("a code") {
        mesh.last_exit = model::exited_with(3);
        CHECK(json::serialize(shop.service(1).at("lastExit")) == R"({"code":3,"at":"T110"})");
    }
    SECTION("a signal") {
        mesh.last_exit = model::ExitStatus{.signal = SIGKILL, .out_of_memory = true};
        CHECK(json::serialize(shop.service(1).at("lastExit")) == R"({"signal":"KILL","oom":true,"at":"T110"})");
    }
    SECTION("of one that runs again the journal knows when") {
        mesh.state = model::ServiceState::running;
        mesh.last_exit = model::exited_with(1);
        CHECK(shop.service(1).at("lastExit").at("at").is_null());
        shop.world.journal.add({.at = TimePoint{101s}, .service = "mesh", .from = "running", .to = "backoff"});
        shop.world.journal.add({.at = TimePoint{108s}, .service = "web", .from = "running", .to = "failed"});
        shop.world.journal.add({.at = TimePoint{109s}, .service = "mesh", .from = "backoff", .to = "blocked"});
        CHECK(shop.service(1).at("lastExit").at("at") == "T101");
    }
}

TEST_CASE("held and failed services show their last output, others do not", "[status]") {
    Shop shop;
    shop.world.output = {"first", "bad \xff byte"};
    const auto state = GENERATE(model::ServiceState::held, model::ServiceState::failed);
    shop.world.pod.services[0].state = state;
    CHECK(shop.service(0).at("lastOutput").as_array().size() == 2);
    CHECK(shop.service(0).at("lastOutput").at(0) == "first");
    CHECK_FALSE(shop.service(1).contains("lastOutput"));
}

TEST_CASE("an explained status has the pod's why and advice", "[status]") {
    Shop shop;
    shop.world.pod.lifecycle.phase = model::Phase::failed;
    shop.world.pod.lifecycle.failure.text = "online step failed: exit code 1";
    const json::value status = json::parse(status_json(shop.view(), {}, Detail::explained));
    CHECK(status.at("why") == "failed: online step failed: exit code 1");
    CHECK(status.at("advice").as_string().find("davit online") != json::string::npos);
    CHECK(status.at("services").at(0).as_object().contains("advice"));
}

TEST_CASE("events are lines, oldest first; those of the pod have no service", "[status]") {
    Shop shop;
    shop.world.journal.add(
        {.at = TimePoint{1s}, .service = "", .from = "starting", .to = "preloading", .reason = "web runs"});
    shop.world.journal.add(
        {.at = TimePoint{2s}, .service = "web", .from = "running", .to = "backoff", .reason = "exit code 3"});
    CHECK(
        events_json(shop.view()) ==
        R"({"number": 1, "time": "T1", "service": null, "from": "starting", "to": "preloading", "reason": "web runs"})"
        "\n"
        R"({"number": 2, "time": "T2", "service": "web", "from": "running", "to": "backoff", "reason": "exit code 3"})"
        "\n");
}

TEST_CASE("ready is yes while online and every readiness is good", "[status]") {
    Shop shop;
    CHECK(answer_probe(shop.view(), ProbeQuestion::ready).yes);
    shop.world.pod.services[1].readiness.tracker.good = false;
    shop.world.pod.services[1].readiness.last_message = "GET http://127.0.0.1:15021/ready 503";
    const ProbeAnswer no = answer_probe(shop.view(), ProbeQuestion::ready);
    CHECK_FALSE(no.yes);
    CHECK(no.line.contains("GET http://127.0.0.1:15021/ready 503"));
}

TEST_CASE("startup is no before online succeeded, live is always yes", "[status]") {
    Shop shop;
    shop.world.pod.lifecycle.phase = model::Phase::starting;
    CHECK_FALSE(answer_probe(shop.view(), ProbeQuestion::startup).yes);
    CHECK(answer_probe(shop.view(), ProbeQuestion::live).yes);
    shop.world.pod.lifecycle.online_ever = true;
    CHECK(answer_probe(shop.view(), ProbeQuestion::startup).yes);
}

TEST_CASE("a probe answers with one line of at most 1 KiB", "[status]") {
    Shop shop;
    shop.world.pod.services[1].readiness.tracker.good = false;
    shop.world.pod.services[1].readiness.last_message = "two\nlines " + std::string(5000, 'x');
    const ProbeAnswer answer = answer_probe(shop.view(), ProbeQuestion::ready);
    CHECK(answer.line.size() < 1024);
    CHECK_FALSE(answer.line.contains('\n'));
}

} // namespace
} // namespace davit::api
