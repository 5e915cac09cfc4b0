// SPDX-License-Identifier: Apache-2.0
// Which request means what, and what everything else is answered with.
#include "api/router.h"
#include "made_up_supervisor.h"

#include "support/catch.h"

#include <csignal>

namespace davit::api {
namespace {

using namespace std::chrono_literals;
using model::Verb;

model::PodSpec shop() {
    MadeUpWorld world;
    make_shop_online(world);
    return world.spec;
}

Call get(std::string_view target) {
    return route(shop(), {.method = "GET", .target = target, .body = ""});
}

Call post(std::string_view target, std::string_view body = "") {
    return route(shop(), {.method = "POST", .target = target, .body = body});
}

template <typename T>
T as(const Call& call) {
    REQUIRE(std::holds_alternative<T>(call));
    return std::get<T>(call);
}

model::Request request_of(const Call& call) {
    return as<VerbCall>(call).request;
}

TEST_CASE("status is of all services, or of those that are named", "[router]") {
    CHECK(as<StatusCall>(get("/v1/status")).services.empty());
    CHECK(as<StatusCall>(get("/v1/status")).detail == Detail::plain);
    CHECK(as<StatusCall>(get("/v1/status?service=web&service=mesh")).services ==
          std::vector<model::ServiceIndex>{2, 1});
    CHECK(as<StatusCall>(get("/v1/status?explain&service=log%2Dagent")).detail == Detail::explained);
}

TEST_CASE("an unknown service is 404 and names the nearest", "[router]") {
    const auto refusal = as<Refusal>(get("/v1/status?service=wbe"));
    CHECK(refusal.status == 404);
    CHECK(refusal.error == "unknown service \"wbe\" (did you mean \"web\"?)");
    CHECK(as<Refusal>(post("/v1/services/mehs/start")).status == 404);
    CHECK(as<Refusal>(post("/v1/wait", R"({"service": "nobody"})")).status == 404);
}

TEST_CASE("env is of one service, and shows values only to those who ask for them", "[router]") {
    CHECK(as<EnvCall>(get("/v1/services/web/env")).service == 2);
    CHECK(as<EnvCall>(get("/v1/services/web/env")).values == EnvValues::masked);
    CHECK(as<EnvCall>(get("/v1/services/web/env?reveal=0")).values == EnvValues::masked);
    CHECK(as<EnvCall>(get("/v1/services/log-agent/env?reveal=1")).values == EnvValues::revealed);
    CHECK(as<EnvCall>(get("/v1/services/web/env?reveal")).values == EnvValues::revealed);
    CHECK(as<Refusal>(get("/v1/services/web/env?reveal=some")).error == "reveal: expected 1 or 0, found \"some\"");
    CHECK(as<Refusal>(get("/v1/services/web/env?show=1")).status == 400);
    CHECK(as<Refusal>(get("/v1/services/wbe/env")).error == "unknown service \"wbe\" (did you mean \"web\"?)");
    model::PodSpec with_disabled = shop();
    with_disabled.services[1].enabled = false;
    CHECK(as<Refusal>(route(with_disabled, {.method = "GET", .target = "/v1/services/mesh/env", .body = ""})).error ==
          "mesh is not enabled");
    CHECK(as<Refusal>(post("/v1/services/web/env")).status == 405);
    CHECK(as<Refusal>(post("/v1/services/web/env")).allow == "GET");
}

TEST_CASE("the probe addresses ask three questions", "[router]") {
    CHECK(as<ProbeCall>(get("/livez")).question == ProbeQuestion::live);
    CHECK(as<ProbeCall>(get("/readyz")).question == ProbeQuestion::ready);
    CHECK(as<ProbeCall>(get("/startupz")).question == ProbeQuestion::startup);
    CHECK(as<ProbeCall>(get("/readyz?verbose")).question == ProbeQuestion::ready);
    CHECK(std::holds_alternative<EventsCall>(get("/v1/events")));
}

TEST_CASE("logs are asked for by service, number of lines and whether to follow", "[router]") {
    // Of the shop: log-agent and mesh are kept, web is main and raw.
    const auto all = as<LogsCall>(get("/v1/logs"));
    CHECK(all.services == std::vector<model::ServiceIndex>{0, 1});
    CHECK(all.newest == std::nullopt);
    CHECK_FALSE(all.follows);
    const auto some = as<LogsCall>(get("/v1/logs?service=mesh&service=log-agent&n=7&follow=true"));
    CHECK(some.services == std::vector<model::ServiceIndex>{1, 0});
    CHECK(some.newest == 7U);
    CHECK(some.follows);
    CHECK(as<LogsCall>(get("/v1/logs?n=all")).newest == std::nullopt);
    CHECK(as<LogsCall>(get("/v1/logs?service=mesh,web")).services == std::vector<model::ServiceIndex>{1, 2});
    CHECK(as<Refusal>(get("/v1/logs?service=web")).status == 409);
    CHECK(as<Refusal>(get("/v1/logs?service=web")).error ==
          "web writes to the container's log itself (logs: raw): see kubectl logs");
    CHECK(as<Refusal>(get("/v1/logs?service=mseh")).status == 404);
    CHECK(as<Refusal>(get("/v1/logs?n=-1")).error == "n: expected a number of lines or all, found \"-1\"");
    CHECK(as<Refusal>(get("/v1/logs?lines=3")).error ==
          "there are the parameters service, n (a number or all) and follow (true or false)");
    CHECK(as<Refusal>(post("/v1/logs")).status == 405);
}

TEST_CASE("the probe addresses and the metrics take GET and HEAD", "[router]") {
    for (const char* target : {"/livez", "/readyz", "/startupz", "/metrics"}) {
        INFO(target);
        CHECK_FALSE(std::holds_alternative<Refusal>(get(target)));
        CHECK_FALSE(std::holds_alternative<Refusal>(route(shop(), {.method = "HEAD", .target = target, .body = ""})));
        CHECK(as<Refusal>(post(target)).status == 405);
        CHECK(as<Refusal>(post(target)).allow == "GET, HEAD");
    }
    CHECK(std::holds_alternative<MetricsCall>(get("/metrics")));
    CHECK(as<Refusal>(route(shop(), {.method = "HEAD", .target = "/v1/status", .body = ""})).allow == "GET");
}

TEST_CASE("the status port knows the probe addresses and the metrics, and nothing else", "[router]") {
    const auto look = [](std::string_view method, std::string_view target) {
        return route_on_status_port({.method = method, .target = target, .body = ""});
    };
    CHECK(as<ProbeCall>(look("GET", "/livez")).question == ProbeQuestion::live);
    CHECK(as<ProbeCall>(look("HEAD", "/startupz?x=%20")).question == ProbeQuestion::startup);
    CHECK(std::holds_alternative<MetricsCall>(look("GET", "/metrics?format=text")));
    for (const char* target : {"/", "/v1/status", "/v1/events", "/v1/plan", "/v1/services/web/env", "/livez/",
                               "//livez", "/metrics%00", "/v1/reload"}) {
        INFO(target);
        CHECK(as<Refusal>(look("GET", target)).status >= 400);
    }
    CHECK(as<Refusal>(look("GET", "/")).status == 404);
    CHECK(as<Refusal>(look("POST", "/v1/lifecycle/prestop")).status == 404);
    for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "get"}) {
        INFO(method);
        CHECK(as<Refusal>(look(method, "/livez")).status == 405);
    }
}

