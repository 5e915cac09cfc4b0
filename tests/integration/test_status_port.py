# SPDX-License-Identifier: Apache-2.0
"""The status port: who reaches it, that it says what `davit probe` says, that it answers whatever goes on, and what its
metrics count; held against promtool and a real Prometheus."""

import contextlib
import ctypes
import json
import os
import platform
import re
import signal
import socket
import struct
import subprocess
import urllib.parse
import urllib.request

import pytest
from davit_process import DEADLINE, MAIN, MAIN_IS_UP, Davit, eventually, script

# Answers take milliseconds; this is for sanitizers on a busy machine. What hangs takes for ever.
ANSWERED_WITHIN = 5  # seconds
PATHS = ["/livez", "/readyz", "/startupz", "/metrics"]


def free_port():
    """A port that nobody has at this moment, of neither IP version."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        return server.getsockname()[1]


@pytest.fixture
def port():
    return free_port()


def shop(port, more="", services=""):
    return f"""app: shop
statusPort: {port}
{more}services:
  shop: {{main: true, command: {MAIN}, startupProbe: {MAIN_IS_UP}}}
{services}"""


class Answer:
    def __init__(self, raw):
        head, _, self.body = raw.decode().partition("\r\n\r\n")
        lines = head.split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = dict(line.split(": ", 1) for line in lines[1:])


def request(port, path, method="GET", host="127.0.0.1", deadline=DEADLINE):
    with socket.create_connection((host, port), timeout=deadline) as connection:
        return exchange(connection, path, method)


def exchange(connection, path, method="GET"):
    connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: davit\r\nConnection: close\r\n\r\n".encode())
    answer = b""
    while piece := connection.recv(65536):
        answer += piece
    return Answer(answer)


def samples(text):
    """Each sample of the metrics: 'davit_service_up{service="shop"}' -> 1.0"""
    pairs = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def metrics(port):
    answer = request(port, "/metrics")
    assert answer.status == 200
    return samples(answer.body)


def counts(port, name, value):
    return eventually(lambda: metrics(port)[name] >= value, f"{name} is {value}")


# ---- where it listens ---------------------------------------------------------------------------------------------


def test_without_an_address_ipv6_and_ipv4_are_answered(tmp_path, port):
    with Davit(tmp_path, shop(port)) as davit:
        davit.wait_phase("online")
        for host in ["127.0.0.1", "::1"]:
            for path in PATHS:
                answer = request(port, path, host=host)
                assert answer.status == 200, answer.body


def test_an_address_is_the_only_one_that_is_answered(tmp_path, port):
    for address, silent in [("127.0.0.1", "::1"), ("::1", "127.0.0.1")]:
        directory = tmp_path / address.replace(":", "_")
        directory.mkdir()
        with Davit(directory, shop(port, f'statusAddress: "{address}"\n')) as davit:
            davit.wait_phase("online")
            assert request(port, "/livez", host=address).body == "live: davit answers\n"
            with pytest.raises(ConnectionRefusedError):
                request(port, "/livez", host=silent)


def without_ipv6():
    """In the child: every socket of IPv6 fails as on a machine that has none."""
    number = {"x86_64": 41, "aarch64": 198}[platform.machine()]
    load, equal, give = 0x20, 0x15, 0x06  # BPF_LD | W | ABS, BPF_JMP | JEQ | K, BPF_RET | K
    refuse = 0x00050000 | 97  # SECCOMP_RET_ERRNO with EAFNOSUPPORT
    program = [(load, 0, 0, 0), (equal, 0, 3, number), (load, 0, 0, 16), (equal, 0, 1, socket.AF_INET6),
               (give, 0, 0, refuse), (give, 0, 0, 0x7FFF0000)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in program))
    filter_program = struct.pack("HxxxxxxP", len(program), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS
    assert libc.prctl(22, 2, filter_program, 0, 0) == 0  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER


def test_where_there_is_no_ipv6_it_listens_on_ipv4(tmp_path, port):
    with Davit(tmp_path, shop(port), limits=without_ipv6) as davit:
        davit.wait_phase("online")
        assert request(port, "/readyz").status == 200


def test_a_port_that_is_taken_is_125_and_says_who_has_it(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with Davit(tmp_path, shop(port), mode="plain") as davit:
            assert davit.wait() == 125
            name = open("/proc/self/comm").read().strip()
            assert davit.stderr.text() == (
                f"davit run: statusPort: cannot listen on port {port}: {name} (pid {os.getpid()}) listens there; free it, "
                "or choose another statusPort")
    assert not os.path.exists(davit.socket)


def test_a_davit_that_starts_again_at_once_has_its_port(tmp_path, port):
    for round_number in range(2):
        directory = tmp_path / str(round_number)
        directory.mkdir()
        with Davit(directory, shop(port)) as davit:
            davit.wait_phase("online")
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(b"GET /livez HTTP/1.1\r\n\r\n")
                assert connection.recv(1000)
                davit.signal(signal.SIGTERM)
                assert davit.wait() == 0


def test_a_reload_leaves_the_port_where_it_is_and_says_so(tmp_path, port):
    with Davit(tmp_path, shop(port)) as davit:
        davit.wait_phase("online")
        other = free_port()
        (tmp_path / "davit.yaml").write_text(shop(other))
        answer = davit.ctl("reload", "--dry-run")
        assert answer.stdout.splitlines() == [
            "~ these stay as they are, start the container anew for others:",
            f"    statusPort: {port} → {other}", "dry run: nothing was changed"]
        answer = davit.ctl("reload")
        assert answer.returncode == 0
        assert answer.stdout.splitlines()[-1] == (
            "reloaded; statusPort and statusAddress stay as they are: start the container anew for others")
        assert request(port, "/livez").status == 200
        assert f"statusPort: {port}\n" in davit.ctl("plan").stdout
        # What is not in the way of it counts.
        (tmp_path / "davit.yaml").write_text(shop(port))
        assert davit.ctl("reload").stdout.splitlines() == ["nothing changed"]


# ---- what it says -------------------------------------------------------------------------------------------------


def test_it_says_what_davit_probe_says(tmp_path, port):
    manual = "lifecycle: {goOnline: manual}\n"
    words = re.compile(r"\d+(\.\d+)?s")  # how long: a moment later it is another one
    with Davit(tmp_path, shop(port, manual)) as davit:
        davit.wait_phase("checking")

        def compare():
            statuses = []
            for what in ["startup", "ready", "live"]:
                answer = request(port, f"/{what}z")
                probe = davit.ctl("probe", what)
                assert words.sub("", answer.body) == words.sub("", probe.stdout)
                assert (answer.status == 200) == (probe.returncode == 0)
                statuses.append(answer.status)
            return statuses

        eventually(lambda: request(port, "/startupz").status == 200, "davit waits at the gate")
        assert compare() == [200, 503, 200]
        assert davit.ctl("online").returncode == 0
        assert compare() == [200, 200, 200]
        assert davit.ctl("offline").returncode == 0
        assert compare()[1:] == [503, 200]


def test_head_is_get_without_the_body(tmp_path, port):
    with Davit(tmp_path, shop(port)) as davit:
        davit.wait_phase("online")
        for path in PATHS:
            head = request(port, path, "HEAD")
            assert (head.status, head.body) == (200, "")
            assert int(head.headers["Content-Length"]) > 10


def test_nothing_else_is_there_and_nothing_can_be_done(tmp_path, port):
    with Davit(tmp_path, shop(port)) as davit:
        davit.wait_phase("online")
        for path in ["/", "/v1/status", "/v1/events", "/v1/services/shop/env?reveal=1", "/v1/plan", "/healthz"]:
            assert request(port, path).status == 404, path
        for path in ["/v1/lifecycle/prestop", "/v1/services/shop/stop", "/v1/reload"]:
            assert request(port, path, "POST").status == 404, path
        answer = request(port, "/livez", "POST")
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
        assert davit.status()["phase"] == "online"


def test_the_unix_socket_has_the_same_routes(tmp_path, port):
    with Davit(tmp_path, shop(port)) as davit:
        davit.wait_phase("online")

        def ask(path):
            command = davit.client_command()[:-1] + ["curl", "-sS", "-i", "--unix-socket", davit.socket, f"http://davit{path}"]
            return Answer(subprocess.run(command, capture_output=True, check=True, timeout=DEADLINE).stdout.replace(
                b"\r\n\r\n", b"\r\n\r\n", 1))

        for path in PATHS:
            assert ask(path).status == 200
        assert ask("/livez").body == request(port, "/livez").body
        assert samples(ask("/metrics").body).keys() == metrics(port).keys()


# ---- whatever goes on ---------------------------------------------------------------------------------------------


def answers_in_time(port):
    """Every path, on both IP versions."""
    for host in ["127.0.0.1", "::1"]:
        for path in PATHS:
            answer = request(port, path, host=host, deadline=ANSWERED_WITHIN)
            assert answer.status in (200, 503), answer.body


def test_it_answers_while_nobody_reads_the_log(tmp_path, port):
    flood = script("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done")
    reader, writer = os.pipe()
    with open(reader, "rb"), open(writer, "wb") as log:
        with Davit(tmp_path, shop(port, services=f"  flood: {{command: {flood}}}\n"), stdout=log) as davit:
            davit.wait_phase("online")
            for _ in range(5):
                answers_in_time(port)
            davit.signal(signal.SIGTERM)
            davit.wait()


def test_it_answers_while_a_service_writes_and_others_crash_as_fast_as_they_can_and_50_are_probed(tmp_path, port):
    probe = "{exec: {command: ['true']}, periodSeconds: 1}"
    busy = "  writer: {command: ['yes']}\n"
    busy += "".join(f"  crashing-{number}: {{command: ['false'], backoff: {{initialSeconds: 0}}}}\n" for number in range(2))
    busy += "".join(f"  probed-{number}: {{command: [sleep, '600'], livenessProbe: {probe}}}\n" for number in range(50))
    with open("/dev/null", "wb") as nowhere:
        with Davit(tmp_path, shop(port, services=busy), stdout=nowhere) as davit:
            davit.wait_phase("online", DEADLINE * 2)
            counts(port, 'davit_service_restarts_total{service="crashing-0"}', 3)
            answers_in_time(port)
            davit.signal(signal.SIGTERM)
            davit.wait()


def test_it_answers_while_a_step_and_a_hook_run(tmp_path, port):
    lifecycle = f"lifecycle: {{preload: {{exec: {{command: {script('note preload; sleep 1000')}}}}}}}\n"
    with Davit(tmp_path, shop(port, lifecycle)) as davit:
        davit.wait_trace("preload")
        hook = davit.start_ctl("poststart")
        for _ in range(5):
            answers_in_time(port)
    hook.communicate()  # it ends with davit


@contextlib.contextmanager
def connections(port, count, first_bytes=b""):
    with contextlib.ExitStack() as stack:
        opened = []
        for _ in range(count):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=DEADLINE))
            connection.sendall(first_bytes)
            opened.append(connection)
        yield opened


def test_200_idle_and_50_slow_clients_keep_nobody_out(tmp_path, port):
    with Davit(tmp_path, shop(port)) as davit:
        davit.wait_phase("online")
        with connections(port, 200), connections(port, 50, b"GET /metrics HTT"):
            for _ in range(5):
                answers_in_time(port)
            # Nor do they take places of the socket: a hook gets its own.
            assert davit.ctl("poststart").returncode == 0
            assert davit.ctl("probe", "live").returncode == 0
        davit.signal(signal.SIGTERM)
        assert davit.wait() == 0


def test_clients_that_never_read_keep_nobody_out(tmp_path, port):
    many = "".join(f"  helper-{number}: {{command: 'true', oneshot: true}}\n" for number in range(100))
    with Davit(tmp_path, shop(port, services=many)) as davit:
        davit.wait_phase("online")
        with connections(port, 80, b"GET /metrics HTTP/1.1\r\n\r\n" * 20):
            for _ in range(5):
                answers_in_time(port)


def test_rubbish_ends_its_own_connection(tmp_path, port):
    with Davit(tmp_path, shop(port)) as davit:
        davit.wait_phase("online")
        for rubbish in [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\0" * 100, b"GET / HTTP/9.9\r\n\r\n",
                        b"GET /livez HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", b"A" * 20000]:
            with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as connection:
                with contextlib.suppress(ConnectionError):
                    connection.sendall(rubbish)
                    while connection.recv(4096):
                        pass
        assert request(port, "/livez").status == 200


# ---- metrics ------------------------------------------------------------------------------------------------------


def test_a_crash_raises_the_restarts_and_no_counter_falls(tmp_path, port):
    burn = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; "
    worker = f"  worker: {{command: {script(burn + 'exec sleep 1000')}, backoff: {{initialSeconds: 0}}}}\n"
    with Davit(tmp_path, shop(port, services=worker)) as davit:
        davit.wait_phase("online")
        cpu = 'davit_service_cpu_seconds_total{service="worker"}'
        before = metrics(port)
        assert before['davit_service_up{service="worker"}'] == 1
        assert before['davit_service_restarts_total{service="worker"}'] == 0
        seen = before[cpu]
        for restarts in range(1, 6):
            davit.ctl("signal", "KILL", "worker")
            counts(port, 'davit_service_restarts_total{service="worker"}', restarts)
            now = metrics(port)[cpu]
            assert now >= seen
            seen = now
        assert seen > 0
        assert metrics(port)['davit_service_restarts_total{service="shop"}'] == 0


def test_cpu_and_memory_are_of_the_whole_session(tmp_path, port):
    # The leader sleeps; what it started works, and holds 50 MB.
    child = "python3 -c 'held = bytearray(50000000)\nwhile True: pass'"
    worker = f"  worker: {{command: {script(child + ' & exec sleep 1000')}}}\n"
    with Davit(tmp_path, shop(port, services=worker)) as davit:
        davit.wait_phase("online")
        counts(port, 'davit_service_resident_memory_bytes{service="worker"}', 50_000_000)
        seen = metrics(port)['davit_service_cpu_seconds_total{service="worker"}']
        counts(port, 'davit_service_cpu_seconds_total{service="worker"}', seen + 0.1)


def test_cpu_of_what_a_child_left_behind_and_was_reaped_counts(tmp_path, port):
    # A child of a child burns and ends after its parent: davit reaps it, and it was in the worker's session.
    burn = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; note burnt"
    worker = f"  worker: {{command: {script(f'( ( {burn} ) & ); exec sleep 1000')}}}\n"
    with Davit(tmp_path, shop(port, services=worker)) as davit:
        davit.wait_phase("online")
        davit.wait_trace("burnt")
        counts(port, "davit_orphans_reaped_total", 1)
        seen = metrics(port)['davit_service_cpu_seconds_total{service="worker"}']
        assert seen > 0.05
        assert metrics(port)['davit_service_cpu_seconds_total{service="worker"}'] >= seen


def test_an_orphan_raises_the_orphans(tmp_path, port):
    maker = f"  maker: {{command: {script('( sleep 0.01 & ); exec sleep 1000')}}}\n"
    with Davit(tmp_path, shop(port, services=maker)) as davit:
        davit.wait_phase("online")
        counts(port, "davit_orphans_reaped_total", 1)


def test_a_failing_probe_raises_its_failures(tmp_path, port):
    sick = script("exec sleep 1000")
    probe = "{exec: {command: ['false']}, periodSeconds: 0.05, failureThreshold: 3}"
    services = f"  sick: {{command: {sick}, livenessProbe: {probe}, backoff: {{initialSeconds: 0}}}}\n"
    with Davit(tmp_path, shop(port, services=services)) as davit:
        davit.wait_phase("online")
        counts(port, 'davit_probe_failures_total{service="sick",probe="liveness"}', 4)
        counts(port, 'davit_service_restarts_total{service="sick"}', 1)
        assert 'davit_probe_failures_total{service="sick",probe="readiness"}' not in metrics(port)
        assert metrics(port)['davit_probe_failures_total{service="shop",probe="startup"}'] >= 0


def test_steps_are_counted_by_how_they_ended(tmp_path, port):
    second_try = script("test -e $T/tried || { touch $T/tried; exit 1; }")
    lifecycle = f"""lifecycle:
  preload: {{exec: {{command: {script('exit 0')}}}}}
  online: {{exec: {{command: {second_try}}}, attempts: 2, periodSeconds: 0}}
  offline: {{exec: {{command: {script('sleep 1000')}}}, timeoutSeconds: 0.2}}
