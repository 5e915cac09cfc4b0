# SPDX-License-Identifier: Apache-2.0
"""The container is resized while services run: who hears of it, and that nobody wakes up where nobody needs to know.

The affinity mask of PID 1 stands for the resize here; tests/container/test_quota_changes.py changes a quota.
"""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from davit_process import MAIN, Davit, binary, eventually, script

CPUS = len(os.sched_getaffinity(0))
FIRST = min(os.sched_getaffinity(0))

pytestmark = pytest.mark.skipif(CPUS < 2, reason="one CPU only: there is nothing to take away")

# Tells each count that it sees, once. It looks by itself; the library answers it from the page.
COUNTER = json.dumps(["/usr/bin/python3", "-u", "-c",
                      "import os, time\nseen = 0\nwhile True:\n  if seen != os.cpu_count():\n    seen = os.cpu_count(); print('counts', seen)\n  time.sleep(0.02)"])
HEARS = script("trap 'echo heard' HUP; echo up; while :; do sleep 0.05; done")


def pod(web, more=""):
    return f"services:\n  web: {{{web}}}\n  main: {{main: true, command: {MAIN}}}\n{more}"


def shrink(davit):
    """PID 1, and what it starts from now on, has one CPU."""
    os.sched_setaffinity(davit.pid, {FIRST})


def grow(davit):
    os.sched_setaffinity(davit.pid, os.sched_getaffinity(0))


def test_a_service_with_the_library_follows_down_and_up(tmp_path):
    with Davit(tmp_path, pod(f"command: {COUNTER}, cpus: {{shim: 'on'}}")) as davit:
        davit.stdout.wait_for(rf"^\[web\] counts {CPUS}$")
        shrink(davit)
        davit.stdout.wait_for(r"^\[web\] counts 1$")
        davit.stderr.wait_for(rf"info cpus {CPUS} -> 1 \(affinity {FIRST}\)$")
        grow(davit)
        davit.stdout.wait_for(rf"^\[web\] counts {CPUS}$", count=2)
        assert davit.status()["cpus"] == CPUS


def test_a_running_service_hears_of_it_by_the_signal_that_it_asked_for(tmp_path):
    with Davit(tmp_path, pod(f"command: {HEARS}, cpus: {{onChange: {{signal: HUP}}}}")) as davit:
        davit.stdout.wait_for(r"^\[web\] up$")
        shrink(davit)
        davit.stdout.wait_for(r"^\[web\] heard$")
        davit.stderr.wait_for(rf"info web cpus {CPUS} -> 1 \(HUP sent\)$")
        assert davit.stdout.text().count("heard") == 1


def test_a_service_that_starts_hears_of_it_when_it_runs(tmp_path):
    probe = "startupProbe: {file: {path: %s/open}}" % tmp_path
    with Davit(tmp_path, pod(f"command: {HEARS}, {probe}, cpus: {{onChange: {{signal: HUP}}}}")) as davit:
        davit.stdout.wait_for(r"^\[web\] up$")
        shrink(davit)
        davit.stderr.wait_for(rf"info cpus {CPUS} -> 1 ")
        assert "heard" not in davit.stdout.text()
        (tmp_path / "open").touch()
        davit.stdout.wait_for(r"^\[web\] heard$")


def test_a_service_with_a_fixed_count_is_left_alone(tmp_path):
    settings = "cpus: {count: 2, shim: 'on', onChange: {signal: HUP}}"
    with Davit(tmp_path, pod(f"command: {HEARS}, {settings}")) as davit:
        davit.stdout.wait_for(r"^\[web\] up$")
        shrink(davit)
        davit.stderr.wait_for(rf"info cpus {CPUS} -> 1 ")
        assert "heard" not in davit.stdout.text()


def test_a_service_that_starts_later_has_the_new_count_and_no_signal(tmp_path):
    web = f"command: {HEARS}, cpus: {{onChange: {{signal: HUP}}}}"
    with Davit(tmp_path, pod(web)) as davit:
        davit.stdout.wait_for(r"^\[web\] up$")
        assert davit.ctl("stop", "web").returncode == 0
        shrink(davit)
        eventually(lambda: davit.status()["cpus"] == 1, "the count is read again (it may be 100 ms old)")
        assert davit.ctl("start", "web").returncode == 0
        davit.stdout.wait_for(r"^\[web\] up$", count=2)
        davit.stderr.wait_for(rf"info cpus {CPUS} -> 1 ")
        assert "DAVIT_CPUS=1" in davit.ctl("env", "web", "--reveal").stdout
        assert "heard" not in davit.stdout.text()


def switches(pid):
    """How often the process went to sleep or was put aside."""
    return sum(int(line.split()[1]) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "ctxt_switches" in line)


def is_still(davit, seconds):
    before = switches(davit.pid)
    time.sleep(seconds)  # the condition is that nothing happens
    return switches(davit.pid) == before


