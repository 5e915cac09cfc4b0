# SPDX-License-Identifier: Apache-2.0
"""Bad input and faults: each is told, nothing is lost, nothing hangs."""

import os
import signal
import socket
import subprocess
import time

import pytest
from davit_process import DEADLINE, MAIN, Davit, eventually, script

SHOP = f"""
services:
  helper:
    command: {script("note helper-start; exec sleep 600")}
    backoff: {{initialSeconds: 0.05}}
  shop: {{main: true, command: {MAIN}}}
"""


@pytest.mark.parametrize("text, error", [
    ("services: {web: {command: sleep 1, comand: x}}", 'unknown key "comand" (did you mean "command"?)'),
    ("services: {web: {command: sleep 1, dependsOn: [datbase]}, database: {command: sleep 1}}", 'unknown service "datbase" (did you mean "database"?)'),
    ("services: [", "davit.yaml:1"),
    ("a: 1\n---\nb: 2\n", "second document"),
    ("services:\n  a: {command: x}\n  a: {command: y}\n", "a"),
    ("services: {a: {command: x, dependsOn: [b]}, b: {command: x, dependsOn: [a]}}", "a → b → a"),
    ("services: {web: {command: 'sleep \"1'}}", "never closed"),
    ("services: {web: {command: sleep 1, logs: loud}}", "logs"),
])
def test_a_bad_configuration_is_125_and_starts_nothing(tmp_path, text, error):
    with Davit(tmp_path, text) as davit:
        assert davit.wait() == 125
        assert error in davit.stderr.text()
        assert "davit.yaml:" in davit.stderr.text()


def test_all_problems_are_told_at_once(tmp_path):
    with Davit(tmp_path, "services:\n  web: {main: true, command: sleep 1, nope: 1}\n  job: {oneshot: 7, command: x}\nappp: x\n") as davit:
        assert davit.wait() == 125
        assert len([line for line in davit.stderr.lines() if "davit.yaml:" in line]) == 3


def test_a_main_that_does_not_exist_is_127_and_one_that_may_not_run_126(tmp_path):
    (tmp_path / "data").write_text("no program")
    for command, code, text in [("/nonexistent/main", 127, "no such file"), (str(tmp_path / "data"), 126, "permission denied")]:
        with Davit(tmp_path, f"services: {{shop: {{main: true, command: [{command}]}}}}") as davit:
            assert davit.wait() == code
            assert text in davit.termination_log.read_text().lower()


def test_a_helper_that_cannot_run_is_a_failed_attempt(tmp_path):
    configuration = f"""
services:
  helper: {{command: [/nonexistent/helper], backoff: {{initialSeconds: 0.01, limit: 2}}}}
  shop: {{main: true, dependsOn: [], command: {MAIN}}}
"""
    with Davit(tmp_path, configuration) as davit:
        davit.wait_phase("online")
        davit.wait_state("helper", "failed")
        why = davit.service("helper")["why"]
        assert "2 restarts" in why and "no such file" in why.lower()


def test_kill_9_of_a_helper_restarts_it(tmp_path):
    with Davit(tmp_path, SHOP) as davit:
        davit.wait_phase("online")
        for count in (2, 3):
            assert davit.ctl("signal", "KILL", "helper").returncode == 0
            davit.wait_trace("helper-start", count=count)
        eventually(lambda: davit.service("helper")["state"] == "running", "it runs again")
        assert davit.service("helper")["lastExit"]["signal"] == "KILL"


def test_a_service_that_ignores_term_is_killed_in_time(tmp_path):
    configuration = f"""
terminationGracePeriodSeconds: 6
services:
  shop: {{main: true, command: {script("trap '' TERM; note up; while :; do sleep 1; done")}}}
"""
    with Davit(tmp_path, configuration) as davit:
        davit.wait_trace("up")
        begin = time.monotonic()
        davit.signal(signal.SIGTERM)
        assert davit.wait() == 137
        assert time.monotonic() - begin < 6


