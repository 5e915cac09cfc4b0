# SPDX-License-Identifier: Apache-2.0
"""`davit exec`, `davit shell` and `davit env`: a process like those of a service, and no part of it."""

import json
import os
import pty
import select
import shlex
import signal
import subprocess
import sys
import termios
import time

import pytest
from davit_process import DEADLINE, MAIN, Davit, binary, eventually, script

SHOP = f"""
services:
  web:
    main: true
    command: {MAIN}
    env: {{TOKEN: secret, GREETING: hello world}}
    workingDir: /usr
    umask: 0027
    nice: 3
    oomScoreAdj: 200
    rlimits: {{nofile: 300}}
  helper: {{command: {script('exec sleep 600')}, user: nobody}}
"""


@pytest.fixture(scope="module")
def davit(tmp_path_factory):
    with Davit(tmp_path_factory.mktemp("exec"), SHOP) as running:
        running.wait_phase("online")
        yield running


def test_a_command_has_the_surroundings_of_the_service(davit):
    answer = davit.ctl("exec", "web", "--", "sh", "-c",
                       "pwd; umask; nice; ulimit -n; cat /proc/self/oom_score_adj; echo $TOKEN $DAVIT_SERVICE; id -u")
    assert answer.stdout.splitlines() == ["/usr", "0027", "3", "300", "200", "secret web", "0"]
    assert answer.returncode == 0


def test_the_environment_is_that_of_the_service_and_not_that_of_the_caller(davit):
    answer = davit.ctl("exec", "web", "--", "env", env={"ONLY_MINE": "1", "GREETING": "mine", "TERM": "vt100"})
    variables = dict(line.split("=", 1) for line in answer.stdout.splitlines())
    assert variables.pop("DAVIT_EXEC") == "1"
    pid = davit.service("web")["pid"]
    leader = subprocess.run(davit.client_command()[:-1] + ["cat", f"/proc/{pid}/environ"], capture_output=True).stdout
    assert variables == dict(entry.decode().split("=", 1) for entry in leader.rstrip(b"\0").split(b"\0"))


def test_variables_that_are_no_utf8_arrive_unchanged(tmp_path):
    with Davit(tmp_path, SHOP, env={"LATIN": os.fsdecode(b"caf\xe9")}) as davit:
        davit.wait_phase("online")
        del davit.environment["LATIN"]  # of the clients
        answer = subprocess.run(davit.client_command("exec", "web", "--", "printenv", "LATIN"), env=davit.environment,
                                capture_output=True)
        assert answer.stdout == b"caf\xe9\n"
        shown = subprocess.run(davit.client_command("env", "web", "--reveal"), env=davit.environment, capture_output=True)
        assert b"\nLATIN=caf\xe9\n" in shown.stdout
        masked = json.loads(davit.ctl("env", "web", "-o", "json").stdout)
        assert masked["env"]["LATIN"] == "***" and "envBytes" not in masked


def test_the_user_is_that_of_the_service(davit):
    answer = davit.ctl("exec", "helper", "--", "sh", "-c", "id -un; id -gn; id -G; echo $HOME")
    assert answer.stdout.split() == ["nobody", "nogroup", "65534", "/nonexistent"]


@pytest.mark.parametrize("command, code", [
    (["sh", "-c", "exit 7"], 7), (["sh", "-c", "kill -KILL $$"], 137), (["no-such-command"], 127), (["/nowhere/x"], 127), (["/etc/passwd"], 126)])
def test_it_exits_as_the_command_does(davit, command, code):
    answer = davit.ctl("exec", "web", "--", *command)
    assert (answer.returncode if answer.returncode >= 0 else 128 - answer.returncode) == code, answer.stderr


def test_a_command_that_is_not_found_is_named(davit):
    assert davit.ctl("exec", "web", "--", "no-such-command").stderr == \
        "davit exec: no-such-command: not found in PATH (at exec, uid 0)\n"


def test_an_unknown_service_is_1_and_usage_is_2(davit):
    answer = davit.ctl("exec", "wbe", "--", "true")
    assert (answer.returncode, answer.stderr) == (1, 'davit exec: unknown service "wbe" (did you mean "web"?)\n')
    assert davit.ctl("env", "wbe").returncode == 1
    assert davit.ctl("shell", "wbe").returncode == 1
    for arguments in (["exec"], ["exec", "web"], ["exec", "web", "--"], ["exec", "web", "ls"], ["env"], ["shell", "a", "b"]):
        assert davit.ctl(*arguments).returncode == 2, arguments


def test_nobody_there_is_3(tmp_path, davit):
    nowhere = ["--socket", str(tmp_path / "none")]
    for arguments in (["exec", *nowhere, "web", "--", "true"], ["shell", *nowhere], ["env", "web", *nowhere]):
        assert davit.ctl(*arguments).returncode == 3, arguments


