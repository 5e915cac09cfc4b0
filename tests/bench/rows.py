# SPDX-License-Identifier: Apache-2.0
"""What is measured, and the rows of the table.

A Scenario takes one sample of one contender and returns numbers by name. A Row picks one of those numbers of one davit
contender, the peer it is held against and the target. To add a row, append to SCENARIOS and ROWS.
"""
import dataclasses
import os
import signal
import socket
import subprocess
import time
import typing

from harness import Container, Failed, await_condition, await_rest, children_of, cpu_milliseconds, executable_of

PLAIN = ("davit-plain", "tini", "tini-static", "dumb-init")
SUPERVISING = ("davit", "s6", "runit", "supervisor")
SUPERVISING_AND_PREFIX = ("davit", "davit-prefix", "s6", "runit", "supervisor")


@dataclasses.dataclass
class Scenario:
    name: str
    contenders: tuple
    measure: typing.Callable  # (bench, contender) -> {metric: number}
    runs: int
    most_runs: dict = dataclasses.field(default_factory=dict)  # for contenders that would take minutes


@dataclasses.dataclass
class Row:
    name: str
    scenario: str
    metric: str
    unit: str
    subject: str = "davit"
    peer: str | None = None
    most_ratio: float | None = None  # target: at most this many times the peer
    most: float | None = None  # target: at most
    least: float | None = None  # target: at least


def exec_to_main(bench, contender):
    folder = bench.workshop.folder()
    with Container(bench.workshop, folder, contender.one(folder)) as container:
        return {"ms": (container.moment("m") - container.began) / 1e6}


def services(count):
    def measure(bench, contender):
        folder = bench.workshop.folder()
        with Container(bench.workshop, folder, contender.many(folder, count)) as container:
            last = max(moment for moment, _ in container.records("m", count))
            return {"ms": (last - container.began) / 1e6}
    return measure


def chain(count):
    def measure(bench, contender):
        folder = bench.workshop.folder()
        if contender.name == "bare":
            command, mode = contender.one(folder), "chain"
        else:
            command, mode = contender.chain(folder, count), "stay"
        with Container(bench.workshop, folder, command, mode, {"BENCH_COUNT": str(count)}) as container:
            moments = sorted(moment for moment, _ in container.records("m", count + 1))
            return {"whole": (moments[-1] - container.began) / 1e6, "links": (moments[-1] - moments[0]) / 1e6}
    return measure


def settled(container, count):
    """Waits until all services run, and PID 1 and its helpers have come to rest."""
    container.records("m", count)
    await_rest([container.pid, *container.helpers()])


def memory(count):
    def measure(bench, contender):
        folder = bench.workshop.folder()
        with Container(bench.workshop, folder, contender.many(folder, count)) as container:
            settled(container, count)
            pss, rss = container.memory()
            return {"pss": pss / 1024, "rss": rss / 1024}
    return measure


def zombies_of(pid):
    found = 0
    for child in children_of(pid):
        try:
            with open(f"/proc/{child}/stat") as file:
                found += file.read().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            continue
    return found


def orphans(bench, contender):
    count = 2000 if bench.quick else 20000
    folder = bench.workshop.folder()
    with Container(bench.workshop, folder, contender.one(folder), "orphans", {"BENCH_COUNT": str(count)}) as container:
        inside = container.records("m")[0][1]
        await_rest([container.pid])
        before = cpu_milliseconds(container.pid)
        os.kill(container.outside_pid(inside), signal.SIGUSR1)
        container.records("o", timeout=300)
        try:
            await_condition("the last orphan", lambda: zombies_of(container.pid) == 0, 10)
        except Failed:
            pass  # it is counted below
        await_rest([container.pid])
        used = cpu_milliseconds(container.pid) - before
        # A child each helper and the payload: all else below PID 1 was left behind.
        left = sum(executable_of(child) in (None, bench.workshop.payload) for child in children_of(container.pid))
        own = 1 if contender.name in (*PLAIN, "davit") else 0
        return {"cpu": used, "left": left - own}