def test_an_offline_script_that_never_ends_does_not_hold_the_stop(tmp_path):
    configuration = SHOP + f"""
terminationGracePeriodSeconds: 8
lifecycle:
  offline: {{exec: {{command: {script("note offline; trap '' TERM; while :; do sleep 1; done")}}}}}
"""
    with Davit(tmp_path, configuration) as davit:
        davit.wait_phase("online")
        begin = time.monotonic()
        davit.signal(signal.SIGTERM)
        davit.wait()
        assert time.monotonic() - begin < 8
        assert davit.trace().count("offline") == 1


def test_a_script_that_leaves_a_process_with_its_output_ends_all_the_same(tmp_path):
    configuration = SHOP + f"""
lifecycle:
  preload: {{exec: {{command: {script("sleep 600 & note preload; echo ready")}}}}}
"""
    with Davit(tmp_path, configuration) as davit:
        davit.wait_phase("online")
        davit.stderr.wait_for(r"phase online")
        eventually(lambda: "sleep" not in processes_of(davit, "600", exclude="helper"), "what the script left is ended")


def processes_of(davit, word, exclude=None):
    """Names of processes in davit's namespace whose command line holds `word`."""
    names = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.stat(f"/proc/{pid}/ns/pid").st_ino != os.stat(f"/proc/{davit.pid}/ns/pid").st_ino:
                continue
            command = open(f"/proc/{pid}/cmdline").read().split("\0")
            environment = open(f"/proc/{pid}/environ").read()
        except OSError:
            continue
        if word in command and (exclude is None or f"DAVIT_SERVICE={exclude}" not in environment):
            names.append(os.path.basename(command[0]))
    return names


def test_what_a_leader_leaves_behind_is_stopped_and_named(tmp_path):
    configuration = f"""
services:
  helper:
    command: {script("note start; sleep 601 & until grep -q sleep /proc/$!/comm; do :; done; exit 0")}
    backoff: {{initialSeconds: 60}}
  shop: {{main: true, dependsOn: [], command: {MAIN}}}
"""
    with Davit(tmp_path, configuration) as davit:
        davit.wait_state("helper", "backoff")
        assert "left sleep (pid" in davit.service("helper")["why"]
        assert "sleep" not in processes_of(davit, "601")


def test_what_escapes_into_its_own_session_is_stopped_with_its_service(tmp_path):
    configuration = f"""
services:
  helper: {{command: {script("setsid sleep 602 & sleep 0.3; note helper-up; exec sleep 603")}}}
  shop: {{main: true, command: {MAIN}}}
"""
    with Davit(tmp_path, configuration) as davit:
        davit.wait_trace("helper-up")
        davit.wait_phase("online")
        assert davit.ctl("stop", "helper").returncode == 0
        assert "sleep" not in processes_of(davit, "603")
        eventually(lambda: "sleep" not in processes_of(davit, "602"), "what escaped is gone")


def test_what_a_leader_forks_while_it_ends_gets_the_stop_signal_as_well(tmp_path):
    # A group of its own (set -m): the signal to the leader's group never reached it. KILL would come after 600 s.
    leader = """exec bash -c 'set -m; trap "while [ ! -e $T/go ]; do :; done; sleep 604 & exit" TERM; touch $T/trap-is-set; while :; do :; done'"""
    configuration = f"""
services:
  helper:
    command: {script(leader)}
    startupProbe: {{exec: {{command: {script("test -e $T/trap-is-set")}}}}}
    terminationGracePeriodSeconds: 600
  shop: {{main: true, command: {MAIN}}}
terminationGracePeriodSeconds: 700
"""
    with Davit(tmp_path, configuration) as davit:
        davit.wait_phase("online")
        assert davit.ctl("stop", "--no-wait", "helper").returncode == 0
        davit.wait_state("helper", "stopping")
        (tmp_path / "go").touch()
        davit.wait_state("helper", "stopped")
        assert "sleep" not in processes_of(davit, "604")