def test_without_somebody_who_needs_to_know_davit_sleeps(tmp_path):
    with Davit(tmp_path, pod("command: [sleep, '600'], cpus: {env: [GOMAXPROCS]}")) as davit:
        davit.wait_phase("online")
        eventually(lambda: is_still(davit, 2.5), "an idle davit sleeps")
        shrink(davit)
        eventually(lambda: davit.status()["cpus"] == 1, "who asks is told")
        davit.stderr.wait_for(rf"info cpus {CPUS} -> 1 ")


def test_davit_sleeps_again_when_the_last_that_needed_to_know_has_stopped(tmp_path):
    with Davit(tmp_path, pod(f"command: {COUNTER}, cpus: {{shim: 'on', watchSeconds: 0.2}}")) as davit:
        davit.stdout.wait_for(r"^\[web\] counts")
        davit.wait_phase("online")
        before = switches(davit.pid)
        eventually(lambda: switches(davit.pid) >= before + 5, "it looks every 0.2 s")
        assert davit.ctl("stop", "web").returncode == 0
        eventually(lambda: is_still(davit, 2.5), "an idle davit sleeps")


def test_what_was_given_is_told_with_the_reasons(tmp_path):
    with Davit(tmp_path, pod(f"command: {COUNTER}, cpus: {{shim: 'on'}}", "cpus: {env: [GOMAXPROCS, HOME]}\n")) as davit:
        davit.stdout.wait_for(r"^\[web\] counts")
        lines = davit.ctl("cpus", "--explain").stdout.splitlines()
        assert lines[0] == str(CPUS)
        web = lines.index(next(line for line in lines if line.startswith(f"web: {CPUS} CPUs, pid ")))
        assert f"  DAVIT_CPUS={CPUS}" in lines[web:]
        assert f"  {binary().parent}/libdavit-cpus.so is preloaded: cpus.shim is on" in lines[web:]
        assert "  the library is loaded" in lines[web:]
        assert davit.ctl("cpus", "-o", "env").stdout.splitlines() == [f"DAVIT_CPUS={CPUS}", f"GOMAXPROCS={CPUS}"]


def test_a_program_that_the_library_does_not_reach_is_named(tmp_path):
    source = tmp_path / "wait.c"
    source.write_text("#include <unistd.h>\nint main(void) { return pause(); }\n")
    program = tmp_path / "wait"
    assert os.system(f"cc -static -o {program} {source}") == 0
    with Davit(tmp_path, pod(f"command: [{program}], cpus: {{shim: 'on'}}")) as davit:
        davit.wait_phase("online")
        lines = davit.ctl("cpus", "--explain").stdout.splitlines()
        assert f"  the library is not loaded: {program} is linked statically" in lines
        assert any(line.startswith("libdavit-cpus.so does not reach static programs") for line in lines)


def test_without_the_library_a_service_starts_and_its_errors_are_clean(tmp_path):
    """As in an image into which only the binary was copied."""
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(binary(), alone / "davit")
    previous = os.environ["DAVIT_BINARY"]
    os.environ["DAVIT_BINARY"] = str(alone / "davit")
    try:
        with Davit(tmp_path, pod(f"command: {COUNTER}, cpus: {{shim: 'on'}}")) as davit:
            davit.stdout.wait_for(rf"^\[web\] counts {CPUS}$")
            lines = davit.ctl("cpus", "--explain").stdout
            assert f"cpus.shim is on, but {alone}/libdavit-cpus.so: no such file or directory: left out" in lines
            assert "ERROR: ld.so" not in davit.stderr.text() + davit.stdout.text()
    finally:
        os.environ["DAVIT_BINARY"] = previous


def test_the_page_goes_with_davit(tmp_path):
    with Davit(tmp_path, pod(f"command: {COUNTER}, cpus: {{shim: 'on'}}")) as davit:
        davit.stdout.wait_for(r"^\[web\] counts")
        assert len(list(tmp_path.glob("davit-cpus-*"))) == 1
        davit.signal(15)
        davit.wait()
        assert list(tmp_path.glob("davit-cpus-*")) == []


def test_without_a_davit_the_count_and_its_names_come_from_here(tmp_path):
    (tmp_path / "davit.yaml").write_text("services: {web: {command: [sleep, '1']}}\ncpus: {env: [GOMAXPROCS], count: 7}\n")
    plain = {"PATH": os.environ["PATH"], "DAVIT_CONFIG": str(tmp_path / "davit.yaml"), "XDG_RUNTIME_DIR": str(tmp_path),
             "ASAN_OPTIONS": "detect_leaks=0"}

    def run(*words):
        return subprocess.run([binary(), "cpus", *words], env=plain, capture_output=True, text=True, timeout=60)

    assert run("-o", "env").stdout.splitlines() == ["DAVIT_CPUS=7", "GOMAXPROCS=7"]
    assert "  no davit runs here: nothing is set for anybody" in run("--explain").stdout.splitlines()
    assert run("--socket", str(tmp_path / "none")).returncode == 3