def terminate(bench, contender):
    folder = bench.workshop.folder()
    with Container(bench.workshop, folder, contender.one(folder)) as container:
        settled(container, 1)
        asked = time.monotonic_ns()
        os.kill(container.pid, signal.SIGTERM)
        gone = container.moment("e")
        return {"main": (container.moment("t") - asked) / 1e6, "gone": (gone - asked) / 1e6}


def crash(bench, contender):
    folder = bench.workshop.folder()
    with Container(bench.workshop, folder, contender.one_helper(folder)) as container:
        inside = container.records("m")[0][1]
        # runit starts what lived for less than a second only a second later (Debian's s6 always does): give it that.
        time.sleep(1.1)
        victim = container.outside_pid(inside)
        asked = time.monotonic_ns()
        os.kill(victim, signal.SIGKILL)
        return {"ms": (container.records("m", 2)[1][0] - asked) / 1e6}


def status(count):
    def measure(bench, contender):
        folder = bench.workshop.folder()
        with Container(bench.workshop, folder, contender.many(folder, count)) as container:
            settled(container, count)
            times = container.time_inside(contender.status(folder, count), 3 if contender.name == "supervisor" else 21)
            return {"ms": sorted(times)[len(times) // 2]}
    return measure


def answer_time(port):
    """Milliseconds from the connection to the end of the answer."""
    began = time.monotonic_ns()
    with socket.create_connection(("127.0.0.1", port), 60) as client:
        client.sendall(b"GET /livez HTTP/1.0\r\n\r\n")
        answer = b"".join(iter(lambda: client.recv(4096), b""))
    if b" 200 " not in answer[:13]:
        raise Failed(f"/livez: {answer[:200]}")
    return (time.monotonic_ns() - began) / 1e6


def status_port(bench, contender):
    folder = bench.workshop.folder()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with Container(bench.workshop, folder, contender.answering(folder, port)):
        await_condition("an answer", lambda: answers(port), 30)
        time.sleep(1)
        times = sorted(answer_time(port) for _ in range(200 if bench.quick else 1000))
        return {"median": times[len(times) // 2], "p99": times[len(times) * 99 // 100]}


def answers(port):
    try:
        return answer_time(port) > 0
    except OSError:
        return False


def check(count):
    def measure(bench, contender):
        folder = bench.workshop.folder()
        with Container(bench.workshop, folder, [bench.workshop.payload]) as container:
            settled(container, 1)
            times = container.time_inside(contender.check(folder, count), 21)
            return {"ms": sorted(times)[len(times) // 2]}
    return measure


def count(bench, contender):
    """What `davit cpus` takes longer than a process of the same binary that does nothing."""
    folder = bench.workshop.folder()
    with Container(bench.workshop, folder, [bench.workshop.payload]) as container:
        settled(container, 1)
        times = [sorted(container.time_inside([[contender.binary, word]], 41))[20] for word in ("cpus", "version")]
        return {"ms": times[0] - times[1]}


def restarts(bench, command, folder):
    """The median of a few restarts of the one helper, the first start not among them."""
    times = []
    with Container(bench.workshop, folder, command) as container:
        for turn in range(1, 10):
            victim = container.outside_pid(container.records("m", turn)[turn - 1][1])
            time.sleep(0.02)
            asked = time.monotonic_ns()
            os.kill(victim, signal.SIGKILL)
            times.append((container.records("m", turn + 1)[turn][0] - asked) / 1e6)
    return sorted(times)[len(times) // 2]


def known_jvm(bench, contender):
    """What a start of java takes longer where its JVM counts wrong and is known, than where davit does not look."""
    times = []
    for settings in ("{count: 5000}", "{count: 5000, java: never}"):
        folder = bench.workshop.folder()
        times.append(restarts(bench, contender.one_java(folder, settings), folder))
    return {"ms": times[0] - times[1]}


def count_calls(bench, contender):
    folder = bench.workshop.folder()
    done = subprocess.run([bench.workshop.count_calls], env=contender.count_environment(folder), capture_output=True,
                          text=True, timeout=60, check=True)
    sysconf, affinity, _ = done.stdout.split()
    return {"sysconf": float(sysconf), "affinity": float(affinity)}


def idle(count):
    def measure(bench, contender):
        seconds = 2 if bench.quick else 5
        folder = bench.workshop.folder()
        with Container(bench.workshop, folder, contender.many(folder, count)) as container:
            settled(container, count)
            time.sleep(1)
            before, began = container.switches(), time.monotonic()
            time.sleep(seconds)
            return {"per_second": (container.switches() - before) / (time.monotonic() - began)}
    return measure


JSON_OBJECT = '{"time":"2026-11-23T07:00:00.123Z","service":"s000","stream":"stdout","message":""}'


class Flood:
    """1 GB in lines of one length, that the helper of a container writes as fast as it can once it is asked to."""

    def __init__(self, bench, length):
        size = 200_000_000 if bench.quick else 1_000_000_000
        self.length, self.lines = length, -(-size // length)
        self.environment = {"BENCH_BYTES": str(size), "BENCH_LINE": str(length)}

    def begin(self, container, contender):
        """Asks for it, once the relay is at rest."""
        inside = container.records("m")[0][1]
        await_condition("the relay", lambda: self._relay_of(container, contender), 30)
        self._relay = self._relay_of(container, contender)
        await_rest([self._relay])
        self._before = cpu_milliseconds(self._relay)
        os.kill(container.outside_pid(inside), signal.SIGUSR1)

    @staticmethod
    def _relay_of(container, contender):
        if not contender.relay_program:
            return container.pid
        return next((pid for pid in container.helpers()
                     if (executable_of(pid) or "").endswith("/" + contender.relay_program)), None)

    def figures(self, container, ended, lines, size, around):
        """Of `lines` with `size` bytes that came out by `ended`, with `around` bytes around each, always the same: a byte
        too many or too few is a damaged line, which is a lost one."""
        lost = self.lines - lines
        return {"speed": self.lines * self.length / 1e6 / ((ended - container.moment("b")) / 1e9),
                "lost": lost if lost else abs(size - self.lines * (self.length + around)),
                "cpu": (cpu_milliseconds(self._relay) - self._before) / (self.lines * self.length / 1e9) / 1000}


def relay(length):
    def measure(bench, contender):
        flood = Flood(bench, length)
        folder = bench.workshop.folder()
        read_end, write_end = os.pipe()
        sink = sink_of(bench, flood.lines, read_end)
        os.close(read_end)
        try:
            container = Container(bench.workshop, folder, contender.logged(folder), "write", flood.environment,
                                  stdout=write_end)
            os.close(write_end)
            with container:
                flood.begin(container, contender)
                lines, size, ended = map(int, sink.communicate(timeout=600)[0].split())
                around = {"bare": "", "davit-json": JSON_OBJECT}.get(contender.name, "[s000] ")
                return flood.figures(container, ended, lines, size, len(around))
        finally:
            sink.kill()
            sink.wait()
    return measure


def log_files(length):
    def measure(bench, contender):
        flood = Flood(bench, length)
        folder = bench.workshop.folder()
        logs = folder / "logs"
        logs.mkdir()
        command = contender.logged_to_files(folder, 64_000_000)
        with Container(bench.workshop, folder, command, "write", flood.environment) as container:
            flood.begin(container, contender)
            await_condition("all bytes in files", lambda: size_of_files(logs) >= flood.lines * length, 600)
            ended = time.monotonic_ns()
            lines = sum(count_lines(bench, flood.lines, path) for path in logs.iterdir())
            return flood.figures(container, ended, lines, size_of_files(logs), 0)
    return measure


def sink_of(bench, lines, source):
    return subprocess.Popen([bench.workshop.launcher, "sink", str(lines)], stdin=source, stdout=subprocess.PIPE)


def count_lines(bench, most, path):
    with open(path, "rb") as file:
        return int(sink_of(bench, most, file).communicate(timeout=60)[0].split()[0])


def size_of_files(folder):
    """Files may be renamed meanwhile."""
    size = 0
    for entry in os.scandir(folder):
        try:
            size += entry.stat().st_size
        except FileNotFoundError:
            pass
    return size


def binary_size(bench, contender):
    return {"mb": os.path.getsize(contender.binary) / 1e6}


SLOW = {"supervisor": 3}
SCENARIOS = [
    Scenario("exec", ("bare", *PLAIN, *SUPERVISING), exec_to_main, 51, SLOW),
    Scenario("services-10", SUPERVISING_AND_PREFIX, services(10), 21, SLOW),
    Scenario("services-100", SUPERVISING_AND_PREFIX, services(100), 15, SLOW),
    Scenario("services-500", SUPERVISING_AND_PREFIX, services(500), 9, {"supervisor": 1}),
    Scenario("chain", ("bare", "davit", "davit-prefix"), chain(50), 21),
    Scenario("memory-1", SUPERVISING_AND_PREFIX, memory(1), 3),
    Scenario("memory-10", SUPERVISING_AND_PREFIX, memory(10), 3),
    Scenario("memory-100", SUPERVISING_AND_PREFIX, memory(100), 3),
    Scenario("orphans", (*PLAIN, "davit", "s6", "runit"), orphans, 7),
    Scenario("terminate", (*PLAIN, "davit", "s6", "supervisor"), terminate, 31, SLOW),
    Scenario("crash", SUPERVISING, crash, 11, SLOW),
    Scenario("status", SUPERVISING, status(50), 5, {"supervisor": 1}),
    Scenario("status-port", ("bare", "davit"), status_port, 5),
    Scenario("load-500", ("bare", "davit"), check(500), 5),
    Scenario("cpus", ("davit",), count, 5),
    Scenario("java-known", ("davit",), known_jvm, 7),
    Scenario("count-calls", ("bare", "davit"), count_calls, 15),
    Scenario("idle", SUPERVISING_AND_PREFIX, idle(50), 3, {"supervisor": 1}),
    Scenario("relay-100", ("bare", "davit", "davit-json", "s6"), relay(100), 3),
    Scenario("relay-1000", ("bare", "davit", "davit-json", "s6"), relay(1000), 3),
    Scenario("log-files-100", ("davit", "s6"), log_files(100), 3),
    Scenario("binary", ("davit",), binary_size, 1),
]

ROWS = [
    Row("exec-main", "exec", "ms", "ms", "davit-plain", "tini", most_ratio=1.0),
    Row("exec-main-configured", "exec", "ms", "ms", "davit", "s6"),
    Row("services-10", "services-10", "ms", "ms", peer="s6"),
    Row("services-10-prefix", "services-10", "ms", "ms", "davit-prefix", "s6"),
    Row("services-100", "services-100", "ms", "ms", peer="s6", most_ratio=0.8),
    Row("services-100-prefix", "services-100", "ms", "ms", "davit-prefix", "s6", most_ratio=0.8),
    Row("services-500", "services-500", "ms", "ms", peer="s6", most_ratio=0.8),
    Row("services-500-prefix", "services-500", "ms", "ms", "davit-prefix", "s6", most_ratio=0.8),
    Row("chain-50-links", "chain", "links", "ms", peer="bare", most_ratio=1.5),
    Row("chain-50-from-exec", "chain", "whole", "ms", peer="bare", most_ratio=1.5),
    Row("chain-50-from-exec-prefix", "chain", "whole", "ms", "davit-prefix", "bare", most_ratio=1.5),
    Row("pss-1", "memory-1", "pss", "MiB", peer="s6"),
    Row("pss-10", "memory-10", "pss", "MiB", peer="s6"),
    Row("pss-100", "memory-100", "pss", "MiB", peer="s6", most_ratio=1.1),
    Row("pss-100-prefix", "memory-100", "pss", "MiB", "davit-prefix", "s6", most_ratio=1.1),
    Row("rss-1", "memory-1", "rss", "MiB", peer="s6", most=4.0),
    Row("rss-10", "memory-10", "rss", "MiB", peer="s6", most=4.0),
    Row("rss-100", "memory-100", "rss", "MiB", peer="s6", most=4.0),
    Row("rss-100-prefix", "memory-100", "rss", "MiB", "davit-prefix", "s6", most=4.0),
    Row("orphans-cpu", "orphans", "cpu", "ms", "davit-plain", "tini", most_ratio=1.1),
    Row("orphans-cpu-configured", "orphans", "cpu", "ms", "davit", "tini", most_ratio=1.1),
    Row("orphans-left", "orphans", "left", "", "davit-plain", "tini", most=0),
    Row("orphans-left-configured", "orphans", "left", "", "davit", "tini", most=0),
    Row("term-main", "terminate", "main", "ms", "davit-plain", "dumb-init", most_ratio=1.3),
    Row("term-main-configured", "terminate", "main", "ms", "davit", "dumb-init", most_ratio=1.3),
    Row("term-gone", "terminate", "gone", "ms", "davit-plain", "dumb-init"),
    Row("term-gone-configured", "terminate", "gone", "ms", "davit", "dumb-init"),
    Row("crash-restart", "crash", "ms", "ms", peer="runit", most=0.7),
    Row("status-50", "status", "ms", "ms", peer="s6", most=1.2),
    Row("status-port", "status-port", "median", "ms", peer="bare", most=50),
    Row("status-port-p99", "status-port", "p99", "ms", peer="bare", most=50),
    Row("load-500", "load-500", "ms", "ms", peer="bare", most=30),
    Row("cpus-count", "cpus", "ms", "ms", most=1.0),
    Row("java-known", "java-known", "ms", "ms", most=1.0),
    Row("count-sysconf", "count-calls", "sysconf", "ns", peer="bare", most_ratio=1.0),
    Row("count-affinity", "count-calls", "affinity", "ns", peer="bare"),
    Row("idle-50", "idle", "per_second", "/s", peer="s6", most=0),
    Row("idle-50-prefix", "idle", "per_second", "/s", "davit-prefix", "s6", most=0),
    Row("relay-100", "relay-100", "speed", "MB/s", peer="s6", least=600),
    Row("relay-1000", "relay-1000", "speed", "MB/s", peer="s6", least=600),
    Row("relay-100-lost", "relay-100", "lost", "lines", peer="s6", most=0),
    Row("relay-1000-lost", "relay-1000", "lost", "lines", peer="s6", most=0),
    Row("relay-100-cpu", "relay-100", "cpu", "s/GB", peer="s6", most=1.0),
    Row("relay-1000-cpu", "relay-1000", "cpu", "s/GB", peer="s6", most=1.0),
    Row("relay-100-json", "relay-100", "speed", "MB/s", "davit-json", "s6", least=300),
    Row("relay-1000-json", "relay-1000", "speed", "MB/s", "davit-json", "s6", least=300),
    Row("relay-100-json-lost", "relay-100", "lost", "lines", "davit-json", "s6", most=0),
    Row("relay-1000-json-lost", "relay-1000", "lost", "lines", "davit-json", "s6", most=0),
    Row("relay-100-json-cpu", "relay-100", "cpu", "s/GB", "davit-json", "s6"),
    Row("relay-1000-json-cpu", "relay-1000", "cpu", "s/GB", "davit-json", "s6"),
    Row("log-files-100", "log-files-100", "speed", "MB/s", peer="s6"),
    Row("log-files-100-lost", "log-files-100", "lost", "lines", peer="s6", most=0),
    Row("log-files-100-cpu", "log-files-100", "cpu", "s/GB", peer="s6"),
    Row("binary-size", "binary", "mb", "MB", most=7.0),
]