def test_a_log_reader_that_stopped_blocks_writers_but_not_davit(tmp_path):
    configuration = f"""
terminationGracePeriodSeconds: 8
services:
  chatty: {{command: {script("note chatty; i=0; while :; do i=$((i+1)); echo line $i of many; done")}}}
  shop: {{main: true, command: {MAIN}}}
lifecycle:
  offline: {{exec: {{command: {script("note offline; seq 100000")}}}}}
"""
    reader, writer = os.pipe()
    try:
        with Davit(tmp_path, configuration, stdout=writer) as davit:
            os.close(writer)
            davit.wait_phase("online")
            davit.wait_trace("chatty")
            for probe in ("startup", "ready", "live"):
                assert davit.ctl("probe", probe).returncode == 0
            assert davit.ctl("prestop").returncode in (0, 1)
            davit.signal(signal.SIGTERM)
            davit.wait()
            assert davit.trace().count("offline") == 1
    finally:
        os.close(reader)


def test_relayed_lines_are_neither_lost_nor_mixed_when_the_reader_is_slow(tmp_path):
    lines = 20000
    configuration = f"""
services:
  one: {{oneshot: true, dependsOn: [], command: {script(f"i=0; while [ $i -lt {lines} ]; do i=$((i+1)); echo one $i end; done")}}}
  two: {{oneshot: true, dependsOn: [], command: {script(f"i=0; while [ $i -lt {lines} ]; do i=$((i+1)); echo two $i end; done")}}}
  shop: {{main: true, command: {script("exit 0")}}}
"""
    reader, writer = os.pipe()
    with Davit(tmp_path, configuration, stdout=writer) as davit:
        os.close(writer)
        davit.stderr.wait_for("one")
        with os.fdopen(reader, "rb") as stream:
            got = [line.decode() for line in stream.read().splitlines()]
        davit.wait()
        for name in ("one", "two"):
            assert [line for line in got if line.startswith(f"[{name}]")] == [f"[{name}] {name} {i} end" for i in range(1, lines + 1)]


def test_rubbish_on_the_socket_and_clients_that_vanish_harm_nobody(tmp_path):
    with Davit(tmp_path, SHOP) as davit:
        davit.wait_phase("online")
        probe = "import socket,sys,os\n" \
                "for data in (b'\\x00'*70000, b'GET / HTTP/1.1\\r\\n'+b'x: y\\r\\n'*9000, b'POST /v1/lifecycle/offlin', b'GET /v1/status HTTP/1.1\\r\\nhost: d\\r\\n\\r\\n', b''):\n" \
                "  for _ in range(20):\n" \
                "    s=socket.socket(socket.AF_UNIX)\n" \
                "    s.connect(os.environ['DAVIT_SOCKET'])\n" \
                "    try: s.sendall(data)\n" \
                "    except OSError: pass\n" \
                "    s.close()\n"
        enter = ["nsenter", "--target", str(davit.pid), "--pid", "--mount", "/usr/bin/python3", "-c", probe]
        subprocess.run(enter, env=davit.environment, check=True, timeout=DEADLINE * 2)
        assert davit.status()["phase"] == "online"


def test_a_caller_from_another_pid_namespace_is_closed_without_an_answer(tmp_path):
    with Davit(tmp_path, SHOP) as davit:
        davit.wait_phase("online")
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(DEADLINE)
            client.connect(davit.socket)
            try:
                client.sendall(b"GET /v1/status HTTP/1.1\r\nhost: davit\r\n\r\n")
                assert client.recv(1000) == b""
            except ConnectionResetError:
                pass
            except BrokenPipeError:
                pass


