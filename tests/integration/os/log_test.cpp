// SPDX-License-Identifier: Apache-2.0
// The container's log with readers that are slow, stopped or gone, and relays that lose no line.
#include "os/log_output.h"
#include "os/log_relay.h"

#include "os/signals.h"
#include "support.h"
#include "support/catch.h"

#include <algorithm>
#include <csignal>
#include <map>
#include <regex>
#include <sys/socket.h>

using namespace davit;
using namespace davit::os;
using namespace davit::test;

namespace {

/// A container log whose reader is the test.
struct Log {
    Log() : Log(open_pipe()) {}
    explicit Log(Pipe ends) : pipe(std::move(ends)) {
        take_over_signals();
        ::fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK);
    }

    /// Reads what is there.
    void read() { text += read_all(pipe.read.get()); }
    /// Reads and runs the loop until `holds`.
    template <typename Condition>
    bool read_until(Condition holds) {
        return run_until(loop, [&] {
            read();
            return holds();
        });
    }
    bool drained() {
        bool done = false;
        output.drain(50s, [&] { done = true; });
        const bool is_drained = read_until([&] { return done; });
        read();
        return is_drained;
    }
    std::vector<std::string> lines() const {
        std::vector<std::string> all;
        std::size_t begin = 0;
        for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
            all.push_back(text.substr(begin, end - begin));
            begin = end + 1;
        }
        return all;
    }

    Pipe pipe;
    boost::asio::io_context loop{1};
    LogOutput output{loop, pipe.write.get()};
    std::string text;
};

/// A relay with a child that runs a script.
struct Child {
    Child(Log& log, const std::string& script, LogRelayOptions options = {}) {
        options.on_end = [this] { has_ended = true; };
        options.kept = &kept;
        relay = std::make_unique<LogRelay>(log.loop, log.output, log.output, std::move(options));
        const auto ends = relay->open();
        REQUIRE(ends);
        SpawnRequest request = shell(script);
        request.streams[1] = GivenStream{ends->output.get()};
        request.streams[2] = GivenStream{ends->error.get()};
        const auto started = spawn(request);
        REQUIRE(started);
        pid = *started;
    }
    ~Child() {
        ::kill(-pid, SIGKILL);
        wait_for(pid);
    }
    std::uint64_t last_number = 0;
    LogRing kept{last_number};
    std::unique_ptr<LogRelay> relay;
    pid_t pid = 0;
    bool has_ended = false;
};

/// A pipe that takes nothing more.
void fill(int descriptor) {
    ::fcntl(descriptor, F_SETFL, O_NONBLOCK);
    const std::string dots(4096, '.');
    while (::write(descriptor, dots.data(), dots.size()) > 0) {
    }
    ::fcntl(descriptor, F_SETFL, 0);
}

bool is_blocking(int descriptor) {
    return (::fcntl(descriptor, F_GETFL) & O_NONBLOCK) == 0;
}

} // namespace

TEST_CASE("a relay puts its prefix before each line, and ends a last line that has no line feed", "[log]") {
    Log log;
    Child child{log, "printf 'one\\n\\ntwo\\nlast'", {.prefix = "[web] "}};

    REQUIRE(log.read_until([&] { return child.has_ended; }));
    REQUIRE(log.drained());
    CHECK(log.text == "[web] one\n[web] \n[web] two\n[web] last\n");
    CHECK(child.kept.last_lines(2) == std::vector<std::string>{"two", "last"});
}

TEST_CASE("stdout goes to one log and stderr to the other, each in its order", "[log]") {
    Log out;
    Log error;
    LogOutput error_output{out.loop, error.pipe.write.get()};
    bool has_ended = false;
    LogRelay relay{out.loop, out.output, error_output, {.prefix = "[a] ", .on_end = [&] { has_ended = true; }}};
    auto ends = relay.open();
    REQUIRE(ends);
    SpawnRequest request = shell("echo 1; echo x >&2; echo 2; echo y >&2");
    request.streams[1] = GivenStream{ends->output.get()};
    request.streams[2] = GivenStream{ends->error.get()};
    const auto child = spawn(request);
    REQUIRE(child);
    *ends = {};
    REQUIRE(out.read_until([&] { return has_ended; }));
    wait_for(*child);
    out.read();
    error.read();

    CHECK(out.text == "[a] 1\n[a] 2\n");
    CHECK(error.text == "[a] x\n[a] y\n");
}

