# SPDX-License-Identifier: Apache-2.0
"""What davit gives services so that they count the container's CPUs right: real limits, real JVMs, davit as PID 1.

The JVM that `auto` corrects is openjdk-17 below a limit on a cgroup above its own: it looks only at its own.
"""

import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from runc_box import Box

CPUS = len(os.sched_getaffinity(0))
JDK = Path("/usr/lib/jvm/java-17-openjdk-amd64")
COUNT = b"""
public class Count {
    public static void main(String[] arguments) {
        System.out.println("jvm=" + Runtime.getRuntime().availableProcessors());
    }
}
"""
TELL = "[java, -Xmx64m, /Count.java]"
FLAGS = "-XX:+PrintCommandLineFlags, -version"


def files(davit, configuration, **more):
    return {"/davit": davit, "/libdavit-cpus.so": davit.parent / "libdavit-cpus.so", "/davit.yaml": configuration.encode(),
            "/Count.java": COUNT, **{"/" + name: content for name, content in more.items()}}


def box_of(davit, configuration, args=(), **options):
    more = options.pop("more", {})
    return Box([*args, "/davit", "run", "-c", "/davit.yaml"], files=files(davit, configuration, **more), **options)


# ---- the count is that of a JVM that is right ------------------------------------------------------------------------

TELLS_BOTH = """
services:
  web: {command: [sh, -c, 'echo davit=$$DAVIT_CPUS gomaxprocs=$$GOMAXPROCS tool=$$JAVA_TOOL_OPTIONS; exec java -Xmx64m /Count.java'], logs: raw}
cpus: {env: [GOMAXPROCS]}
"""

LIMITS = {"nothing": ({}, CPUS), "half": ({"cpu_quota": 0.5}, 1), "one": ({"cpu_quota": 1}, 1), "one and a half": ({"cpu_quota": 1.5}, 2),
          "a cpuset of one": ({"cpuset": "1"}, 1), "taskset": ({"args": ["taskset", "-c", "0"]}, 1),
          "half in its own cgroup namespace": ({"cpu_quota": 0.5, "cgroup": "own"}, 1)}


@pytest.mark.parametrize("how", LIMITS)
def test_a_service_is_told_what_its_jvm_counts(davit, how):
    assert CPUS >= 2, "these tests need two CPUs"
    options, expected = LIMITS[how]
    with box_of(davit, TELLS_BOTH, **options) as box:
        box.start()
        assert box.wait(120) == 0, box.output()
        output = box.output()
    assert f"davit={expected} gomaxprocs={expected} tool=\n" in output, output
    assert f"jvm={expected}\n" in output, output


@pytest.mark.parametrize("limit, expected", [({"cpu_quota": 0.5}, 1), ({}, CPUS)])
def test_a_plain_init_tells_the_count_too(davit, limit, expected):
    with Box(["/davit", "run", "--", "sh", "-c", "echo cpus=$DAVIT_CPUS"], files={"/davit": davit}, **limit) as box:
        box.start()
        assert box.wait() == 0
        assert f"cpus={expected}\n" in box.output()


def test_the_status_shows_the_count_of_this_moment(davit):
    with box_of(davit, "services: {web: {command: [sleep, '600']}}", cpu_quota=0.5) as box:
        box.start()
        box.exec(["/davit", "wait", "online"])
        assert json.loads(box.exec(["/davit", "status", "-o", "json"]).stdout)["cpus"] == 1


# ---- what `auto` corrects --------------------------------------------------------------------------------------------


def controller_directory(pid, controller):
    """Where the machine keeps that controller's files of a process."""
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            for mount in Path("/proc/self/mountinfo").read_text().splitlines():
                words = mount.split()
                if " - cgroup " in mount and controller in words[-1].split(","):
                    return Path(words[4] + path)
    return None


class BelowALimit:
    """A box whose PID 1 becomes davit in a cgroup below the container's own, which has the limit."""

    def __init__(self, davit, configuration, quota=1.0, more=None, prepare=lambda root: None, args=None):
        start = "while [ ! -e /tmp/go ]; do sleep 0.05; done; exec " + (args or "/davit run -c /davit.yaml")
        self._box = Box(["sh", "-c", start], files=files(davit, configuration, **(more or {})), cpu_quota=quota)
        self._prepare = prepare

    def __enter__(self):
        box = self._box.__enter__()
        try:
            self._prepare(box.root)
            box.start()
            self._child = controller_directory(box.init_pid(), "cpu") / "below"
            self._child.mkdir()
            (self._child / "cgroup.procs").write_text(str(box.init_pid()))
            assert box.exec(["touch", "/tmp/go"]).returncode == 0
        except BaseException:
            self.__exit__()
            raise
        return box

    def __exit__(self, *_):
        if self._box.running():
            self._box.kill(signal.SIGKILL)
            self._box.wait()
        self._box.close()
        parent = getattr(self, "_child", None)
        if parent is not None and parent.exists():
            parent.rmdir()


