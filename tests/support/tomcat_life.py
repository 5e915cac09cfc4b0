# SPDX-License-Identifier: Apache-2.0
"""The life of examples/tomcat from first to last: the world around the container, requests the whole time, the
container under runc, the kubelet's calls, and what came of it.

Shared by packaging/quickstart (which tells it to a person) and tests/container/test_tomcat_example.py.
Everything happens in a network of its own: call runc_box.enter_private_network() first.
"""

import contextlib
import dataclasses
import http.client
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import runc_box
from runc_box import Box, BoxError, as_child, signals_held

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLE = REPOSITORY / "examples" / "tomcat"
POD = "shop-1"
ENTRANCE = ("127.0.0.1", 8000)  # HAProxy's front
RUNTIME_API = ("127.0.0.1", 9999)
USER = 10001


def build_image(binary):
    """The files that the container's image adds to Debian's packages, in a new directory."""
    image = Path(tempfile.mkdtemp(prefix="davit-shop-"))
    image.chmod(0o755)
    with signals_held():
        builder = subprocess.Popen([EXAMPLE / "build", image, binary], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   text=True, start_new_session=True, preexec_fn=as_child)
    try:
        output = builder.communicate()[0]
        if builder.returncode != 0:
            raise BoxError(f"cannot build the example:\n{output}")
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(builder.pid, signal.SIGKILL)  # the compiler too, or it would go on writing
        builder.wait()
        shutil.rmtree(image, ignore_errors=True)
        raise
    return image


class ShopBox(Box):
    """The container of the example: no root, no capability, and `files` of the image laid over Debian."""

    def __init__(self, image, args=("davit", "run"), **options):
        environment = {
            "POD_NAME": POD, "POD_IP": "127.0.0.2", "HAPROXY_API": "%s:%d" % RUNTIME_API, "HAPROXY_BACKEND": "shop",
            "HAPROXY_ADDRESS": "127.0.0.2:8080", **options.pop("env", {})}
        super().__init__(args, env=environment, uid=USER, capabilities=(), hostname=POD, network="host", cwd="/",
                         tmpfs=["/tmp", "/run/shop"], **options)
        self.image = image

    def _make(self):
        super()._make()
        subprocess.run(["cp", "-a", f"{self.image}/.", self.root], check=True)


class World:
    """HAProxy, another pod of the shop, and the rates service: all that is outside the container."""

    def __enter__(self):
        self._processes = []
        self.home = Path(tempfile.mkdtemp(prefix="davit-world-"))
        try:
            (self.home / "tmp").mkdir()
            outside = EXAMPLE / "outside"
            self._start("nginx", "-e", "stderr", "-p", self.home, "-c", outside / "nginx.conf")
            self._start("haproxy", "-db", "-f", outside / "haproxy.cfg")
            self._wait_for_entrance()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.home, ignore_errors=True)

    def log(self):
        return "".join(path.read_text(errors="replace") for path in sorted(self.home.glob("*.log")))

    def registered(self):
        """HAProxy's words about the container: "UP", "DRAIN", "MAINT", ..., or None if it does not know it."""
        answer = subprocess.run(["socat", "-t", "5", "-", "TCP:%s:%d" % RUNTIME_API], input="show stat shop 4 -1\n",
                                capture_output=True, text=True, timeout=10).stdout
        for line in answer.splitlines():
            fields = line.split(",")
            if len(fields) > 17 and fields[1] == POD:
                return fields[17]
        return None

    def _start(self, *command):
        with open(self.home / f"{command[0]}.log", "w") as log, signals_held():
            self._processes.append(subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=log,
                                                    stderr=log, start_new_session=True, preexec_fn=as_child))

    def _wait_for_entrance(self):
        deadline = time.monotonic() + 10
        while True:
            try:
                if ask("/quote", "first")[0] == 200:
                    return
            except OSError:
                pass
            if time.monotonic() > deadline or any(process.poll() is not None for process in self._processes):
                raise BoxError(f"the world outside did not start:\n{self.log()}")
            time.sleep(0.05)


def ask(path, request_id):
    """One request through HAProxy on a connection of its own: status and body."""
    connection = http.client.HTTPConnection(*ENTRANCE, timeout=10)
    try:
        connection.request("GET", path, headers={"X-Request-Id": request_id})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