TEST_CASE("poststart is told how long PID 1 waits, less what the client has waited", "[router]") {
    const auto usual = as<VerbCall>(post("/v1/lifecycle/poststart"));
    CHECK(usual.is_hook);
    CHECK(usual.request.verb == Verb::poststart);
    CHECK(usual.told_timeout == Duration{60s});
    CHECK(usual.request.timeout == Duration{60s});

    const auto late = as<VerbCall>(post("/v1/lifecycle/poststart", R"({"timeoutSeconds": 10, "waitedSeconds": 2.5})"));
    CHECK(late.told_timeout == Duration{10s});
    CHECK(late.request.timeout == Duration{7500ms});
    CHECK(request_of(post("/v1/lifecycle/poststart", R"({"timeoutSeconds": 1, "waitedSeconds": 5})")).timeout ==
          Duration{0s});
}

TEST_CASE("prestop is told the grace period less 2 s, at least 1 s", "[router]") {
    CHECK(as<VerbCall>(post("/v1/lifecycle/prestop")).told_timeout == Duration{28s});
    CHECK(as<VerbCall>(post("/v1/lifecycle/prestop")).is_hook);
    CHECK(as<VerbCall>(post("/v1/lifecycle/prestop", R"({"timeoutSeconds": 3})")).told_timeout == Duration{3s});
    model::PodSpec hasty = shop();
    hasty.grace = 2s;
    CHECK(prestop_timeout(hasty) == Duration{1s});
}

