# SPDX-License-Identifier: Apache-2.0
"""The CPU count that services are told: odd surroundings, and launches that wait for a JVM to be read. The JVMs are
made up: a program that prints its arguments, beside a library that holds the names of flags."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from davit_process import MAIN, Davit, eventually

FLAGS = [b"UseSerialGC", b"ActiveProcessorCount", b"UseContainerSupport", b"/cpu.max"]


def make_jvm(home, size=0):
    """A JVM of at least that size: reading a large one takes long enough to be caught in it."""
    (home / "bin").mkdir(parents=True)
    (home / "lib/server").mkdir(parents=True)
    shutil.copy("/bin/echo", home / "bin/java")
    library = home / "lib/server/libjvm.so"
    library.write_bytes(b"".join(b"\0" + flag + b"\0" for flag in FLAGS))
    if size:
        os.truncate(library, size)
    return home / "bin/java"


def pod(java, more=""):
    return f"""
services:
  web: {{main: true, command: {MAIN}, dependsOn: []}}
  app: {{command: [{java}, started], cpus: {{count: 5000}}, restartPolicy: Never{more}}}
"""


def held_reader(davit):
    """The child that reads the library, stopped. (Between vfork and exec a child looks like davit, too.)"""
    def find():
        for pid in Path(f"/proc/{davit.pid}/task/{davit.pid}/children").read_text().split():
            try:
                if "/libjvm.so" in Path(f"/proc/{pid}/maps").read_text():
                    os.kill(int(pid), signal.SIGSTOP)
                    return int(pid)
            except OSError:
                pass
        return None

    return eventually(find, "a child reads the library")


LARGE = 64 << 20


def test_a_service_starts_with_the_flag_when_its_jvm_was_read(tmp_path):
    with Davit(tmp_path, pod(make_jvm(tmp_path / "jdk"))) as davit:
        davit.stdout.wait_for(r"^\[app\] -XX:ActiveProcessorCount=5000 started$")


def test_all_else_goes_on_while_a_jvm_is_read(tmp_path):
    with Davit(tmp_path, pod(make_jvm(tmp_path / "jdk", LARGE))) as davit:
        reader = held_reader(davit)
        assert davit.ctl("wait", "web").returncode == 0
        os.kill(reader, signal.SIGCONT)
        davit.stdout.wait_for(r"^\[app\] .*started$")


@pytest.mark.parametrize("verb", ["stop", "restart"])
def test_a_verb_comes_while_a_jvm_is_read(tmp_path, verb):
    with Davit(tmp_path, pod(make_jvm(tmp_path / "jdk", LARGE))) as davit:
        reader = held_reader(davit)
        assert davit.ctl(verb, "app").returncode == 0
        eventually(lambda: not Path(f"/proc/{reader}").exists(), "the reader is gone")
        davit.wait_state("app", "stopped" if verb == "stop" else "completed")
    assert davit.stdout.text().count("[app]") == (0 if verb == "stop" else 1)


def test_the_end_comes_while_a_jvm_is_read(tmp_path):
    with Davit(tmp_path, pod(make_jvm(tmp_path / "jdk", LARGE))) as davit:
        held_reader(davit)
        davit.signal(signal.SIGTERM)
        assert davit.wait() in (0, 121, 143)
    assert "[app]" not in davit.stdout.text()  # the reading was broken off, not waited for


def test_a_reload_comes_while_a_jvm_is_read(tmp_path):
    with Davit(tmp_path, pod(make_jvm(tmp_path / "jdk", LARGE))) as davit:
        held_reader(davit)
        (tmp_path / "davit.yaml").write_text(f"services: {{web: {{main: true, command: {MAIN}, dependsOn: []}}}}")
        assert davit.ctl("reload").returncode == 0
        eventually(lambda: [service["name"] for service in davit.status()["services"]] == ["web"], "app is gone")
        assert davit.service("web")["state"] == "running"


def test_a_jvm_that_is_nonsense_hinders_no_start(tmp_path):
    bad = tmp_path / "bad"
    (bad / "java").mkdir(parents=True)  # a directory in PATH
    worse = tmp_path / "worse"
    worse.mkdir()
    (worse / "java").symlink_to("/nowhere/java")
    empty = make_jvm(tmp_path / "empty")
    (tmp_path / "empty/lib/server/libjvm.so").write_bytes(b"")
    services = {
        "directory": {"PATH": f"{bad}:{worse}"}, "home": {"JAVA_HOME": "\\0 \\n/..", "PATH": f"{bad}"}, "file": {"JAVA_HOME": "/etc/passwd"},
        "truncated": {"JAVA_HOME": f"{empty.parent.parent}"}, "long": {"JAVA_HOME": "/x" * 5000}, "options": {"JAVA_TOOL_OPTIONS": "'-X \\\\"}}
    configuration = f"services:\n  web: {{main: true, command: {MAIN}}}\ncpus: {{count: 5000}}\n"
    lines = "".join("  %s: {oneshot: true, command: [/bin/sh, -c, 'echo ran'], env: {%s}}\n" % (
        name, ", ".join(f'{key}: "{value}"' if "'" in value else f"{key}: '{value}'" for key, value in env.items())) for name, env in services.items())
    with Davit(tmp_path, configuration.replace("cpus:", lines + "cpus:")) as davit:
        davit.wait_phase("online")
        for name in services:
            davit.stdout.wait_for(rf"^\[{name}\] ran$")
