// SPDX-License-Identifier: Apache-2.0
// Numbers, choices and booleans that were written with `${...}` are kept as they were written, with their path.
#include "made_up_files.h"

#include "support/catch.h"

namespace davit::config {

using Values = std::vector<model::WrittenValue>;

TEST_CASE("every kind of value that is no text keeps what was written", "[written_values]") {
    LoadResult result = load_text(R"(
app: ${APP}
terminationGracePeriodSeconds: ${T}
services:
  web:
    command: ["${CMD}"]
    main: ${YES}
    dependsOn: ["${DEP}"]
    env: {A: "${APP}"}
    workingDir: /${APP}
    restartPolicy: ${POLICY}
    backoff: {factor: "${TWO}", limit: 3}
    successExitCodes: ["${TWO}", 0]
    stopSignal: "${SIG}"
    readinessProbe: {httpGet: {port: "${PORT}", path: "/${APP}", scheme: "${SCHEME}"}, periodSeconds: 2}
  db: {command: x, enabled: "${YES}", successExitCodes: "${TWO}", dependsOn: {log: {condition: "${COND}"}}}
  log: {command: y}
lifecycle:
  online: {http: {url: "http://${APP}/", method: "${METHOD}"}, attempts: "${TWO}"}
  offline: [{sleep: {seconds: 1}}, {sleep: {seconds: "${TWO}"}}]
  drain: {ports: ["${PORT}"], maxSeconds: "${TWO}", minSeconds: 0}
)",
                                  {{"APP", "shop"},
                                   {"T", "50"},
                                   {"CMD", "java"},
                                   {"YES", "true"},
                                   {"DEP", "db"},
                                   {"POLICY", "Never"},
                                   {"TWO", "2"},
                                   {"SIG", "INT"},
                                   {"PORT", "8080"},
                                   {"SCHEME", "HTTPS"},
                                   {"COND", "started"},
                                   {"METHOD", "PUT"}});

    CHECK(lines_of(result.problems).empty());
    CHECK(result.pod.written_values == Values{{"app", "${APP}"},
                                              {"terminationGracePeriodSeconds", "${T}"},
                                              {"services.web.main", "${YES}"},
                                              {"services.web.dependsOn.db", "${DEP}"},
                                              {"services.web.restartPolicy", "${POLICY}"},
                                              {"services.web.backoff.factor", "${TWO}"},
                                              {"services.web.successExitCodes[0]", "${TWO}"},
                                              {"services.web.stopSignal", "${SIG}"},
                                              {"services.web.readinessProbe.httpGet.port", "${PORT}"},
                                              {"services.web.readinessProbe.httpGet.scheme", "${SCHEME}"},
                                              {"services.db.enabled", "${YES}"},
                                              {"services.db.successExitCodes[0]", "${TWO}"},
                                              {"services.db.dependsOn.log.condition", "${COND}"},
                                              {"lifecycle.online[0].http.method", "${METHOD}"},
                                              {"lifecycle.online[0].attempts", "${TWO}"},
                                              {"lifecycle.offline[1].sleep.seconds", "${TWO}"},
                                              {"lifecycle.drain.ports[0]", "${PORT}"},
                                              {"lifecycle.drain.maxSeconds", "${TWO}"}});
}

TEST_CASE("a value that this machine lacks is kept as well", "[written_values]") {
    LoadResult result = load_text("services: {m: {command: x, terminationGracePeriodSeconds: \"${T}\"}}");
    CHECK(result.pod.written_values == Values{{"services.m.terminationGracePeriodSeconds", "${T}"}});
}

TEST_CASE("plain values, and texts, are not among them", "[written_values]") {
    CHECK(load_text("services: {m: {command: \"x ${A:-b}\", critical: true, env: {A: \"$$\"}}}")
              .pod.written_values.empty());
}

} // namespace davit::config