def test_a_frozen_davit_is_4(tmp_path):
    with Davit(tmp_path, SHOP) as frozen:
        frozen.wait_phase("online")
        frozen.signal(signal.SIGSTOP)
        assert frozen.ctl("exec", "web", "--timeout", "1", "--", "true").returncode == 4
        assert frozen.ctl("env", "web", "--timeout", "1").returncode == 4
        frozen.signal(signal.SIGCONT)


def test_env_masks_values_unless_it_is_asked(davit):
    masked = davit.ctl("env", "web")
    assert masked.returncode == 0
    assert "TOKEN=***" in masked.stdout.splitlines()
    assert "secret" not in masked.stdout and "hello" not in masked.stdout
    assert "DAVIT_SERVICE=***" in masked.stdout and "PATH=***" in masked.stdout
    revealed = davit.ctl("env", "web", "--reveal").stdout.splitlines()
    assert revealed[0].startswith("# web: user 0, group 0, groups ")
    assert "directory /usr, umask 0027, nice 3, oom score 200" in revealed[0]
    assert {"TOKEN=secret", "GREETING=hello world", "DAVIT_SERVICE=web"} <= set(revealed)


def test_env_as_json_has_everything(davit):
    answer = json.loads(davit.ctl("env", "helper", "-o", "json").stdout)
    assert set(answer) == {"service", "workingDir", "uid", "gid", "groups", "umask", "nice", "oomScoreAdj", "noNewPrivileges",
                           "rlimits", "env"}
    assert (answer["service"], answer["uid"], answer["gid"], answer["groups"]) == ("helper", 65534, 65534, [])
    assert set(answer["env"].values()) == {"***"}
    web = json.loads(davit.ctl("env", "web", "--reveal", "-o", "json").stdout)
    assert web["env"]["TOKEN"] == "secret"
    assert web["rlimits"]["nofile"] == {"soft": 300, "hard": 300}


def test_what_exec_starts_and_what_that_leaves_is_no_part_of_the_service(davit):
    leave = "setsid sleep 4711 & exec sleep 4712"
    client = davit.start_ctl("exec", "helper", "--", "sh", "-c", leave)

    def running(seconds):
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    if file.read() == b"sleep\0%d\0" % seconds:
                        found.append(int(pid))
            except OSError:
                pass
        return found

    try:
        eventually(lambda: running(4711) and running(4712), "both run")
        client_pids = running(4711) + running(4712)
        assert davit.ctl("restart", "helper").returncode == 0
        # The orphan becomes PID 1's child now, and still has the service's name in its environment.
        os.kill(running(4712)[0], signal.SIGKILL)
        client.wait(DEADLINE)
        assert davit.ctl("restart", "helper").returncode == 0
        assert davit.ctl("stop", "helper").returncode == 0
        assert running(4711), "the orphan of an exec is left alone"
        assert davit.ctl("start", "helper").returncode == 0
    finally:
        for pid in running(4711) + running(4712):
            if pid in client_pids:
                os.kill(pid, signal.SIGKILL)


# ---- with a terminal -------------------------------------------------------------------------------------------------


class Terminal:
    """A process in a pseudo terminal of its own, as `kubectl exec -it` gives one."""

    def __init__(self, command, env, cwd="/"):
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            # Whatever the test run ignores (a background job INT and QUIT): here the terminal's keys count.
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTSTP, signal.SIGPIPE):
                signal.signal(number, signal.SIG_DFL)
            os.chdir(cwd)
            os.execvpe(command[0], list(map(str, command)), env)
        self._text = ""

    def type(self, text):
        os.write(self._fd, text.encode())

    def resize(self, rows, columns):
        termios.tcsetwinsize(self._fd, (rows, columns))

    def wait_for(self, text, deadline=DEADLINE):
        """Everything up to `text`, which is taken out."""
        end = time.monotonic() + deadline
        while text not in self._text:
            left = end - time.monotonic()
            assert left > 0, f"{text!r} did not appear in {self._text!r}"
            if select.select([self._fd], [], [], left)[0]:
                try:
                    self._text += os.read(self._fd, 4096).decode(errors="replace")
                except OSError:
                    assert text in self._text, f"{text!r} did not appear in {self._text!r}"
        before, _, self._text = self._text.partition(text)
        return before + text

    def wait(self):
        end = time.monotonic() + DEADLINE
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = None
                return os.waitstatus_to_exitcode(status)
            assert time.monotonic() < end, f"it still runs: {self._text!r}"
            select.select([self._fd], [], [], 0.05)
            try:
                self._text += os.read(self._fd, 4096).decode(errors="replace") if select.select([self._fd], [], [], 0)[0] else ""
            except OSError:
                pass

    def close(self):
        if self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._fd)


@pytest.fixture
def terminal(davit):
    opened = []

    def open_terminal(*arguments, env=None):
        opened.append(Terminal(davit.client_command(*arguments), {**davit.environment, "TERM": "xterm", **(env or {})}))
        return opened[-1]

    yield open_terminal
    for one in opened:
        one.close()