"""
    with Davit(tmp_path, shop(port, lifecycle)) as davit:
        davit.wait_phase("online")
        seen = metrics(port)
        assert seen['davit_step_runs_total{step="preload",result="ok"}'] == 1
        assert seen['davit_step_runs_total{step="online",result="ok"}'] == 1
        assert seen['davit_step_runs_total{step="online",result="failed"}'] == 1
        assert seen['davit_step_duration_seconds{step="online"}'] > 0
        assert 'davit_step_duration_seconds{step="offline"}' not in seen
        assert seen['davit_phase{phase="online"}'] == 1
        assert seen["davit_ready"] == 1
        assert davit.ctl("offline").returncode == 1
        seen = metrics(port)
        assert seen['davit_step_runs_total{step="offline",result="timeout"}'] == 1
        assert seen['davit_step_duration_seconds{step="offline"}'] >= 0.2
        assert seen['davit_phase{phase="offline"}'] == 1
        assert seen["davit_ready"] == 0


def test_cpus_and_what_is_disabled(tmp_path, port):
    services = "  off: {command: 'true', enabled: false}\n"
    with Davit(tmp_path, shop(port, services=services)) as davit:
        davit.wait_phase("online")
        seen = metrics(port)
        told = json.loads(davit.ctl("cpus", "-o", "json").stdout)
        assert seen["davit_cpus_effective"] == told["cpus"]
        assert seen.get("davit_cpu_quota_cores") == told["quota"]
        assert not [name for name in seen if 'service="off"' in name]


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one CPU only: there is nothing to take away")
def test_who_reads_the_metrics_makes_davit_notice_a_resize(tmp_path, port):
    with Davit(tmp_path, shop(port)) as davit:
        davit.wait_phase("online")
        before = metrics(port)["davit_cpus_effective"]
        first = min(os.sched_getaffinity(0))
        os.sched_setaffinity(davit.pid, {first})
        eventually(lambda: metrics(port)["davit_cpus_effective"] == 1, "the count is read again (it may be 100 ms old)")
        davit.stderr.wait_for(rf"info cpus {before:.0f} -> 1 \(affinity {first}\)$")


def test_promtool_has_nothing_to_say(tmp_path, port):
    services = f"  log: {{command: {script('exec sleep 1000')}, readinessProbe: {{file: {{path: /}}}}}}\n"
    with Davit(tmp_path, shop(port, services=services)) as davit:
        davit.wait_phase("online")
        text = request(port, "/metrics").body
        checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True,
                                 timeout=DEADLINE)
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


@contextlib.contextmanager
def prometheus(directory, target):
    """A real one that scrapes `target`; gives the address of its API."""
    port = free_port()
    configuration = directory / "prometheus.yml"
    configuration.write_text(f"""global: {{scrape_interval: 200ms}}
