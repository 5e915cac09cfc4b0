# SPDX-License-Identifier: Apache-2.0
"""The real davit as PID 1 of a PID namespace of its own, with a configuration written for one test.

    with Davit(tmp_path, SHOP) as davit:
        davit.wait_phase("online")
        davit.signal(signal.SIGTERM)       # as the kubelet sends it: from outside
        assert davit.wait() == 143

Clients run inside the namespace (`davit.ctl("status")`), as `kubectl exec` and the kubelet's hooks do. Everything
that is waited for has a deadline of seconds; nothing sleeps for a fixed time. The end of the `with` leaves no process.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

DEADLINE = 30  # seconds; machines are slow, builds with sanitizers slower


class Output:
    """The lines of one stream as they come."""

    def __init__(self, stream):
        self._lines = []
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream):
        for line in stream:
            with self._changed:
                self._lines.append(line.decode(errors="replace").rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def lines(self):
        with self._changed:
            return list(self._lines)

    def text(self):
        return "\n".join(self.lines())

    def wait_for(self, pattern, deadline=DEADLINE, count=1):
        """The first line that matches, once `count` do."""
        end = time.monotonic() + deadline
        expression = re.compile(pattern)
        with self._changed:
            while True:
                found = [line for line in self._lines if expression.search(line)]
                if len(found) >= count:
                    return found[0]
                left = end - time.monotonic()
                if left <= 0 or self._ended:
                    raise AssertionError(f"no {count} lines match {pattern!r} in:\n" + "\n".join(self._lines))
                self._changed.wait(left)

    def wait_end(self, deadline=DEADLINE):
        self._thread.join(deadline)
        assert not self._thread.is_alive(), "the stream is still open"
        return self.lines()


def eventually(condition, what, deadline=DEADLINE):
    """Waits until `condition()` is true and gives its value."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not within {deadline} s: {what}"
        time.sleep(0.02)


def binary():
    return Path(os.environ["DAVIT_BINARY"]).resolve()


def start_plainly(then=None):
    """In the child: signals at their default, whatever the test run itself ignores (nohup, a shell's background job)."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    if then is not None:
        then()


class Davit:
    def __init__(self, directory, configuration=None, arguments=(), env=None, mode="namespace", stdout=None, limits=None):
        self.directory = Path(directory)
        self.socket = str(self.directory / "davit.sock")
        self.termination_log = self.directory / "termination-log"
        self.termination_log.touch()
        self._mode = mode
        command = [str(binary()), "run"]
        if configuration is not None:
            file = self.directory / "davit.yaml"
            file.write_text(configuration)
            command += ["-c", str(file)]
        command += list(arguments)
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.directory), "T": str(self.directory),
            "DAVIT_SOCKET": self.socket, "DAVIT_TERMINATION_LOG": str(self.termination_log),
            "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1", "UBSAN_OPTIONS": "print_stacktrace=1", **(env or {})}
        if mode == "namespace":
            command = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", *command]
        self._process = subprocess.Popen(command, env=self.environment, cwd=self.directory, stdin=subprocess.DEVNULL,
                                         stdout=stdout if stdout is not None else subprocess.PIPE,
                                         stderr=subprocess.PIPE, preexec_fn=lambda: start_plainly(limits))
        self.stdout = Output(self._process.stdout) if stdout is None else None
        self.stderr = Output(self._process.stderr)
        self.pid = self._find_pid()

    # ---- the process -------------------------------------------------------------------------------------

    def _find_pid(self):
        """PID 1 of the namespace as this machine numbers it; None if it has ended already."""
        if self._mode != "namespace":
            return self._process.pid
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        end = time.monotonic() + DEADLINE
        while self._process.poll() is None and time.monotonic() < end:
            try:
                found = children.read_text().split()
            except OSError:
                found = []
            for pid in found:
                # Before exec it is still unshare.
                try:
                    if Path(f"/proc/{pid}/exe").resolve() == binary():
                        return int(pid)
                except OSError:
                    pass
            time.sleep(0.005)
        return None

    def signal(self, number):
        os.kill(self.pid, number)

    def wait(self, deadline=DEADLINE):
        """The exit code as a container runtime gives it."""
        code = self._process.wait(deadline)
        return code if code >= 0 else 128 - code

    def is_running(self):
        return self._process.poll() is None

    def close(self):
        if self._mode == "plain" and self._process.poll() is None:
            # No PID namespace ends its children with it: davit has to stop them.
            self._process.terminate()
            try:
                self._process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                pass
        if self._process.poll() is None:
            for pid in [self.pid, self._process.pid]:
                if pid:
                    try:
                        os.kill(pid, signal.SIGCONT)
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
            self._process.wait(DEADLINE)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.close()
        if kind is not None:
            print("---- davit's stderr:", self.stderr.text(), "---- stdout:", self.stdout.text() if self.stdout else "",
                  sep="\n", file=sys.stderr)
        sanitizer = [line for line in self.stderr.lines() if "Sanitizer" in line or "runtime error:" in line]
        assert not sanitizer, "\n".join(self.stderr.lines()[-60:])

    # ---- clients -------------------------------------------------------------------------------------------

    def client_command(self, *arguments):
        enter = ["nsenter", "--target", str(self.pid), "--pid", "--mount"] if self._mode == "namespace" else []
        return [*enter, str(binary()), *arguments]

    def ctl(self, *arguments, deadline=DEADLINE * 3, env=None):
        return subprocess.run(self.client_command(*arguments), env={**self.environment, **(env or {})}, timeout=deadline,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)

    def start_ctl(self, *arguments):
        return subprocess.Popen(self.client_command(*arguments), env=self.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def status(self):
        answer = self.ctl("status", "-o", "json")
        assert answer.returncode == 0, answer.stderr
        return json.loads(answer.stdout)

    def service(self, name):
        return next(service for service in self.status()["services"] if service["name"] == name)

    def wait_phase(self, phase, deadline=DEADLINE):
        return self.stderr.wait_for(rf"phase {phase}\b", deadline)

    def wait_state(self, name, state, deadline=DEADLINE):
        return eventually(lambda: self.service(name)["state"] == state, f"{name} is {state}", deadline)

    # ---- what services and scripts wrote -------------------------------------------------------------------

    def trace(self):
        """Lines that scripts appended to $T/trace, in order."""
        file = self.directory / "trace"
        return file.read_text().splitlines() if file.exists() else []

    def wait_trace(self, line, count=1, deadline=DEADLINE):
        eventually(lambda: self.trace().count(line) >= count, f"{count} x {line!r} in the trace {self.trace()}", deadline)


def script(text):
    """A command for YAML that runs `text` with a shell; `note WORD` appends to the trace. davit reads $$ as $."""
    prelude = 'note() { echo "$*" >> "$T/trace"; }; '
    return json.dumps(["sh", "-c", (prelude + text).replace("$$", "$$$$")])


# main that tells that it runs, and ends with 0 on TERM. MAIN_IS_UP is a probe that is good when it has told.
MAIN = script("trap 'note main-term; exit 0' TERM; note main-start; echo $$ > $T/main-up; while :; do sleep 0.05; done")
MAIN_IS_UP = "{exec: {command: " + script("kill -0 $(cat $T/main-up)") + "}, periodSeconds: 1}"
