# SPDX-License-Identifier: Apache-2.0
"""Starts one program as PID 1 of a container of its own, and reads what the payloads inside say.

Every supervisor is started by the same launcher and starts the same payload, so whatever the harness itself costs is the
same for all of them. Moments come from the C side; Python only waits, asks /proc and subtracts.
"""
import fcntl
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import time

HERE = pathlib.Path(__file__).resolve().parent
RECORD = struct.Struct("=qii")


class Failed(Exception):
    """A measurement that could not be taken; the text says why."""


class Workshop:
    """The folder on a tmpfs with the compiled payload and launcher; everything in it goes away at the end."""

    def __init__(self):
        base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="davit-bench-", dir=base))
        self.payload = self._compile("payload.c", "-static", "-O2", "-nostdlib", "-ffreestanding", "-fno-builtin",
                                     "-fno-stack-protector")
        self.launcher = self._compile("launcher.c", "-static", "-O3")
        self.count_calls = self._compile("count_calls.c", "-O2")
        self._folders = 0

    def _compile(self, source, *flags):
        output = self.path / source.removesuffix(".c")
        subprocess.run(["cc", *flags, str(HERE / source), "-o", str(output)], check=True)
        return str(output)

    def folder(self):
        self._folders += 1
        path = self.path / f"run{self._folders}"
        path.mkdir()
        return path

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)


def children_of(pid):
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                found += [int(word) for word in file.read().split()]
    except OSError:
        pass  # it ended while we looked
    return found


def descendants_of(pid):
    found, waiting = [], [pid]
    while waiting:
        below = children_of(waiting.pop())
        found += below
        waiting += below
    return found


def executable_of(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return None


class Container:
    """One PID 1 in its own pid namespace. A context manager: at its end everything in the namespace is gone."""

    def __init__(self, workshop, folder, command, mode="stay", environment=None, stdout=None):
        self.workshop, self.folder = workshop, folder
        self._fifo_path = folder / "fifo"
        os.mkfifo(self._fifo_path)
        # Open for both: it never ends, and no opener of the other side has to wait.
        self._fifo = os.open(self._fifo_path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self._records = []
        self.errors = folder / "stderr"
        variables = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "BENCH_FIFO": str(self._fifo_path), "BENCH_MODE": mode,
                     "BENCH_PAYLOAD": workshop.payload, "DAVIT_SOCKET": str(folder / "davit.sock"), **(environment or {})}
        with open(self.errors, "wb") as errors:
            self._launcher = subprocess.Popen([workshop.launcher, "pid1", str(self._fifo_path), *command], env=variables,
                                              cwd="/", stdin=subprocess.DEVNULL, stderr=errors,
                                              stdout=stdout if stdout is not None else subprocess.DEVNULL)

    def __enter__(self):
        try:
            self.pid = self.records("p")[0][1]
            self.began = self.records("x")[0][0]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        gone = any(record[2] == ord("e") for record in self._records)  # then its pid may be somebody else's
        if not gone and self._launcher.poll() is None:
            try:
                os.kill(self.pid if hasattr(self, "pid") else self._launcher.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # it ended by itself this moment
        self._launcher.wait(30)
        os.close(self._fifo)
        shutil.rmtree(self.folder, ignore_errors=True)

    def records(self, kind, count=1, timeout=60.0):
        """The first `count` records of a kind, as (nanoseconds, pid). Looks at the FIFO every 2 ms and takes nothing out
        of it before it holds enough: a harness that wakes for each record would be part of what it measures."""
        end = time.monotonic() + timeout
        while True:
            known = [record for record in self._records if record[2] == ord(kind)]
            if len(known) >= count:
                return [record[:2] for record in known[:count]]
            waiting = struct.unpack("i", fcntl.ioctl(self._fifo, termios.FIONREAD, b"\0\0\0\0"))[0]
            over = time.monotonic() > end or (kind != "e" and self._launcher.poll() is not None)
            # The pipe holds 4096 records: nobody ever waits to write one.
            if waiting >= RECORD.size * (count - len(known)) or (over and waiting):
                data = os.read(self._fifo, waiting - waiting % RECORD.size)
                self._records += [record for record in RECORD.iter_unpack(data)]
            elif over:
                raise Failed(f"waited for {count} × '{kind}', have {len(known)}; stderr: {self._last_words()}")
            else:
                time.sleep(0.002)

    def moment(self, kind, timeout=60.0):
        return self.records(kind, timeout=timeout)[-1][0]

    def _last_words(self):
        try:
            return self.errors.read_text(errors="replace").strip()[-400:] or "(empty)"
        except OSError:
            return "(none)"

    def outside_pid(self, inside):
        """The pid, as the harness sees it, of a process of the container."""
        for pid in descendants_of(self.pid):
            try:
                with open(f"/proc/{pid}/status") as file:
                    for line in file:
                        if line.startswith("NSpid:") and line.split()[-1] == str(inside):
                            return pid
            except OSError:
                continue
        raise Failed(f"pid {inside} of the container is gone")

    def helpers(self):
        """PID 1 and every process it needs to do its work: all that are not payloads."""
        return [self.pid] + [pid for pid in descendants_of(self.pid)
                             if executable_of(pid) not in (self.workshop.payload, None)]

    def memory(self):
        """(PSS, RSS) of PID 1 and its helpers together, in KiB."""
        pss = rss = 0
        for pid in self.helpers():
            with open(f"/proc/{pid}/smaps_rollup") as file:
                for line in file:
                    words = line.split()
                    pss += int(words[1]) if words[0] == "Pss:" else 0
                    rss += int(words[1]) if words[0] == "Rss:" else 0
        return pss, rss

    def switches(self):
        """How often PID 1 and its helpers went to sleep or were put aside since their start."""
        total = 0
        for pid in self.helpers():
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/status") as file:
                    total += sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)
        return total

    def time_inside(self, commands, repeat):
        """Milliseconds that the commands, one after the other, take inside the container; `repeat` times."""
        words = []
        for command in commands:
            words += [*command, ";"]
        done = subprocess.run([self.workshop.launcher, "time", str(self.pid), str(repeat), *words[:-1]], cwd="/",
                              env={"PATH": "/usr/bin:/bin", "DAVIT_SOCKET": str(self.folder / "davit.sock")},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            raise Failed(f"{commands[0]}: {done.stderr.strip()[-400:]}")
        return [int(line) / 1e6 for line in done.stdout.split()]


def cpu_milliseconds(pid):
    """CPU time of all threads of a process, user and system, from the scheduler's own nanoseconds."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat") as file:
            total += int(file.read().split()[0])
    return total / 1e6


def await_condition(what, holds, timeout):
    end = time.monotonic() + timeout
    while not holds():
        if time.monotonic() > end:
            raise Failed(f"waited {timeout:.0f} s for {what}")
        time.sleep(0.002)


def await_rest(pids, timeout=30.0):
    """Until these processes have computed nothing for a tenth of a second."""
    seen, since = None, 0.0

    def rest():
        nonlocal seen, since
        used = [cpu_milliseconds(pid) for pid in pids]
        if used != seen:
            seen, since = used, time.monotonic()
        return time.monotonic() - since > 0.1

    await_condition("rest", rest, timeout)