def test_two_thousand_orphans_are_reaped_and_the_services_stay(tmp_path):
    configuration = SHOP + f"""
  storm: {{oneshot: true, dependsOn: [], command: {script("i=0; while [ $i -lt 2000 ]; do i=$((i+1)); (sh -c 'exit 0' &); done; note storm-over")}}}
""".lstrip("\n")
    with Davit(tmp_path, configuration) as davit:
        davit.wait_trace("storm-over", deadline=DEADLINE * 3)
        davit.wait_phase("online", deadline=DEADLINE * 3)

        def zombies():
            count = 0
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    fields = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
                except OSError:
                    continue
                count += fields[1] == str(davit.pid) and fields[0] == "Z"
            return count
        eventually(lambda: zombies() == 0, "no zombie is left", DEADLINE * 2)
        assert davit.service("helper")["state"] == "running"
        assert davit.service("helper")["restarts"] == 0


def test_clients_of_a_frozen_davit_return_in_time(tmp_path):
    with Davit(tmp_path, SHOP) as davit:
        davit.wait_phase("online")
        davit.signal(signal.SIGSTOP)
        for arguments, limit in [(("probe", "live"), 0.9), (("status", "--timeout", "2"), 2), (("poststart", "--timeout", "2"), 2),
                                 (("prestop", "--timeout", "2"), 2), (("stop", "helper", "--timeout", "2"), 2)]:
            begin = time.monotonic()
            answer = davit.ctl(*arguments)
            assert answer.returncode == 4, (arguments, answer)
            # The client's own promise is a second; entering the namespace and a slow machine come on top.
            assert time.monotonic() - begin < limit + 5
        davit.signal(signal.SIGCONT)
        eventually(lambda: davit.ctl("probe", "live").returncode == 0, "it answers again")


def test_without_a_supervisor_clients_say_so_with_3(tmp_path):
    from davit_process import binary
    for arguments in (["status"], ["probe", "live"], ["prestop", "--timeout", "1"], ["poststart", "--timeout", "1"]):
        answer = subprocess.run([binary(), *arguments], env={"DAVIT_SOCKET": str(tmp_path / "nobody.sock"), "PATH": os.environ["PATH"],
                                "ASAN_OPTIONS": "detect_leaks=0"}, capture_output=True, text=True, timeout=DEADLINE)
        assert answer.returncode == 3, answer
        assert answer.stderr.strip()


def test_a_fork_that_is_refused_is_tried_again(tmp_path):
    # uid 65534 with a limit of processes that a hog uses up; root would be above the limit.
    configuration = f"""
services:
  helper: {{dependsOn: [], backoff: {{initialSeconds: 0.1, maxSeconds: 0.2}}, command: {script("note helper-start; exec sleep 600")}}}
  shop: {{main: true, dependsOn: [], command: {script("note main-start; exec sleep 600")}}}
"""
    from davit_process import Output, binary
    uid = 61234
    for folder in [tmp_path, *list(tmp_path.parents)[:3]]:
        if str(folder).startswith("/tmp/"):
            os.chmod(folder, 0o755)
    file = tmp_path / "davit.yaml"
    file.write_text(configuration)
    os.chown(tmp_path, uid, uid)
    environment = {"PATH": os.environ["PATH"], "T": str(tmp_path), "DAVIT_SOCKET": str(tmp_path / "n.sock"), "ASAN_OPTIONS": "detect_leaks=0"}
    process = subprocess.Popen(["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "prlimit", "--nproc=2",
                                str(binary()), "run", "-c", str(file)], env=environment, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        errors = Output(process.stderr)
        errors.wait_for(r"resource temporarily unavailable", DEADLINE)
        assert process.poll() is None
        # davit and one child fit into the limit: whichever starts, the other waits and is told.
        errors.wait_for(r"backoff", DEADLINE)
    finally:
        process.terminate()
        try:
            process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def test_two_davits_beside_each_other_do_not_take_each_others_socket(tmp_path):
    with Davit(tmp_path, SHOP, mode="plain") as first:
        first.wait_phase("online")
        (tmp_path / "second").mkdir()
        with Davit(tmp_path / "second", SHOP, mode="plain", env={"DAVIT_SOCKET": first.socket}) as second:
            assert second.wait() == 125
            assert "davit" in second.stderr.text()
        assert first.status()["phase"] == "online"