# One that starts nothing: a shell whose child is stopped between vfork and exec waits for it where Ctrl-Z cannot stop it.
STOPPABLE = shlex.join([sys.executable, "-c", "; ".join([
    "import signal",
    "signal.signal(signal.SIGINT, signal.SIG_DFL)",
    "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCONT])",
    "print('star' 'ted', flush=True)",
    "signal.sigwait([signal.SIGCONT])",
    "print('res' 'umed', flush=True)",
    "signal.pause()",
])])


def test_a_shell_has_the_terminal_its_size_and_job_control(davit, terminal):
    shell = terminal("shell")
    shell.type("PS1='rea''dy '; set -m; echo $TOKEN-$DAVIT_SERVICE-$TERM\n")
    shell.wait_for("secret-web-xterm")
    shell.wait_for("ready ")
    shell.resize(33, 111)
    shell.type("stty size; tty >/dev/null && echo is-''terminal\n")
    shell.wait_for("33 111")
    shell.wait_for("is-terminal")
    shell.type(f"{STOPPABLE}\n")
    shell.wait_for("started")
    shell.type("\x1a")  # Ctrl-Z
    shell.wait_for("topped")
    shell.wait_for("ready ")
    shell.type("fg\n")
    shell.wait_for("resumed")
    shell.type("\x03")  # Ctrl-C
    shell.wait_for("ready ")
    shell.type("echo code-$?\n")
    shell.wait_for("code-130")
    shell.type("exit 5\n")
    assert shell.wait() == 5
    assert davit.service("web")["state"] == "running"


def test_ctrl_c_ends_the_command_and_not_the_service(davit, terminal):
    command = terminal("exec", "web", "--", "sh", "-c", "echo up; exec sleep 600")
    command.wait_for("up")
    command.type("\x03")
    assert command.wait() == -signal.SIGINT
    assert davit.service("web")["state"] == "running"


def test_a_shell_of_another_service_is_that_services_user(davit, terminal):
    shell = terminal("shell", "helper")  # whose shell in /etc/passwd is nologin
    shell.type("echo I-am-$(id -un)\n")
    shell.wait_for("I-am-nobody")
    shell.type("exit\n")
    assert shell.wait() == 0


def test_without_a_terminal_a_shell_reads_commands(davit):
    answer = subprocess.run(davit.client_command("shell", "web"), input="echo $GREETING; exit 3\n", text=True, capture_output=True,
                            env=davit.environment, timeout=DEADLINE)
    assert (answer.stdout, answer.returncode) == ("hello world\n", 3)


# ---- main's own stdin and terminal ---------------------------------------------------------------------------------


def test_main_has_the_stdin_of_davit_and_helpers_have_none(tmp_path):
    file = tmp_path / "davit.yaml"
    file.write_text(f"""
services:
  helper: {{oneshot: true, command: {script('cat > $T/helper-read')}}}
  shop: {{main: true, command: {script('cat > $T/main-read; exit 6')}}}
""")
    environment = {"PATH": os.environ["PATH"], "T": str(tmp_path), "DAVIT_SOCKET": str(tmp_path / "s"), "ASAN_OPTIONS": "detect_leaks=0"}
    done = subprocess.run([binary(), "run", "-c", file], input=b"typed", env=environment, capture_output=True, timeout=DEADLINE)
    assert done.returncode == 6, done.stderr
    assert (tmp_path / "main-read").read_bytes() == b"typed"
    assert (tmp_path / "helper-read").read_bytes() == b""



def test_main_has_the_terminal_of_davit_with_job_control_and_ctrl_c_is_its_own(tmp_path):
    """As `docker run -it`: main is a shell in the foreground, the helper is not touched by what is typed."""
    tmp_path.chmod(0o755)
    file = tmp_path / "davit.yaml"
    helper = script("trap 'note helper-int' INT; note helper-up; while :; do sleep 0.05; done")
    file.write_text(f"""
services:
  helper: {{command: {helper}}}
  shell: {{main: true, user: nobody, command: [sh, -i], env: {{PS1: 'ready '}}, workingDir: /}}
""")
    environment = {"PATH": os.environ["PATH"], "T": str(tmp_path), "TERM": "xterm", "DAVIT_SOCKET": str(tmp_path / "s"),
                   "ASAN_OPTIONS": "detect_leaks=0"}
    terminal = Terminal(["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", binary(), "run", "-c", file], environment)
    try:
        terminal.wait_for("ready ")
        terminal.type("echo I-am-$(id -un); echo by-name > $(tty) && echo terminal-is-''mine\n")
        terminal.wait_for("I-am-nobody")
        terminal.wait_for("terminal-is-mine")
        terminal.type("sh -c 'echo star''ted; exec sleep 600'\n")
        terminal.wait_for("started")
        terminal.type("\x03")
        terminal.wait_for("ready ")
        terminal.resize(20, 90)
        terminal.type("stty size; exit 9\n")
        terminal.wait_for("20 90")
        assert terminal.wait() == 9
        assert (tmp_path / "trace").read_text().split() == ["helper-up"]
    finally:
        terminal.close()