class Traffic:
    """Customers who never stop asking. Each request counts; one that is not answered with 200 by a pod is a failure."""

    def __init__(self, quick=4, slow=2):
        self.answered = {}  # pod -> list of request ids
        self.failures = []  # sentences
        self.sent = 0
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        paths = ["/quote?item=%d"] * quick + ["/report?item=%d"] * slow  # a report takes a second
        self._customers = [threading.Thread(target=self._customer, args=(path,), daemon=True) for path in paths]

    def __enter__(self):
        for customer in self._customers:
            customer.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Returns when every request that was sent is answered or has failed."""
        self._stop.set()
        for customer in self._customers:
            customer.join()

    def answered_by(self, pod):
        with self._lock:
            return len(self.answered.get(pod, ()))

    def wait_for(self, pod, more, timeout=30):
        """Returns when `pod` has answered `more` further requests."""
        goal, deadline = self.answered_by(pod) + more, time.monotonic() + timeout
        while self.answered_by(pod) < goal:
            if time.monotonic() > deadline:
                raise BoxError(f"{pod} did not answer {more} requests within {timeout} s")
            time.sleep(0.02)

    def _customer(self, path):
        while not self._stop.is_set():
            with self._lock:
                number = next(self._numbers)
                self.sent = number
            began = time.monotonic()
            try:
                status, body = ask(path % number, f"request-{number}")
                pod = json.loads(body)["pod"] if status == 200 else None
                problem = None if pod else f"{status} {body.strip()[:200]}"
            except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
                pod, problem = None, f"{type(error).__name__}: {error}"
            with self._lock:
                if pod:
                    self.answered.setdefault(pod, []).append(f"request-{number}")
                else:
                    self.failures.append(f"request {number} {path % number} at {time.strftime('%H:%M:%S')} "
                                         f"after {time.monotonic() - began:.1f} s: {problem}")
            self._stop.wait(0.04)


@dataclasses.dataclass
class Outcome:
    """What came of a life."""
    sent: int
    failures: list
    answered: dict  # pod -> request ids
    exit_code: int
    status_online: str  # what `davit status` printed
    poststart: subprocess.CompletedProcess
    prestop: subprocess.CompletedProcess
    registered_online: str
    registered_after_prestop: str
    running_after_prestop: bool
    logged: list  # request ids in the log agent's file, in order
    output: str
    termination_message: str


def live(image, say=lambda text: None, on_output=lambda piece: None, online_requests=600):
    """The whole life: poststart, traffic, status, prestop, SIGTERM, as the kubelet does it."""
    with World() as world, Traffic() as traffic, ShopBox(image, on_output=on_output) as box:
        traffic.wait_for("other-pod", 20)
        say(f"the container starts; until it is online, other-pod answers all requests ({traffic.sent} so far)")
        box.start()
        poststart = box.exec(["/opt/davit/hooks/poststart"], timeout=120)
        if poststart.returncode != 0:
            raise BoxError(f"poststart ended with {poststart.returncode}:\n{poststart.stdout}\n{box.output()}")
        registered_online = world.registered()
        status = box.exec(["davit", "status"])
        say(f"online; davit status says:\n{status.stdout}")
        traffic.wait_for(POD, online_requests, timeout=60)
        say(f"{traffic.answered_by(POD)} requests answered by the container; now the kubelet's preStop hook, then SIGTERM")
        prestop = box.exec(["/opt/davit/hooks/prestop"], timeout=60)
        registered_after, running = world.registered(), box.running()
        if running:
            box.kill(15)
        exit_code = box.wait(30)
        traffic.wait_for("other-pod", 20)
        traffic.stop()
        access_log = box.read("/var/log/shop/access.log").splitlines()
        return Outcome(
            sent=traffic.sent, failures=traffic.failures, answered=traffic.answered, exit_code=exit_code,
            status_online=status.stdout, poststart=poststart, prestop=prestop, registered_online=registered_online,
            registered_after_prestop=registered_after, running_after_prestop=running,
            logged=[line.split()[-1] for line in access_log if line.split()[-1].startswith("request-")],
            output=box.output(), termination_message=box.termination_message())


# ---- the quick start: the life told to a person ----------------------------------------------------


class Interrupted(BaseException):
    """A person (or the machine) wants this to end now."""


def _interrupt(number, _):
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)  # cleaning up is not interrupted
    raise Interrupted(number)


class _LogPrinter:
    """Prints the container's log between the quick start's own lines, line by line and indented."""

    def __init__(self):
        self._rest = b""

    def __call__(self, piece):
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            print("    | " + line.decode(errors="replace"), flush=True)


def _tell(outcome):
    def row(text, value):
        print(f"  {text:<46} {value}")

    print("\nWhat came of it:")
    row("requests sent through HAProxy", outcome.sent)
    row("requests failed", len(outcome.failures))
    for pod, requests in sorted(outcome.answered.items()):
        row(f"  answered by {'the container' if pod == POD else pod}", len(requests))
    row("of the container's, in the log agent's file", len(outcome.logged))
    row("in HAProxy while online, after prestop", f"{outcome.registered_online}, {outcome.registered_after_prestop or 'not there'}")
    row("prestop's exit code", outcome.prestop.returncode)
    row("the container's exit code", outcome.exit_code)
    for failure in outcome.failures[:20]:
        print(f"  failed: {failure}")


def is_good(outcome):
    """Nobody noticed: no request failed, the container served, left HAProxy, logged all it did and ended well."""
    return (not outcome.failures and outcome.answered.get(POD) and outcome.registered_online == "UP"
            and outcome.registered_after_prestop is None and outcome.prestop.returncode == 0
            and outcome.exit_code == 0 and sorted(outcome.logged) == sorted(outcome.answered[POD]))


def _works_in(folder):
    """Whether a process other than this one names the folder in its command line."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as command:
                if int(pid) != os.getpid() and os.fsencode(folder) in command.read():
                    return True
        except OSError:
            continue
    return False


def _remove(folder):
    """A compiler that the same Ctrl-C is ending may still write for a moment: looks again until nothing is left."""
    deadline = time.monotonic() + 20
    while (os.path.exists(folder) or _works_in(folder)) and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.05)


def main(binary):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    began = time.monotonic()

    def say(text):
        print(f"{time.monotonic() - began:6.1f} s  " + text.rstrip().replace("\n", "\n          "), flush=True)

    scratch = None
    try:
        with signals_held():
            scratch = tempfile.mkdtemp(prefix="davit-quickstart-")
            tempfile.tempdir = scratch
        runc_box.keep_mounts_private()
        runc_box.enter_private_network()
        say("compiling the shop against Debian's Tomcat")
        outcome = live(build_image(binary), say, _LogPrinter())
        _tell(outcome)
        return 0 if is_good(outcome) else 1
    except Interrupted as interrupted:
        print("interrupted; nothing is left behind", file=sys.stderr)
        return 128 + interrupted.args[0]
    except BoxError as error:
        print(f"quickstart: {error}", file=sys.stderr)
        return 1
    finally:
        if scratch:
            _remove(scratch)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
