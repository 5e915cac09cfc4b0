# SPDX-License-Identifier: Apache-2.0
"""What davit tells services of the CPU count: real limits, a real JVM, davit as PID 1."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from runc_box import Box

CPUS = len(os.sched_getaffinity(0))
COUNT = b"""
public class Count {
    public static void main(String[] arguments) {
        System.out.println("jvm=" + Runtime.getRuntime().availableProcessors());
    }
}
"""


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


# ---- odd surroundings ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "absurd", "-7", "99999999999999999999", "0", "1\n2\n3"])
def test_absurd_cgroup_files_make_the_count_no_smaller(davit, text, tmp_path):
    """The file of the quota says nonsense: the affinity counts."""
    quota = next((path for path in (Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), Path("/sys/fs/cgroup/cpu.max")) if path.exists()), None)
    if quota is None:
        pytest.skip("no such file on this machine")
    (tmp_path / "text").write_text(text)
    assert count_in(davit, f"mount --bind {tmp_path}/text {quota}", tmp_path) == str(len(os.sched_getaffinity(0)))


def test_without_sys_the_affinity_counts(davit, tmp_path):
    assert count_in(davit, "mount -t tmpfs none /sys", tmp_path) == str(len(os.sched_getaffinity(0)))


def count_in(davit, prepare, directory):
    """What a plain init's command is told after that change of the mounts."""
    run = f"{prepare} && exec {davit} run -- sh -c 'echo cpus=$DAVIT_CPUS'"
    done = subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", run], capture_output=True, text=True, timeout=60,
                          env={"PATH": os.environ["PATH"], "DAVIT_SOCKET": f"{directory}/socket"}, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return re.search(r"(?m)^cpus=(\d+)$", done.stdout).group(1)