TEST_CASE("online and offline are verbs that are no hooks", "[router]") {
    CHECK(request_of(post("/v1/lifecycle/online")).verb == Verb::online);
    CHECK(request_of(post("/v1/lifecycle/offline")).verb == Verb::offline);
    CHECK(request_of(post("/v1/lifecycle/isolate")).verb == Verb::isolate);
    CHECK(request_of(post("/v1/lifecycle/rejoin")).verb == Verb::rejoin);
    CHECK_FALSE(as<VerbCall>(post("/v1/lifecycle/offline")).is_hook);
    CHECK_FALSE(as<VerbCall>(post("/v1/lifecycle/offline")).told_timeout.has_value());
}

TEST_CASE("services are one name, several with commas, or all that are enabled", "[router]") {
    CHECK(request_of(post("/v1/services/web/start")).services == std::vector<model::ServiceIndex>{2});
    CHECK(request_of(post("/v1/services/web,mesh,web/restart")).services == std::vector<model::ServiceIndex>{2, 1});
    model::PodSpec spec = shop();
    spec.services[1].enabled = false;
    const Call all = route(spec, {.method = "POST", .target = "/v1/services/all/stop", .body = ""});
    CHECK(request_of(all).services == std::vector<model::ServiceIndex>{0, 2});
}

TEST_CASE("options come in the body or in the query", "[router]") {
    const auto body = request_of(post("/v1/services/web/stop", R"({"cascade": true, "noWait": true})"));
    CHECK(body.cascade);
    CHECK(body.no_wait);
    const auto query = request_of(post("/v1/services/web/stop?cascade=true&noWait"));
    CHECK(query.cascade);
    CHECK(query.no_wait);
    CHECK_FALSE(request_of(post("/v1/services/web/stop?cascade=false")).cascade);
}

TEST_CASE("a signal has a name or a number", "[router]") {
    CHECK(request_of(post("/v1/services/web/signal", R"({"signal": "HUP"})")).signal == SIGHUP);
    CHECK(request_of(post("/v1/services/web/signal", R"({"signal": "SIGUSR1"})")).signal == SIGUSR1);
    CHECK(request_of(post("/v1/services/web/signal", R"({"signal": 10})")).signal == 10);
    CHECK(request_of(post("/v1/services/web/signal?signal=TERM")).signal == SIGTERM);
    CHECK(as<Refusal>(post("/v1/services/web/signal")).error.contains("signal"));
    CHECK(as<Refusal>(post("/v1/services/web/signal", R"({"signal": "NOPE"})")).status == 400);
    CHECK(as<Refusal>(post("/v1/services/web/signal", R"({"signal": 0})")).status == 400);
    CHECK(as<Refusal>(post("/v1/services/web/signal", R"({"signal": 65})")).status == 400);
}

TEST_CASE("wait is for one phase or one service", "[router]") {
    const auto phase = request_of(post("/v1/wait", R"({"phase": "going-online"})"));
    CHECK(phase.verb == Verb::wait_phase);
    CHECK(phase.phase == model::Phase::going_online);
    const auto service = request_of(get("/v1/wait?service=mesh"));
    CHECK(service.verb == Verb::wait_service);
    CHECK(service.services == std::vector<model::ServiceIndex>{1});
    CHECK(as<Refusal>(post("/v1/wait")).status == 400);
    CHECK(as<Refusal>(post("/v1/wait", R"({"phase": "online", "service": "web"})")).status == 400);
    CHECK(as<Refusal>(post("/v1/wait", R"({"phase": "nowhere"})")).status == 400);
}

TEST_CASE("a plan is JSON or YAML, a graph is text, ASCII or dot", "[router]") {
    CHECK(as<PlanCall>(get("/v1/plan")).format == PlanFormat::json);
    CHECK(as<PlanCall>(get("/v1/plan?format=yaml")).format == PlanFormat::yaml);
    CHECK(as<GraphCall>(get("/v1/graph")).format == GraphFormat::text);
    CHECK(as<GraphCall>(get("/v1/graph?format=ascii")).format == GraphFormat::ascii);
    CHECK(as<GraphCall>(get("/v1/graph?format=dot")).format == GraphFormat::dot);
    CHECK(as<Refusal>(get("/v1/plan?format=dot")).error == "there is the parameter format with one of json, yaml");
    CHECK(as<Refusal>(get("/v1/graph?form=dot")).error == "there is the parameter format with one of text, ascii, dot");
    CHECK(as<Refusal>(post("/v1/plan")).allow == "GET");
    CHECK(std::holds_alternative<CpusCall>(get("/v1/cpus")));
    CHECK(as<Refusal>(post("/v1/cpus")).allow == "GET");
    CHECK(std::holds_alternative<TimelineCall>(get("/v1/timeline")));
    CHECK(as<Refusal>(post("/v1/timeline")).allow == "GET");
}

