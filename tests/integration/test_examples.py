# SPDX-License-Identifier: Apache-2.0
"""The examples run, and say of themselves what is true. Ports are free ones, files are the test's own."""

import json
import os
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest
from davit_process import DEADLINE, Davit, binary, eventually

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def fetch(port, path="/"):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=DEADLINE) as answer:
        return answer.read().decode()


def check(*arguments, env=None):
    done = subprocess.run([str(binary()), "check", "-o", "json", *map(str, arguments)], capture_output=True, text=True,
                          env={"PATH": os.environ["PATH"], "ASAN_OPTIONS": "detect_leaks=0", **(env or {})},
                          timeout=DEADLINE)
    return json.loads(done.stdout)


FOLDERS = sorted(path.parent for path in EXAMPLES.glob("*/README.md"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_example_is_a_good_configuration_that_agrees_with_its_pod(folder):
    configuration = folder / "davit.yaml" if (folder / "davit.yaml").exists() else folder / "davit"
    answer = check(configuration, "--pod", folder / "pod.yaml")
    # Commands and files of the image are not on this machine, variables of the Pod are not set.
    elsewhere = ("is not on this machine", "is not set", "no such file or directory")
    problems = [problem for problem in answer["problems"] if not any(text in problem["message"] for text in elsewhere)]
    assert (answer["ok"], problems) == (True, [])


# ---- layers --------------------------------------------------------------------------------------------------------


@pytest.fixture
def layers(tmp_path):
    env = {"PORT": str(free_port()), "LOG_PORT": str(free_port()), "LOG_FILE": str(tmp_path / "app.log"),
           "SITE": str(EXAMPLES / "layers/site")}
    directory = tmp_path / "etc"
    directory.mkdir()
    for file in EXAMPLES.glob("layers/davit/*.yaml"):
        (directory / file.name).write_text(file.read_text())
    return directory, env


def test_each_layer_adds_to_the_ones_below(tmp_path, layers):
    directory, env = layers
    with Davit(tmp_path, arguments=["-c", str(directory)], env=env) as davit:
        davit.wait_phase("online")
        status = davit.status()
        assert (status["app"], [service["name"] for service in status["services"]]) == ("hello", ["log-agent", "web"])
        assert fetch(env["PORT"]) == "<h1>Hello</h1>\n"
        web = Path(f"/proc/{next(iter(host_pids(davit, 'http.server')))}/environ").read_text()
        assert "GREETING=hello" in web and "PYTHONDONTWRITEBYTECODE=1" in web
        with socket.create_connection(("127.0.0.1", int(env["LOG_PORT"])), DEADLINE) as connection:
            connection.sendall(b"a line\n")
        log = Path(env["LOG_FILE"])
        eventually(lambda: log.exists() and log.read_text() == "a line\n", "the log agent wrote the line")
        davit.signal(signal.SIGTERM)
        assert davit.wait() == 0


def host_pids(davit, word):
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and word in (entry / "cmdline").read_text() and \
                    f"\nNSpid:\t{entry.name}\t" in (entry / "status").read_text():
                if Path(f"/proc/{davit.pid}/ns/pid").readlink() == (entry / "ns/pid").readlink():
                    yield int(entry.name)
        except OSError:
            continue


def test_two_layers_that_both_have_a_main_are_named(layers):
    directory, env = layers
    with (directory / "10-os.yaml").open("a") as file:
        file.write("    main: true\n")
    (directory / "90-app.yaml").unlink()
    problems = [problem for problem in check(directory, env=env)["problems"] if problem["severity"] == "error"]
    assert len(problems) == 1
    assert problems[0]["file"].endswith("50-runtime.yaml")
    assert '"inventory-agent" is main already' in problems[0]["message"] and "10-os.yaml:9:11" in problems[0]["message"]


# ---- oneshot-database ------------------------------------------------------------------------------------------------


def database_environment(tmp_path):
    return {"PORT": str(free_port()), "DATABASE": str(tmp_path / "data/shop.db"),
            "SHOP_HOME": str(EXAMPLES / "oneshot-database")}


def test_the_database_is_prepared_before_main_starts(tmp_path):
    env = database_environment(tmp_path)
    (tmp_path / "data").mkdir()
    arguments = ["-c", str(EXAMPLES / "oneshot-database/davit.yaml")]
    with Davit(tmp_path, arguments=arguments, env=env) as davit:
        davit.wait_phase("online")
        assert fetch(env["PORT"]) == "anchor 340\nrope 12\n"
        assert davit.service("database")["state"] == "completed"
        davit.signal(signal.SIGTERM)
        assert davit.wait() == 0
    with Davit(tmp_path, arguments=arguments, env=env) as davit:  # a second start finds what is there
        davit.wait_phase("online")


def test_a_volume_that_comes_late_is_waited_for(tmp_path):
    env = database_environment(tmp_path)
    with Davit(tmp_path, arguments=["-c", str(EXAMPLES / "oneshot-database/davit.yaml")], env=env) as davit:
        davit.wait_state("database", "backoff")
        (tmp_path / "data").mkdir()
        davit.wait_phase("online")
        assert davit.service("database")["restarts"] >= 1
