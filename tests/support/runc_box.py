# SPDX-License-Identifier: Apache-2.0
"""One container under runc, from a few words to its last trace.

A Box has a root (an overlay over the machine's own / whose changes live on a tmpfs, so Debian's Tomcat, nginx and JDK
are in it without an image; or an empty one that holds only the files it is given), its own process, mount, host name
and IPC namespaces, and a process to run as PID 1. It is used as a context manager, and takes everything away at its
end: processes, cgroup, mounts, directories.

    with Box(["/davit", "run"], root="empty", files={"/davit": binary}, uid=65534) as box:
        box.start()
        box.exec(["/davit", "wait", "online"])
        box.kill(signal.SIGTERM)
        assert box.wait() == 0

Needs root and runc. Used by tests/container and by packaging/quickstart, so: Debian's python3 and nothing else.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import uuid
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNS = 0x00020000
_CLONE_NEWNET = 0x40000000
_MS_NOSUID, _MS_NODEV, _MS_REC, _MS_PRIVATE = 2, 4, 16384, 1 << 18
_MNT_DETACH = 2
_PR_SET_PDEATHSIG = 1
_interrupts = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# What a container gets from containerd when nothing is dropped.
DEFAULT_CAPABILITIES = ("CAP_AUDIT_WRITE CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_FSETID CAP_KILL CAP_MKNOD CAP_NET_BIND_SERVICE "
                        "CAP_NET_RAW CAP_SETFCAP CAP_SETGID CAP_SETPCAP CAP_SETUID CAP_SYS_CHROOT").split()

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class BoxError(RuntimeError):
    """runc or the kernel refused; the text says what and why."""


# ---- namespaces of this very process -------------------------------------------------------------


def keep_mounts_private():
    """From here on, mounts of this process are its own and end with it, however it ends. Call before threads exist."""
    _checked(_libc.unshare(_CLONE_NEWNS), "cannot unshare the mount namespace")
    _checked(_libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None), "cannot make the mounts private")


def enter_private_network():
    """Gives this process a network of its own with only loopback: every port is free, nothing reaches the machine's.

    Its children and boxes with network="host" share it. Call before threads exist.
    """
    _checked(_libc.unshare(_CLONE_NEWNET), "cannot unshare the network namespace")
    get_flags, set_flags, up = 0x8913, 0x8914, 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = fcntl.ioctl(any_socket, get_flags, struct.pack("16sh14x", b"lo", 0))
        flags = struct.unpack("16sh14x", request)[1]
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sh14x", b"lo", flags | up))


def mount_privately(kind, target, data=""):
    """A file system that only this process and its children see. Call before threads exist."""
    keep_mounts_private()
    _mount(kind, target, data)


def as_child():
    """preexec_fn for children: default signals, and KILL when the thread that started them is gone."""
    for number in (*_interrupts, signal.SIGQUIT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


@contextlib.contextmanager
def signals_held():
    """No interrupt in between; those that come are delivered at the end."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _interrupts)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _checked(result, what):
    if result != 0:
        raise BoxError(f"{what}: {os.strerror(ctypes.get_errno())}")


def _mount(kind, target, data, flags=0):
    _checked(_libc.mount(kind.encode(), os.fsencode(target), kind.encode(), flags, data.encode()),
             f"cannot mount {kind} at {target} ({data})")


# ---- the container -------------------------------------------------------------------------------