scrape_configs:
  - job_name: davit
    static_configs: [{{targets: ['127.0.0.1:{target}']}}]
""")
    with open(directory / "prometheus.log", "wb") as log:
        process = subprocess.Popen(
            ["prometheus", f"--config.file={configuration}", f"--storage.tsdb.path={directory / 'data'}",
             f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}/api/v1/query?query="
    finally:
        process.terminate()
        process.wait(DEADLINE)


def query(api, expression):
    """The value of the only series that the expression gives; None: there is none yet."""
    try:
        with urllib.request.urlopen(api + urllib.parse.quote(expression), timeout=DEADLINE) as answer:
            result = json.load(answer)["data"]["result"]
    except OSError:
        return None
    return float(result[0]["value"][1]) if len(result) == 1 else None


def test_a_real_prometheus_scrapes_it(tmp_path, port):
    worker = f"  worker: {{command: {script('exec sleep 1000')}, backoff: {{initialSeconds: 0}}}}\n"
    with Davit(tmp_path, shop(port, services=worker)) as davit, prometheus(tmp_path, port) as api:
        davit.wait_phase("online")
        eventually(lambda: query(api, 'up{job="davit"}') == 1, "Prometheus has scraped davit")
        eventually(lambda: query(api, "davit_ready * on(instance) group_left(app) davit_build_info{app='shop'}") == 1,
                   "it knows that the shop is ready")
        assert query(api, "count(davit_phase)") == 11
        assert query(api, "davit_service_resident_memory_bytes{service='worker'}") > 0
        davit.ctl("signal", "KILL", "worker")
        eventually(lambda: (query(api, "increase(davit_service_restarts_total{service='worker'}[1m])") or 0) > 0,
                   "it has seen a restart")
        assert query(api, "scrape_samples_scraped{job='davit'}") > 40
