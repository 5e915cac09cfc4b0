// SPDX-License-Identifier: Apache-2.0
// Commands as a user sees them: what is printed where, and the exit code.
#include "cli/cli.h"
#include "cli/commands.h"
#include "made_up_server.h"

#include "support/catch.h"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <unistd.h>

namespace davit::cli {
namespace {

using namespace std::chrono_literals;

/// Catches what is written to a descriptor while it lives.
class Caught {
public:
    explicit Caught(int descriptor) : descriptor_(descriptor), saved_(::dup(descriptor)), file_(std::tmpfile()) {
        ::dup2(::fileno(file_), descriptor_);
    }
    ~Caught() {
        ::dup2(saved_.get(), descriptor_);
        std::fclose(file_);
    }
    Caught(const Caught&) = delete;
    Caught& operator=(const Caught&) = delete;

    std::string text() const {
        std::string all(64 * 1024, '\0');
        const ssize_t size = ::pread(::fileno(file_), all.data(), all.size(), 0);
        all.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
        return all;
    }

private:
    int descriptor_;
    os::Fd saved_;
    std::FILE* file_;
};

std::map<std::string, std::string>& variables() {
    static std::map<std::string, std::string> all;
    return all;
}
std::string made_up_environment(const char* name) {
    return variables()[name];
}

struct Run {
    int code = -1;
    std::string out;
    std::string err;
};

Run run(int (*command)(const Arguments&, Environment), const Arguments& arguments) {
    Run result;
    {
        const Caught out{STDOUT_FILENO};
        const Caught err{STDERR_FILENO};
        result.code = command(arguments, made_up_environment);
        result.out = out.text();
        result.err = err.text();
    }
    return result;
}

Run run_line(std::vector<std::string> words) {
    Run result;
    std::vector<char*> argv;
    for (std::string& word : words) {
        argv.push_back(word.data());
    }
    {
        const Caught out{STDOUT_FILENO};
        const Caught err{STDERR_FILENO};
        result.code = run_client(static_cast<int>(argv.size()), argv.data());
        result.out = out.text();
        result.err = err.text();
    }
    return result;
}

Arguments of(Command command, std::vector<std::string> words, const std::string& place) {
    return {.command = command, .words = std::move(words), .socket = place, .timeout = 10s};
}

TEST_CASE("a hook prints progress as it comes and its message last", "[commands]") {
    MadeUpServer server{stream_answer({R"({"timeoutSeconds": 28.0})", R"({"progress": "phase draining"})",
                                       R"({"result": "done", "message": "main has stopped"})"}) +
                            stream_end,
                        Then::close};
    const Run hook = run(ask_verb, {.command = Command::prestop, .socket = server.place()});
    CHECK(hook.code == 0);
    CHECK(hook.out == "phase draining\nmain has stopped\n");
    CHECK(hook.err.empty());
    CHECK(server.request().starts_with("POST /v1/lifecycle/prestop HTTP/1.1\r\n"));
}

TEST_CASE("a result other than done goes to stderr with the command's name", "[commands]") {
    const auto [result, code] = GENERATE(table<std::string, int>({{"failed", 1}, {"refused", 1}, {"timed_out", 4}}));
    MadeUpServer server{stream_answer({"{\"result\": \"" + result + "\", \"message\": \"no luck\"}"}) + stream_end,
                        Then::close};
    const Run verb = run(ask_verb, of(Command::online, {}, server.place()));
    CHECK(verb.code == code);
    CHECK(verb.out.empty());
    CHECK(verb.err == "davit online: no luck\n");
}

TEST_CASE("a refusal is exit 1, bad input is exit 2", "[commands]") {
    const auto [status, code] = GENERATE(table<std::string, int>(
        {{"409 Conflict", 1}, {"404 Not Found", 1}, {"503 Service Unavailable", 1}, {"400 Bad Request", 2}}));
    MadeUpServer server{plain_answer(status, R"({"error": "unknown service \"wbe\""})"), Then::close};
    const Run verb = run(ask_verb, of(Command::start, {"wbe"}, server.place()));
    CHECK(verb.code == code);
    CHECK(verb.err == "davit start: unknown service \"wbe\"\n");
}

TEST_CASE("a stream that ends without a result is exit 1", "[commands]") {
    MadeUpServer server{stream_answer({R"({"progress": "x"})"}) + stream_end, Then::close};
    const Run verb = run(ask_verb, of(Command::offline, {}, server.place()));
    CHECK(verb.code == 1);
    CHECK(verb.err == "davit offline: davit ended before it answered\n");
}

TEST_CASE("the told timeout of prestop counts, and its end is exit 4", "[commands]") {
    MadeUpServer server{stream_answer({R"({"timeoutSeconds": 0.05})"}), Then::freeze};
    const Run hook = run(ask_verb, {.command = Command::prestop, .socket = server.place()});
    CHECK(hook.code == 4);
    CHECK(hook.err.starts_with("davit prestop: no answer in time"));
}

TEST_CASE("the user's own timeout is not changed by the told one", "[commands]") {
    MadeUpServer server{stream_answer({R"({"timeoutSeconds": 3600})"}), Then::freeze};
    const Run hook = run(ask_verb, {.command = Command::prestop, .socket = server.place(), .timeout = 50ms});
    CHECK(hook.code == 4);
    CHECK(server.request().contains("{\"timeoutSeconds\":"));
}

TEST_CASE("poststart that never finds davit is exit 3", "[commands]") {
    const Run hook = run(ask_verb, {.command = Command::poststart, .socket = "@davit-nobody", .timeout = 20ms});
    CHECK(hook.code == 3);
    CHECK(hook.err.starts_with("davit poststart: no davit reachable: @davit-nobody"));
}

TEST_CASE("poststart before a frozen davit is exit 4", "[commands]") {
    const MadeUpPlace place;
    const os::Fd listener = place.listen(4);
    CHECK(run(ask_verb, {.command = Command::poststart, .socket = place.name(), .timeout = 20ms}).code == 4);
}

TEST_CASE("in debug mode hooks return 0 without asking, other verbs ask", "[commands]") {
    variables()["DAVIT_MODE"] = "debug";
    CHECK(run(ask_verb, of(Command::poststart, {}, "@davit-nobody")).code == 0);
    CHECK(run(ask_verb, of(Command::prestop, {}, "@davit-nobody")).code == 0);
    CHECK(run(ask_verb, {.command = Command::online, .socket = "@davit-nobody", .timeout = 1ms}).code == 3);
    variables().clear();
}

TEST_CASE("verbs name their services and options in the request", "[commands]") {
    const auto request_of = [](const Arguments& arguments) {
        MadeUpServer server{stream_answer({R"({"result": "done", "message": ""})"}) + stream_end, Then::close};
        Arguments asked = arguments;
        asked.socket = server.place();
        CHECK(run(ask_verb, asked).code == 0);
        return server.request();
    };
    const std::string stop =
        request_of({.command = Command::stop, .words = {"web", "a b"}, .cascade = true, .no_wait = true});
    CHECK(stop.starts_with("POST /v1/services/web,a%20b/stop HTTP/1.1\r\n"));
    CHECK(stop.ends_with(R"({"noWait":true,"cascade":true})"));
    const std::string signal = request_of({.command = Command::signal, .words = {"HUP", "web"}});
    CHECK(signal.starts_with("POST /v1/services/web/signal "));
    CHECK(signal.ends_with(R"({"signal":"HUP"})"));
    CHECK(request_of({.command = Command::restart, .words = {"web", "all"}})
              .starts_with("POST /v1/services/all/restart "));
    CHECK(request_of({.command = Command::wait, .words = {"going-online"}}).ends_with(R"({"phase":"going-online"})"));
    CHECK(request_of({.command = Command::wait, .words = {"mesh"}}).ends_with(R"({"service":"mesh"})"));
}

TEST_CASE("an unknown signal is a usage error and asks nobody", "[commands]") {
    const Run signal = run(ask_verb, of(Command::signal, {"NOPE", "web"}, "@davit-nobody"));
    CHECK(signal.code == 2);
    CHECK(signal.err == "davit signal: unknown signal \"NOPE\"\n");
}

TEST_CASE("a probe prints the line it got; 200 is yes, 503 is no", "[commands]") {
    const auto [status, code] = GENERATE(table<std::string, int>({{"200 OK", 0}, {"503 Service Unavailable", 1}}));
    MadeUpServer server{plain_answer(status, "not ready: mesh\n"), Then::close};
    const Run probe = run(ask_probe, of(Command::probe, {"ready"}, server.place()));
    CHECK(probe.code == code);
    CHECK(probe.out == "not ready: mesh\n");
    CHECK(server.request().starts_with("GET /readyz "));
}

TEST_CASE("a probe tells nobody there from no answer, and knows three questions", "[commands]") {
    CHECK(run(ask_probe, of(Command::probe, {"live"}, "@davit-nobody")).code == 3);
    MadeUpServer frozen{"", Then::freeze};
    CHECK(run(ask_probe, {.command = Command::probe, .words = {"live"}, .socket = frozen.place(), .timeout = 20ms})
              .code == 4);
    CHECK(run(ask_probe, of(Command::probe, {"alive"}, "@davit-nobody")).code == 2);
}

TEST_CASE("status as JSON is the server's answer unchanged", "[commands]") {
    const std::string body = "{\"app\":   \"x\", \"new\": 1}\n";
    MadeUpServer server{plain_answer("200 OK", body), Then::close};
    Arguments arguments = of(Command::status, {"a&b"}, server.place());
    arguments.format = Format::json;
    const Run status = run(show_status, arguments);
    CHECK(status.code == 0);
    CHECK(status.out == body);
    CHECK(server.request().starts_with("GET /v1/status?service=a%26b HTTP/1.1\r\n"));
}

TEST_CASE("status of an unknown service is exit 1", "[commands]") {
    MadeUpServer server{plain_answer("404 Not Found", R"({"error": "unknown service \"x\""})"), Then::close};
    const Run status = run(show_status, of(Command::status, {"x"}, server.place()));
    CHECK(status.code == 1);
    CHECK(status.err == "davit status: unknown service \"x\"\n");
}

TEST_CASE("a reader of the output that went away does not change the result", "[commands]") {
    MadeUpServer server{stream_answer({R"({"progress": "phase draining"})", R"({"result": "done", "message": "ok"})"}) +
                            stream_end,
                        Then::close};
    os::Pipe pipe = os::open_pipe();
    pipe.read.reset();
    const os::Fd saved{::dup(STDOUT_FILENO)};
    ::dup2(pipe.write.get(), STDOUT_FILENO);
    const int code = ask_verb(of(Command::prestop, {}, server.place()), made_up_environment);
    ::dup2(saved.get(), STDOUT_FILENO);
    CHECK(code == 0);
}

TEST_CASE("a reader of the output that stopped does not hold a client past its deadline", "[commands]") {
    MadeUpServer server{
        stream_answer(std::vector<std::string>(3000, R"({"progress": ")" + std::string(100, 'x') + R"("})")),
        Then::freeze};
    const os::Pipe pipe = os::open_pipe();
    const os::Fd saved{::dup(STDOUT_FILENO)};
    ::dup2(pipe.write.get(), STDOUT_FILENO);
    Arguments arguments = of(Command::prestop, {}, server.place());
    arguments.timeout = 50ms;
    const int code = ask_verb(arguments, made_up_environment);
    ::dup2(saved.get(), STDOUT_FILENO);
    CHECK(code == 4);
}

TEST_CASE("help is for stdout and exit 0, no command is a usage error", "[commands]") {
    CHECK(run_line({"davit", "--help"}).code == 0);
    CHECK(run_line({"davit", "--help"}).out.starts_with("davit runs the helpers"));
    CHECK(run_line({"davit", "help", "stop"}).out.starts_with("Usage: davit stop"));
    CHECK(run_line({"davit", "stop", "-h"}).out.starts_with("Usage: davit stop"));
    CHECK(run_line({"davit", "run", "--help"}).out.starts_with("Usage: davit run"));
    CHECK(run_line({"davit"}).code == 2);
    CHECK(run_line({"davit"}).err.starts_with("davit runs the helpers"));
}

TEST_CASE("an unknown command names the nearest", "[commands]") {
    const Run typo = run_line({"davit", "statsu"});
    CHECK(typo.code == 2);
    CHECK(typo.err == "davit: unknown command \"statsu\" (did you mean \"status\"?); `davit --help` lists them\n");
    CHECK(run_line({"davit", "help", "fly"}).code == 2);
}

TEST_CASE("a usage error points at the help of its command", "[commands]") {
    const Run start = run_line({"davit", "start"});
    CHECK(start.code == 2);
    CHECK(start.err == "davit start: name SERVICE or all; see `davit start --help`\n");
}

TEST_CASE("version prints the version", "[commands]") {
    CHECK(run_line({"davit", "version"}).out.starts_with("davit "));
    CHECK(run_line({"davit", "--version"}).code == 0);
}

} // namespace
} // namespace davit::cli