TEST_CASE("bytes that are no text arrive as they were", "[log]") {
    Log log;
    Child child{log, "printf 'a\\000b\\377\\r\\n'", {.prefix = "[x] "}};

    REQUIRE(log.read_until([&] { return child.has_ended; }));
    REQUIRE(log.drained());
    CHECK(log.text == std::string{"[x] a\0b\xff\r\n", 10});
}

TEST_CASE("while nobody reads the log its relays wait, and lose no line and no order once somebody does", "[log]") {
    Log log;
    constexpr int lines = 200000; // more than all the pipes hold
    const std::string count = "seq 0 " + std::to_string(lines - 1);
    Child first{log, count, {.prefix = "[a] "}};
    Child second{log, count, {.prefix = "[b] "}};
    // The reader has stopped: everything fills up, and the loop has nothing to do.
    REQUIRE(run_until(log.loop, [&] { return log.loop.poll() == 0 && !log.output.is_free(0); }));

    REQUIRE(log.read_until([&] { return first.has_ended && second.has_ended; }));
    REQUIRE(log.drained());

    std::map<char, int> next;
    const auto lines_in_order = std::ranges::count_if(log.lines(), [&](const std::string& line) {
        return line.size() > 4 && line.substr(4) == std::to_string(next[line[1]]++);
    });
    CHECK(lines_in_order == 2 * lines);
    CHECK(next == std::map<char, int>{{'a', lines}, {'b', lines}});
    CHECK(log.output.dropped_lines() == 0);
}

TEST_CASE("lines of davit never wait: what does not fit is dropped, counted, and the rest comes later", "[log]") {
    Log log;
    fill(log.pipe.write.get());
    const std::string line(99, 'd');
    constexpr int written = 20000;
    for (int index = 0; index < written; ++index) {
        log.output.write_or_drop(line + "\n");
    }
    const auto dropped = log.output.dropped_lines();
    CHECK(dropped > 0);

    REQUIRE(log.drained());
    const auto lines = log.lines();
    CHECK(std::ranges::count_if(lines, [&](const std::string& text) { return text.ends_with(line); }) ==
          static_cast<std::ptrdiff_t>(written - dropped));
    CHECK(log.output.dropped_lines() == dropped);
}

TEST_CASE("a step's relay reads on while the log is stuck, and its observer gets every line", "[log]") {
    Log log;
    fill(log.pipe.write.get());
    int seen = 0;
    Child child{log,
                "yes 'a line of a step that talks much' | head -n 30000",
                {.prefix = "[step] ", .loss = LogLoss::when_stuck, .on_line = [&](std::string_view) { ++seen; }}};

    REQUIRE(run_until(log.loop, [&] { return child.has_ended; })); // nobody reads
    CHECK(seen == 30000);
    CHECK(log.output.dropped_lines() > 0);
}

TEST_CASE("the log's descriptor stays as it was for the services that share it", "[log]") {
    Log log;
    fill(log.pipe.write.get());
    log.output.write_or_drop("one\n");
    log.loop.poll();

    CHECK(is_blocking(log.pipe.write.get()));
    REQUIRE(log.drained());
    CHECK(is_blocking(log.pipe.write.get()));
}

TEST_CASE("a log whose reader is gone takes nothing, holds up nobody, and everything is counted", "[log]") {
    Log log;
    log.pipe.read.reset();
    log.output.write_or_drop("one\ntwo\n");
    CHECK(log.output.dropped_lines() == 2);

    Child child{log, "echo a; echo b; echo c", {.prefix = "[x] "}};
    REQUIRE(run_until(log.loop, [&] { return child.has_ended; }));
    CHECK(log.output.dropped_lines() == 5);
}

TEST_CASE("a reader that goes away while the log is stuck frees the relays", "[log]") {
    Log log;
    fill(log.pipe.write.get());
    Child child{log, "seq 0 199999", {.prefix = "[x] "}};
    REQUIRE(run_until(log.loop, [&] { return !log.output.is_free(0); }));
    log.pipe.read.reset();

    CHECK(run_until(log.loop, [&] { return child.has_ended; }));
}