class Box:
    """A container that is described at construction, made by entering it, and gone after leaving it.

    args            PID 1's command line
    root            "machine": an overlay over /;  "empty": nothing but `files`
    files           path inside -> path outside (copied with its mode) or bytes (mode 0644; 0755 if they begin with #!)
    env             added to PATH and HOME;  uid, gid, cwd, hostname as they say
    capabilities    names that are kept; () drops all
    read_only       the root cannot be written to
    no_new_privileges, cpu_quota (CPUs, may be a fraction), cpuset ("0-1"), memory (bytes), process_limit
    binds           list of (outside, inside, "ro" or "rw")
    tmpfs           paths inside that get a tmpfs, mode 1777
    network         "own": a namespace with loopback up;  "host": that of the caller
    cgroup          "own": a cgroup namespace;  "host": it sees where it is in the machine's tree
    refused         system calls that answer ENOSYS, as an old kernel or a strict seccomp profile would
    on_output       called with each piece of the container's log (bytes), in a thread of its own
    """

    def __init__(self, args, *, root="machine", files=None, env=None, uid=0, gid=None, cwd="/", hostname="box",
                 capabilities=tuple(DEFAULT_CAPABILITIES), read_only=False, no_new_privileges=True, cpu_quota=None,
                 cpuset=None, memory=None, process_limit=None, binds=(), tmpfs=("/tmp", "/run"), network="own", cgroup="host", refused=(),
                 stdin=subprocess.DEVNULL, on_output=lambda piece: None):
        self.name = f"davit-box-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self.args, self.root_kind, self.files, self.env = list(map(str, args)), root, dict(files or {}), dict(env or {})
        self.uid, self.gid, self.cwd, self.hostname = uid, uid if gid is None else gid, cwd, hostname
        self.capabilities, self.read_only, self.no_new_privileges = list(capabilities), read_only, no_new_privileges
        self.cpu_quota, self.cpuset, self.memory, self.process_limit = cpu_quota, cpuset, memory, process_limit
        self.binds, self.tmpfs, self.network, self.refused = list(binds), list(tmpfs), network, list(refused)
        self.cgroup = cgroup
        self.stdin, self.on_output = stdin, on_output
        self.process = None
        self._output = []
        self._output_grew = threading.Condition()
        self._reader = None
        self._mounted = []

    # -- making and taking away

    def __enter__(self):
        self.home = Path(tempfile.mkdtemp(prefix="davit-box-"))
        try:
            self._make()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def _make(self):
        _mount("tmpfs", self.home, "mode=0711", _MS_NOSUID | _MS_NODEV)
        self._mounted.append(self.home)
        self.root = self.home / "bundle" / "root"  # where the container's files are seen from outside
        self.root.mkdir(parents=True)
        if self.root_kind == "machine":
            upper, work = self.home / "upper", self.home / "work"
            upper.mkdir(mode=0o755)
            work.mkdir()
            _mount("overlay", self.root, f"lowerdir=/,upperdir={upper},workdir={work}")
            self._mounted.append(self.root)
        for inside, content in self.files.items():
            self.put(inside, content)
        self.termination_log = self.home / "termination-log"
        self.termination_log.touch()
        self.termination_log.chmod(0o666)
        (self.home / "bundle" / "config.json").write_text(json.dumps(self._config(), indent=1))

    def put(self, inside, content):
        """Writes a file into the root, before or while the container runs."""
        target = self.root / inside.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            target.write_bytes(content)
            target.chmod(0o755 if content.startswith(b"#!") else 0o644)
        else:
            shutil.copy(content, target)

    def close(self):
        """Ends what runs and takes away what was made. May be called twice."""
        if self.process is not None:
            while self.process.poll() is None and self._state() in ("none", "creating", "created"):
                time.sleep(0.02)  # runc is still at it: what does not exist yet cannot be deleted
            self._runc("delete", "--force", self.name, check=False)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
            self.process.kill()
            self.process.wait()
            self._reader.join(5)
            self.process.stdout.close()
        while self._mounted:
            target = self._mounted.pop()
            if _libc.umount2(os.fsencode(target), 0) != 0:
                _libc.umount2(os.fsencode(target), _MNT_DETACH)
        shutil.rmtree(self.home, ignore_errors=True)

    # -- running

    def start(self):
        """Starts PID 1. Its output is kept: see output() and wait_for_output()."""
        with signals_held():  # an interrupt must find either nothing started or something that close() knows
            self.process = subprocess.Popen(
                self._runc_command("run", "--bundle", self.home / "bundle", self.name), stdin=self.stdin,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=as_child)
            self._reader = threading.Thread(target=self._read_output, daemon=True)
            self._reader.start()
        deadline = time.monotonic() + 20
        while self._state() not in ("running", "stopped"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                if self.process.poll() is not None and self.process.returncode != 1:
                    return self  # it was so short that runc has forgotten it already
                self._reader.join(2)
                raise BoxError(f"runc did not start {self.args}:\n{self.output()}")
            time.sleep(0.01)
        return self

    def exec(self, args, *, timeout=60, env=None, uid=None, **popen):
        """Runs a command in the container as the kubelet would: PID 1's environment, user, directory, capabilities."""
        return subprocess.run(self._exec_command(args, env, uid), text=True, timeout=timeout, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=as_child, **popen)

    def start_exec(self, args, *, env=None, uid=None):
        """The same, not waited for: a Popen with the command's output at `stdout`."""
        return subprocess.Popen(self._exec_command(args, env, uid), text=True, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=as_child)

    def kill(self, number):
        """Sends a signal to PID 1 from outside, as the kubelet does."""
        self._runc("kill", self.name, str(int(number)))

    def resize(self, cpu_quota):
        """Another quota for the running container, in CPUs, as the kubelet does it in place."""
        self._runc("update", "--cpu-period", "100000", "--cpu-quota", str(int(cpu_quota * 100_000)), self.name)

    def wait(self, timeout=60):
        """The exit code of PID 1 (128 + n for a signal)."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise BoxError(f"the container still runs after {timeout} s:\n{self.output()[-4000:]}") from None
        self._reader.join(5)
        return code

    def running(self):
        return self.process is not None and self.process.poll() is None

    def init_pid(self):
        """PID 1, as the machine numbers it."""
        return json.loads(self._runc("state", self.name))["pid"]

    def processes(self):
        """All processes of the container, as the machine numbers them."""
        return json.loads(self._runc("ps", "--format", "json", self.name))

    def output(self):
        """What PID 1 and its children have written to the container's log so far."""
        with self._output_grew:
            return b"".join(self._output).decode(errors="replace")

    def wait_for_output(self, text, timeout=30):
        """Returns when `text` stands in the container's log."""
        deadline = time.monotonic() + timeout
        with self._output_grew:
            while text not in b"".join(self._output).decode(errors="replace"):
                left = deadline - time.monotonic()
                if left <= 0 or not self._output_grew.wait(left):
                    raise BoxError(f"'{text}' did not appear in the log within {timeout} s:\n"
                                   f"{b''.join(self._output).decode(errors='replace')[-4000:]}")

    def termination_message(self):
        return self.termination_log.read_text()

    def read(self, inside):
        return (self.root / inside.lstrip("/")).read_text()

    # -- the rest is for this class only

    def _read_output(self):
        while piece := os.read(self.process.stdout.fileno(), 65536):
            with self._output_grew:
                self._output.append(piece)
                self._output_grew.notify_all()
            self.on_output(piece)

    def _runc_command(self, *args):
        return list(map(str, ["runc", "--root", self.home / "runc", *args]))

    def _runc(self, *args, check=True):
        done = subprocess.run(self._runc_command(*args), capture_output=True, text=True, timeout=30)
        if check and done.returncode != 0:
            raise BoxError(f"runc {' '.join(map(str, args))}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def _exec_command(self, args, env, uid):
        options = [word for name, value in (env or {}).items() for word in ("--env", f"{name}={value}")]
        if uid is not None:
            options += ["--user", f"{uid}:{uid}"]
        return self._runc_command("exec", *options, self.name, *args)

    def _state(self):
        text = self._runc("state", self.name, check=False)
        return json.loads(text)["status"] if text.strip() else "none"

    def _config(self):
        capabilities = {kind: self.capabilities for kind in ("bounding", "effective", "permitted")}
        if self.uid != 0:  # an exec by another user keeps none, as in Kubernetes
            capabilities.update(effective=[], permitted=[])
        namespaces = ["pid", "mount", "uts", "ipc"] + (["network"] if self.network == "own" else [])
        namespaces += ["cgroup"] if self.cgroup == "own" else []
        environment = {"PATH": PATH, "HOME": "/", **self.env}
        config = {
            "ociVersion": "1.0.2",
            "process": {
                "terminal": False, "args": self.args, "cwd": self.cwd,
                "user": {"uid": self.uid, "gid": self.gid},
                "env": [f"{name}={value}" for name, value in environment.items()],
                "capabilities": capabilities, "noNewPrivileges": self.no_new_privileges,
            },
            "root": {"path": "root", "readonly": self.read_only},
            "hostname": self.hostname,
            "mounts": self._mounts(),
            "linux": {"namespaces": [{"type": kind} for kind in namespaces], "resources": self._resources(),
                      "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list"],
                      "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]},
        }
        if self.refused:
            config["linux"]["seccomp"] = {
                "defaultAction": "SCMP_ACT_ALLOW",
                "syscalls": [{"names": self.refused, "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]}
        return config

    def _mounts(self):
        def mount(kind, target, options, source=None):
            return {"destination": target, "type": kind, "source": source or kind, "options": options}

        mounts = [
            mount("proc", "/proc", ["nosuid", "noexec", "nodev"]),
            mount("tmpfs", "/dev", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
            mount("devpts", "/dev/pts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]),
            mount("tmpfs", "/dev/shm", ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
            mount("mqueue", "/dev/mqueue", ["nosuid", "noexec", "nodev"]),
            mount("sysfs", "/sys", ["nosuid", "noexec", "nodev", "ro"]),
            mount("cgroup", "/sys/fs/cgroup", ["nosuid", "noexec", "nodev", "relatime", "ro"]),
        ]
        mounts += [mount("tmpfs", path, ["nosuid", "nodev", "mode=1777"]) for path in self.tmpfs]
        mounts.append(mount("bind", "/dev/termination-log", ["bind", "rw"], str(self.termination_log)))
        mounts += [mount("bind", inside, ["rbind", mode], str(outside)) for outside, inside, mode in self.binds]
        return mounts

    def _resources(self):
        resources = {"devices": [{"allow": False, "access": "rwm"}]}
        if self.cpu_quota is not None:
            resources["cpu"] = {"quota": int(self.cpu_quota * 100_000), "period": 100_000}
        if self.cpuset is not None:
            resources.setdefault("cpu", {})["cpus"] = self.cpuset
        if self.memory is not None:
            resources["memory"] = {"limit": self.memory, "swap": self.memory}
        if self.process_limit is not None:
            resources["pids"] = {"limit": self.process_limit}
        return resources