def blind_jdk(root):
    """A JDK whose JVM knows neither containers nor the flag: no -XX flag of davit would let it start."""
    blind = root / "blind"
    (blind / "bin").mkdir(parents=True)
    shutil.copy(JDK / "bin/java", blind / "bin/java")
    for name in ("conf", "release"):
        (blind / name).symlink_to(JDK / name)
    (blind / "lib").mkdir()
    for source in (JDK / "lib").iterdir():
        if source.name != "server":
            (blind / "lib" / source.name).symlink_to(source)
    (blind / "lib/server").mkdir()
    library = (JDK / "lib/server/libjvm.so").read_bytes()
    for name in (b"\0ActiveProcessorCount\0", b"\0UseContainerSupport\0"):
        assert library.count(name) >= 1
        library = library.replace(name, name[:-2] + b"X\0")
    (blind / "lib/server/libjvm.so").write_bytes(library)


SERVICES = {
    "direct": f"{{command: [java, {FLAGS}]}}",
    "version": "{command: [java, -version]}",
    "script": "{command: [/start.sh]}",
    "never": f"{{command: [java, {FLAGS}], cpus: {{java: never}}}}",
    "argument": f"{{command: [java, '-XX:ActiveProcessorCount=7', {FLAGS}]}}",
    "argument-file": f"{{command: [java, '@/options', {FLAGS}]}}",
    "tool": f"{{command: [java, {FLAGS}], env: {{JAVA_TOOL_OPTIONS: '-XX:ActiveProcessorCount=7'}}}}",
    "jdk": f"{{command: [java, {FLAGS}], env: {{JDK_JAVA_OPTIONS: '-XX:ActiveProcessorCount=7'}}}}",
    "jdk-file": f"{{command: [java, {FLAGS}], env: {{JDK_JAVA_OPTIONS: '@/options'}}}}",
    "underscore": f"{{command: [java, {FLAGS}], env: {{_JAVA_OPTIONS: '-XX:ActiveProcessorCount=7'}}}}",
    "passed-on": "{command: [/start.sh], env: {JAVA_OPTS: '-XX:ActiveProcessorCount=7'}}",
    "own-tool-options": "{command: [/start.sh], env: {JAVA_TOOL_OPTIONS: '-Dmine=1'}}",
    "no-support": f"{{command: [java, '-XX:-UseContainerSupport', {FLAGS}]}}",
    "count": f"{{command: [java, {FLAGS}], cpus: {{count: 3}}}}",
    "blind": "{command: [/blind/bin/java, -Xmx64m, /Count.java]}",
    "blind-without": "{command: [/blind/bin/java, -Xmx64m, /Count.java], cpus: {shim: 'off'}}",
    "blind-script": "{command: [/start-blind.sh], env: {JAVA_HOME: /blind}}",
    "seen": "{command: [sh, -c, 'echo $$DAVIT_CPUS $$GOMAXPROCS $$OMP_NUM_THREADS'], env: {OMP_NUM_THREADS: 9}}",
    "seen-own": "{command: [sh, -c, 'echo $$DAVIT_CPUS $$GOMAXPROCS $$OMP_NUM_THREADS'], cpus: {count: 5, env: [OMP_NUM_THREADS]}}",
}
POD = ("cpus: {env: [GOMAXPROCS, OMP_NUM_THREADS]}\nterminationGracePeriodSeconds: 10\nservices:\n  web: {command: [sleep, '600'], main: true}\n"
       + "".join(f"  {name}: {{oneshot: true, {text[1:]}\n" for name, text in SERVICES.items()))
START = b"#!/bin/sh\nexec java $JAVA_OPTS -XX:+PrintCommandLineFlags -version\n"


@pytest.fixture(scope="module")
def outputs(davit):
    """The lines of each service, all run below a limit of one CPU that openjdk-17 does not see."""
    more = {"start.sh": START, "start-blind.sh": b"#!/bin/sh\nexec $JAVA_HOME/bin/java -Xmx64m /Count.java\n",
            "options": b"-XX:ActiveProcessorCount=7\n"}
    with BelowALimit(davit, POD, more=more, prepare=blind_jdk) as box:
        assert box.exec(["/davit", "wait", "online"], timeout=240).returncode == 0, box.output()
        text = box.output()
    return {name: re.findall(rf"(?m)^\[{name}\] (.*)$", text) for name in SERVICES}


def flag_in(lines):
    """What -XX:ActiveProcessorCount is, as the JVM says; None: it was not given."""
    found = re.search(r"-XX:ActiveProcessorCount=(\d+)", next(line for line in lines if "-XX:InitialHeapSize" in line))
    return int(found.group(1)) if found else None


def test_java_gets_the_flag_as_an_argument_and_prints_nothing_more(outputs):
    assert flag_in(outputs["direct"]) == 1
    assert outputs["version"][0].startswith('openjdk version "17'), outputs["version"]
    assert not any("Picked up" in line for line in outputs["direct"])


