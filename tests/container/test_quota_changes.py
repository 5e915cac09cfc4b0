# SPDX-License-Identifier: Apache-2.0
"""A quota that changes under a running container, and programs of all kinds that are told the count: real limits, real
JVMs, davit as PID 1."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from runc_box import Box

REPOSITORY = Path(__file__).resolve().parents[2]
CPUS = len(os.sched_getaffinity(0))
FOLLOW = b"""
public class Follow {
    public static void main(String[] arguments) throws Exception {
        int seen = 0;
        while (true) {
            int now = Runtime.getRuntime().availableProcessors();
            if (now != seen) {
                System.out.println("counts " + now);
                seen = now;
            }
            Thread.sleep(20);
        }
    }
}
"""
OLD = "-XX:-UseContainerSupport"  # as a JVM that knows nothing of containers

pytestmark = pytest.mark.skipif(CPUS < 2, reason="one CPU only: there is nothing to take away")


def files(davit, configuration, **more):
    return {"/davit": davit, "/libdavit-cpus.so": davit.parent / "libdavit-cpus.so", "/davit.yaml": configuration.encode(),
            **{"/" + name: content for name, content in more.items()}}


def box_of(davit, configuration, **options):
    more = options.pop("more", {})
    return Box(["/davit", "run", "-c", "/davit.yaml"], files=files(davit, configuration, **more), **options)


def test_all_who_need_to_know_follow_a_resize(davit):
    pod = f"""
services:
  aware: {{command: [java, -Xmx64m, /Follow.java]}}
  old: {{command: [java, '{OLD}', -Xmx64m, /Follow.java], cpus: {{shim: "on"}}}}
  hears: {{command: [sh, -c, 'trap "echo heard" HUP; echo up; while :; do sleep 0.05; done'], cpus: {{onChange: {{signal: HUP}}}}}}
  main: {{command: [sleep, '600'], main: true}}
"""
    with box_of(davit, pod, cpu_quota=CPUS, more={"Follow.java": FOLLOW}) as box:
        box.start()
        for line in (f"[aware] counts {CPUS}", f"[old] counts {CPUS}", "[hears] up"):
            box.wait_for_output(line, 120)
        box.resize(1)
        for line in ("[aware] counts 1", "[old] counts 1", "[hears] heard", f"hears cpus {CPUS} -> 1 (HUP sent)",
                     f"info cpus {CPUS} -> 1 (quota 1 of /sys/fs/cgroup/cpu"):
            box.wait_for_output(line, 60)
        assert box.exec(["/davit", "cpus"]).stdout == "1\n"


def compiled(compiler, source, *options):
    folder = Path(tempfile.mkdtemp(prefix="davit-programs-"))
    program = folder / "program"
    done = subprocess.run([compiler, *options, "-o", program, source], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return program


OPENMP = '#include <omp.h>\n#include <stdio.h>\nint main(void) { printf("openmp=%d\\n", omp_get_max_threads()); }\n'


def test_programs_of_all_kinds_count_what_the_library_says(davit, tmp_path):
    (tmp_path / "threads.c").write_text(OPENMP)
    more = {"openmp": compiled("gcc", tmp_path / "threads.c", "-fopenmp")}
    counter = REPOSITORY / "tests/support/count_cpus.c"
    more["static"] = compiled("cc", counter, "-pthread", "-static")
    commands = ["echo nproc=$(nproc)", "python3 -c 'import os; print(\"python=%d\" % os.cpu_count())'", "/openmp",
                "echo static=$(/static | sed -n 's/^sysconf //p')"]
    if shutil.which("musl-gcc"):
        more["musl"] = compiled("musl-gcc", counter, "-pthread")
        commands.append("echo musl=$(/musl | sed -n 's/^sysconf //p')")
    if shutil.which("node"):  # os.cpus() reads /proc, which no library answers
        commands.append("node -e 'console.log(\"node=\" + require(\"os\").availableParallelism())'")
    more["all.sh"] = ("#!/bin/sh\n" + "\n".join(commands) + "\n").encode()
    pod = 'services: {web: {command: [/all.sh], logs: raw, main: true, cpus: {shim: "on"}}}'
    with box_of(davit, pod, cpu_quota=1, more=more) as box:
        box.start()
        assert box.wait(120) == 0, box.output()
        lines = box.output().splitlines()
    optional = [kind for kind, is_here in (("musl", "musl" in more), ("node", shutil.which("node"))) if is_here]
    for kind in ("nproc", "python", "openmp", *optional):
        assert f"{kind}=1" in lines, lines
    assert f"static={CPUS}" in lines, "the library cannot reach it"
    assert not any("ld.so" in line for line in lines)


def test_davit_brings_the_library_into_another_image(davit, tmp_path):
    """The init container copies both; the container runs from there, read-only and as another user."""
    target = tmp_path / "shared"
    target.mkdir()
    target.chmod(0o777)
    tmp_path.chmod(0o755)
    init = {"/davit": davit, "/libdavit-cpus.so": davit.parent / "libdavit-cpus.so"}
    with Box(["/davit", "install", "/shared"], root="empty", files=init, binds=[(target, "/shared", "rw")], tmpfs=()) as box:
        box.start()
        assert box.wait() == 0, box.output()
        assert box.output() == "/shared/davit\n"
    pod = b'services: {web: {command: [sh, -c, "echo nproc=$$(nproc)"], logs: raw, main: true, cpus: {shim: "on"}}}'
    with Box(["/shared/davit", "run", "-c", "/davit.yaml"], files={"/davit.yaml": pod}, binds=[(target, "/shared", "ro")],
             cpu_quota=1, read_only=True, uid=65534) as box:
        box.start()
        assert box.wait() == 0, box.output()
        assert "nproc=1\n" in box.output()


def test_a_service_of_another_user_reads_its_page(davit):
    pod = 'services: {web: {command: [sh, -c, "echo nproc=$$(nproc)"], user: 65534, logs: raw, main: true, cpus: {shim: "on"}}}'
    with box_of(davit, pod, cpu_quota=1) as box:
        box.start()
        assert box.wait() == 0, box.output()
        assert "nproc=1\n" in box.output()


def test_a_noexec_library_is_left_out_and_said(davit):
    """The file beside the binary comes from a filesystem that is mounted noexec."""
    start = ("mount -t tmpfs -o noexec none /mnt && cp /libdavit-cpus.so /mnt/ && mount --bind /mnt/libdavit-cpus.so /libdavit-cpus.so"
             " && exec /davit run -c /davit.yaml")
    pod = """
services:
  web: {command: [sh, -c, "echo nproc=$$(nproc); sleep 600"], logs: raw, main: true, cpus: {shim: "on"}}
"""
    with Box(["sh", "-c", start], files=files(davit, pod), cpu_quota=1, capabilities=("CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE")) as box:
        box.start()
        box.wait_for_output(f"nproc={CPUS}\n")
        assert "ld.so" not in box.output()
        explained = box.exec(["/davit", "cpus", "--explain"]).stdout
        assert "cannot be mapped executable: operation not permitted (is its filesystem mounted noexec?): left out" in explained