TEST_CASE("a line longer than everything that holds it arrives as one line", "[log]") {
    Log log;
    constexpr int kibibytes = 700;
    const std::string script = "head -c " + std::to_string(kibibytes * 1024) + " /dev/zero | tr '\\0' x; echo";
    Child first{log, script, {.prefix = "[a] "}};
    Child second{log, script, {.prefix = "[b] "}};
    Child third{log, "i=0; while [ $i -lt 2000 ]; do echo short; i=$((i+1)); done", {.prefix = "[c] "}};

    REQUIRE(log.read_until([&] { return first.has_ended && second.has_ended && third.has_ended; }));
    REQUIRE(log.drained());
    int long_lines = 0;
    int short_lines = 0;
    for (const std::string& line : log.lines()) {
        long_lines += line.substr(4) == std::string(kibibytes * 1024, 'x') ? 1 : 0;
        short_lines += line == "[c] short" ? 1 : 0;
    }
    CHECK(long_lines == 2);
    CHECK(short_lines == 2000);
    CHECK(log.lines().size() == 2002);
}

TEST_CASE("a long line whose writer stops is ended when others wait, and goes on with the prefix", "[log]") {
    Log log;
    const Folder folder;
    REQUIRE(::mkfifo((folder / "go").c_str(), 0600) == 0);
    Child slow{
        log, "head -c 100000 /dev/zero | tr '\\0' x; read go < " + folder / "go" + "; echo rest", {.prefix = "[a] "}};
    REQUIRE(log.read_until([&] { return log.text.size() > LogRelay::longest_kept_line; }));
    log.output.write_or_drop("davit speaks\n");

    REQUIRE(log.read_until([&] { return log.text.ends_with("\ndavit speaks\n"); }));
    const Fd go{::open((folder / "go").c_str(), O_RDWR | O_CLOEXEC)};
    REQUIRE(::write(go.get(), "\n", 1) == 1);
    REQUIRE(log.read_until([&] { return slow.has_ended; }));
    REQUIRE(log.drained());

    std::string all_but_cuts;
    for (const std::string& line : log.lines()) {
        all_but_cuts += line.starts_with("[a] ") ? line.substr(4) : "";
    }
    CHECK(all_but_cuts == std::string(100000, 'x') + "rest");
}

TEST_CASE("a relay can be released while a process that escaped still holds its pipe", "[log]") {
    Log log;
    Child child{log, "echo before; sleep 600 & wait", {.prefix = "[x] "}};
    REQUIRE(log.read_until([&] { return log.text == "[x] before\n"; }));

    child.relay->release();

    REQUIRE(run_until(log.loop, [&] { return child.has_ended; }));
    CHECK(child.relay->has_ended());
}

TEST_CASE("what is in the pipe at the release still arrives", "[log]") {
    Log log;
    const Folder folder;
    Child child{log, "echo one; echo two; : > " + folder / "done" + "; sleep 600", {.prefix = "[x] "}};
    REQUIRE(eventually([&] { return std::filesystem::exists(folder / "done"); }));

    child.relay->release();

    REQUIRE(log.read_until([&] { return child.has_ended; }));
    REQUIRE(log.drained());
    CHECK(log.text == "[x] one\n[x] two\n");
}

TEST_CASE("beside a raw service on the same pipe, lines of up to 4096 bytes stay whole", "[log]") {
    Log log;
    const std::string much = "i=0; while [ $i -lt 400 ]; do echo \"$line\"; i=$((i+1)); done";
    Child relayed{log, "line=$(head -c 2700 /dev/zero | tr '\\0' a); " + much, {.prefix = "[x] "}};
    SpawnRequest raw = shell("line=$(head -c 3900 /dev/zero | tr '\\0' b); " + much);
    raw.streams[1] = GivenStream{log.pipe.write.get()};
    const auto raw_child = spawn(raw);
    REQUIRE(raw_child);

    REQUIRE(log.read_until([&] { return relayed.has_ended && log.lines().size() == 800; }));
    wait_for(*raw_child);
    const auto lines = log.lines();
    CHECK(std::ranges::count(lines, "[x] " + std::string(2700, 'a')) == 400);
    CHECK(std::ranges::count(lines, std::string(3900, 'b')) == 400);
}