def test_a_script_gets_it_by_the_environment_in_front_of_the_users_own(outputs):
    assert flag_in(outputs["script"]) == 1
    assert "Picked up JAVA_TOOL_OPTIONS: -XX:ActiveProcessorCount=1" in outputs["script"]
    assert "Picked up JAVA_TOOL_OPTIONS: -XX:ActiveProcessorCount=1 -Dmine=1" in outputs["own-tool-options"]


@pytest.mark.parametrize("place", ["argument", "argument-file", "tool", "jdk", "jdk-file", "underscore", "passed-on"])
def test_the_users_own_flag_wins(outputs, place):
    assert flag_in(outputs[place]) == 7, outputs[place]


def test_never_and_no_container_support_are_left_alone(outputs):
    assert flag_in(outputs["never"]) is None
    assert flag_in(outputs["no-support"]) is None


def test_a_fixed_count_is_what_java_gets(outputs):
    assert flag_in(outputs["count"]) == 3


def test_a_jvm_that_does_not_know_the_flag_gets_the_library_instead(outputs):
    assert outputs["blind"] == ["jvm=1"], "with the flag it would not start"
    assert outputs["blind-script"] == ["jvm=1"]
    assert outputs["blind-without"] == [f"jvm={CPUS}"]


def test_listed_variables_are_set_where_the_user_has_not(outputs):
    assert outputs["seen"] == ["1 1 9"]
    assert outputs["seen-own"] == ["5 5"]  # a service's list replaces the pod's: no GOMAXPROCS


def test_a_plain_init_corrects_its_java(davit):
    with BelowALimit(davit, "", args="/davit run -- java -Xmx64m /Count.java") as box:
        assert box.wait(120) == 0
        assert "jvm=1\n" in box.output()


def test_probes_steps_and_clients_see_the_variables_but_no_flag(davit):
    pod = """
cpus: {env: [GOMAXPROCS]}
services:
  web:
    command: [sh, -c, 'echo leader $$GOMAXPROCS $$JAVA_TOOL_OPTIONS; sleep 600']
    startupProbe: {exec: {command: [sh, -c, 'echo probe $$DAVIT_CPUS $$GOMAXPROCS $$JAVA_TOOL_OPTIONS > /tmp/probe']}}
lifecycle:
  preload: {exec: {command: [sh, -c, 'echo step $$DAVIT_CPUS $$GOMAXPROCS $$JAVA_TOOL_OPTIONS']}}
"""
    with BelowALimit(davit, pod) as box:
        assert box.exec(["/davit", "wait", "online"], timeout=60).returncode == 0
        assert "\nleader 1 -XX:ActiveProcessorCount=1\n" in box.output()
        assert "[preload] step 1 1\n" in box.output()
        assert box.exec(["cat", "/tmp/probe"]).stdout == "probe 1 1\n"
        client = box.exec(["/davit", "exec", "web", "--", "sh", "-c", "echo $DAVIT_CPUS $GOMAXPROCS $JAVA_TOOL_OPTIONS"])
        assert client.stdout == "1 1 -XX:ActiveProcessorCount=1\n"


def test_shim_on_is_for_every_process_of_the_service(davit):
    pod = """
services:
  web: {command: [sh, -c, 'echo procs=$$(nproc) online=$$(getconf _NPROCESSORS_ONLN); exec java -XX:-UseContainerSupport -Xmx64m /Count.java'], cpus: {shim: "on"}, logs: raw}
"""
    with BelowALimit(davit, pod) as box:
        assert box.wait(120) == 0, box.output()
        assert "procs=1 online=1\n" in box.output()
        assert "jvm=1\n" in box.output()


# ---- odd surroundings ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "absurd", "-7", "99999999999999999999", "0", "1\n2\n3"])
def test_absurd_cgroup_files_make_the_count_no_smaller(davit, text, tmp_path):
    """The file of the quota says nonsense: the affinity counts."""
    quota = next((path for path in (Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), Path("/sys/fs/cgroup/cpu.max")) if path.exists()), None)
    if quota is None:
        pytest.skip("no such file on this machine")
    (tmp_path / "text").write_text(text)
    assert count_in(davit, f"mount --bind {tmp_path}/text {quota}", tmp_path) == str(len(os.sched_getaffinity(0)))


@pytest.mark.parametrize("hide", ["/proc", "/sys"])
def test_without_proc_or_sys_the_affinity_counts(davit, hide, tmp_path):
    assert count_in(davit, f"mount -t tmpfs none {hide}", tmp_path) == str(len(os.sched_getaffinity(0)))


def count_in(davit, prepare, directory):
    """What a plain init's command is told after that change of the mounts."""
    run = f"{prepare} && exec {davit} run -- sh -c 'echo cpus=$DAVIT_CPUS'"
    done = subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", run], capture_output=True, text=True, timeout=60,
                          env={"PATH": os.environ["PATH"], "DAVIT_SOCKET": f"{directory}/socket"}, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return re.search(r"(?m)^cpus=(\d+)$", done.stdout).group(1)