TEST_CASE("a reload leaves main alone, waits and acts, unless it is told otherwise", "[router]") {
    const auto plain = as<ReloadCall>(post("/v1/reload"));
    CHECK(plain.request.verb == Verb::reload);
    CHECK(plain.request.main_restart == model::MainRestart::forbidden);
    CHECK_FALSE(plain.request.no_wait);
    CHECK_FALSE(plain.dry_run);
    const auto told = as<ReloadCall>(post("/v1/reload", R"({"main": true, "noWait": true, "dryRun": true})"));
    CHECK(told.request.main_restart == model::MainRestart::allowed);
    CHECK(told.request.no_wait);
    CHECK(told.dry_run);
    CHECK(as<ReloadCall>(post("/v1/reload?dryRun")).dry_run);
    CHECK(as<Refusal>(post("/v1/reload", R"({"cascade": true})")).error == "unknown member \"cascade\"");
    CHECK(as<Refusal>(get("/v1/reload")).allow == "POST");
}

TEST_CASE("a service that a reload removed is unknown", "[router]") {
    model::PodSpec spec = shop();
    spec.services[1].enabled = false;
    spec.services[1].removed = true;
    const auto refusal = as<Refusal>(route(spec, {.method = "POST", .target = "/v1/services/mehs/start", .body = ""}));
    CHECK(refusal.status == 404);
    CHECK(refusal.error == "unknown service \"mehs\"");
    CHECK(request_of(route(spec, {.method = "POST", .target = "/v1/services/all/stop", .body = ""})).services.size() ==
          2);
}

TEST_CASE("isolate takes a reason, which is one line of a bounded length", "[router]") {
    CHECK(request_of(post("/v1/lifecycle/isolate", R"({"reason": "full GC\nevery second"})")).reason ==
          "full GC every second");
    const std::string longest =
        request_of(post("/v1/lifecycle/isolate", R"({"reason": ")" + std::string(199, 'x') + "\u00e4\u00e4\"}")).reason;
    CHECK(longest == std::string(199, 'x')); // no half of a letter
    CHECK(as<Refusal>(post("/v1/lifecycle/rejoin", R"({"reason": "x"})")).status == 400);
}

TEST_CASE("bad input is 400 and says what is wrong", "[router]") {
    const char* body = GENERATE("{", "[]", "\"x\"", "{\"cascade\": }", "\xff");
    INFO(body);
    CHECK(as<Refusal>(post("/v1/services/web/stop", body)).status == 400);
    CHECK(as<Refusal>(post("/v1/services/web/stop", R"({"cascad": true})")).error ==
          "unknown member \"cascad\" (did you mean \"cascade\"?)");
    CHECK(as<Refusal>(post("/v1/services/web/start", R"({"cascade": true})")).status == 400);
    CHECK(as<Refusal>(post("/v1/services/web/stop", R"({"cascade": 3})")).status == 400);
    CHECK(as<Refusal>(post("/v1/lifecycle/prestop", R"({"timeoutSeconds": -1})")).status == 400);
    CHECK(as<Refusal>(post("/v1/lifecycle/prestop", R"({"timeoutSeconds": 1e99})")).status == 400);
    CHECK(as<Refusal>(get("/v1/status?sort=up")).status == 400);
    CHECK(as<Refusal>(get("/v1/status?service=%zz")).status == 400);
    CHECK(as<Refusal>(get("/v1/status%00")).status == 400);
}

TEST_CASE("an unknown route is 404", "[router]") {
    const char* target = GENERATE("/", "", "*", "/v1", "/v1/status/", "/v2/status", "/v1/services/web",
                                  "/v1/services/web/fly", "/v1/lifecycle/", "/v1/lifecycle/bunker");
    INFO(target);
    CHECK(as<Refusal>(get(target)).status == 404);
    CHECK(as<Refusal>(post(target)).status == 404);
}

TEST_CASE("a wrong method is 405 and says which are right", "[router]") {
    const auto status = as<Refusal>(post("/v1/status"));
    CHECK(status.status == 405);
    CHECK(status.allow == "GET");
    CHECK(as<Refusal>(get("/v1/lifecycle/prestop")).allow == "POST");
    CHECK(as<Refusal>(get("/v1/services/web/stop")).allow == "POST");
    const Call removed = route(shop(), {.method = "DELETE", .target = "/v1/wait", .body = ""});
    CHECK(as<Refusal>(removed).allow == "GET, POST");
}

} // namespace
} // namespace davit::api