TEST_CASE("a socket and a file are logs as well", "[log]") {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    Log socket{Pipe{.read = Fd{ends[0]}, .write = Fd{ends[1]}}};
    Child child{socket, "i=0; while [ $i -lt 20000 ]; do echo line; i=$((i+1)); done", {.prefix = "[x] "}};
    REQUIRE(socket.read_until([&] { return child.has_ended; }));
    REQUIRE(socket.drained());
    CHECK(socket.lines() == std::vector<std::string>(20000, "[x] line"));

    const Folder folder;
    const std::string path = folder.write("log", "");
    Log file{Pipe{.read = Fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)},
                  .write = Fd{::open(path.c_str(), O_WRONLY | O_CLOEXEC)}}};
    file.output.write_or_drop("one\n");
    file.read();
    CHECK(file.text == "one\n");
}

TEST_CASE("a terminal is a log as well, and is not waited for when it is stopped", "[log]") {
    const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    REQUIRE(master >= 0);
    REQUIRE(::grantpt(master) == 0);
    REQUIRE(::unlockpt(master) == 0);
    Log log{Pipe{.read = Fd{master}, .write = Fd{::open(::ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC)}}};

    Child child{log, "seq 1 20000", {.prefix = "[x] "}};
    REQUIRE(run_until(log.loop, [&] { return !log.output.is_free(0); })); // nobody looks at it
    REQUIRE(log.read_until([&] { return child.has_ended; }));
    REQUIRE(log.drained());
    REQUIRE(log.read_until([&] { return log.text.ends_with("[x] 20000\r\n"); }));
    CHECK(log.lines().size() == 20000);
}

TEST_CASE("draining waits for relays whose turn has not come", "[log]") {
    Log log;
    Child first{log, "seq 1 100000", {.prefix = "[a] "}};
    Child second{log, "seq 1 100000", {.prefix = "[b] "}};
    REQUIRE(run_until(log.loop, [&] { return !log.output.is_free(0); }));
    ::kill(-first.pid, SIGKILL);
    ::kill(-second.pid, SIGKILL);
    first.relay->release();
    second.relay->release();

    REQUIRE(log.drained());

    CHECK(first.relay->has_ended());
    CHECK(second.relay->has_ended());
}

TEST_CASE("draining waits for a writer that writes twice in its turn and asks for another", "[log]") {
    Log log;
    fill(log.pipe.write.get());
    log.output.write_or_drop("stuck\n");
    const auto writer = log.output.add_writer();
    const auto write = [&](std::string_view line) {
        log.output.buffer() += line;
        log.output.commit(writer, LogOutput::Ending::line_end);
    };
    log.output.when_free(writer, [&] {
        write("one\n");
        write("two\n");
        log.output.when_free(writer, [&] { write("three\n"); });
    });
    bool done = false;
    bool is_last_written = false;
    log.output.drain(50s, [&] {
        log.read();
        done = true;
        is_last_written = log.text.ends_with("stuck\none\ntwo\nthree\n");
    });

    REQUIRE(log.read_until([&] { return done; }));
    CHECK(is_last_written);
}

TEST_CASE("descriptors of one pipe are known as the same", "[log]") {
    const Pipe pipe = open_pipe();
    const Pipe other = open_pipe();
    const Fd copy{::fcntl(pipe.write.get(), F_DUPFD_CLOEXEC, 0)};

    CHECK(is_same_file(pipe.write.get(), copy.get()));
    CHECK_FALSE(is_same_file(pipe.write.get(), other.write.get()));
}

TEST_CASE("draining ends when its patience ends, whoever reads", "[log]") {
    Log log;
    fill(log.pipe.write.get());
    log.output.write_or_drop("stuck\n");
    bool done = false;
    log.output.drain(1ms, [&] { done = true; });

    CHECK(run_until(log.loop, [&] { return done; }));
}

// ---- JSON ----------------------------------------------------------------------------------------------

namespace {

LogRelayOptions as_json() {
    return {.prefix = {}, .json_label = "\"service\":\"web\"", .on_line = {}, .on_end = {}};
}

/// Without the time, which is checked on the way.
std::string without_time(const std::string& line) {
    const std::regex form{R"(\{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",)"};
    constexpr std::size_t size = std::string_view{R"({"time":"2026-11-23T07:00:00.123Z",)"}.size();
    return std::regex_match(line.substr(0, size), form) ? "{" + line.substr(size) : "no time: " + line;
}

std::vector<std::string> objects_of(const Log& log) {
    std::vector<std::string> objects;
    for (const std::string& line : log.lines()) {
        objects.push_back(without_time(line));
    }
    return objects;
}

} // namespace

TEST_CASE("each line becomes an object with its stream; whatever its bytes are, it is JSON", "[log]") {
    Log log;
    Child child{log, R"(printf 'one\n\n"\\ \001\tx\n\303\274\377\303\n'; printf 'bad' >&2)", as_json()};

    REQUIRE(log.read_until([&] { return child.has_ended; }));
    REQUIRE(log.drained());
    auto objects = objects_of(log);
    std::ranges::sort(objects);
    CHECK(objects ==
          std::vector<std::string>{R"({"service":"web","stream":"stderr","message":"bad"})",
                                   R"({"service":"web","stream":"stdout","message":""})",
                                   R"({"service":"web","stream":"stdout","message":"\"\\ \u0001\tx"})",
                                   R"({"service":"web","stream":"stdout","message":"one"})",
                                   "{\"service\":\"web\",\"stream\":\"stdout\",\"message\":\"\u00fc\uFFFD\uFFFD\"}"});
}

TEST_CASE("a line that is too long becomes objects that say partial, all but the last", "[log]") {
    Log log;
    Child child{log, "head -c 300000 /dev/zero | tr '\\0' x; echo; echo next", as_json()};

    REQUIRE(log.read_until([&] { return child.has_ended; }));
    REQUIRE(log.drained());
    const std::string head = R"({"service":"web","stream":"stdout","message":")";
    const std::string goes_on = R"(","partial":true})";
    std::string whole;
    const auto objects = objects_of(log);
    REQUIRE(objects.size() >= 3);
    for (std::size_t index = 0; index < objects.size() - 1; ++index) {
        const std::string& object = objects[index];
        REQUIRE(object.starts_with(head));
        const bool is_last = index == objects.size() - 2;
        CHECK(object.ends_with(goes_on) == !is_last);
        CHECK(object.size() <= head.size() + LogRelay::longest_kept_line + goes_on.size());
        const std::size_t tail = is_last ? 2 : goes_on.size();
        whole += object.substr(head.size(), object.size() - head.size() - tail);
    }
    CHECK(whole == std::string(300000, 'x'));
    CHECK(objects.back() == head + "next\"}");
}

TEST_CASE("a discarded child is read, looked at and not written", "[log]") {
    Log log;
    std::vector<std::string> seen;
    Child child{log,
                "echo one; echo two",
                {.prefix = {},
                 .json_label = {},
                 .loss = LogLoss::always,
                 .on_line = [&](std::string_view line) { seen.emplace_back(line); },
                 .on_end = {}}};

    REQUIRE(log.read_until([&] { return child.has_ended; }));
    REQUIRE(log.drained());
    CHECK(log.text == "");
    CHECK(seen == std::vector<std::string>{"one", "two"});
    CHECK(child.kept.last_lines(10) == seen);
}

TEST_CASE("what one stream brings is kept in its order, a long line in pieces", "[log]") {
    Log log;
    Child child{log, "echo first; head -c 200000 /dev/zero | tr '\\0' x; echo; echo last", {.prefix = "[x] "}};
    REQUIRE(log.read_until([&] { return child.has_ended; }));

    LogRingReader reader{child.kept, [] {}};
    CHECK(reader.next().text == "first");
    std::size_t size = 0;
    bool goes_on = true;
    while (goes_on) {
        const LogLine piece = reader.next();
        size += piece.text.size();
        goes_on = piece.is_partial;
    }
    CHECK(size == 200000);
    CHECK(reader.next().text == "last");
}
