# SPDX-License-Identifier: Apache-2.0
"""What the README shows of curl is what curl shows: its commands run as they stand there, in a davit with its own /run and
its own network, and print what stands below them, but for times and numbers."""

import signal
import subprocess
from pathlib import Path

import pytest
from console import sessions, shows_all
from davit_process import DEADLINE, Davit, eventually
from runc_box import enter_private_network, mount_privately

README = (Path(__file__).resolve().parents[2] / "README.md").read_text()

SHOP = """
app: shop
statusPort: 9100
services:
  mesh: {command: [sh, -c, echo GET /ready 200; exec sleep 600]}
  shop: {main: true, command: [sleep, "600"]}
"""


def test_there_is_an_example_of_everything():
    commands = "\n".join(command for session in sessions(README) for command, _ in session)
    for word in ["v1/status", "readyz", "events?follow=true", "POST", "metrics", "[::1]", "v1/logs"]:
        assert word in commands


@pytest.mark.parametrize("session", sessions(README), ids=lambda session: session[0][0].rsplit(" ", 1)[-1])
def test_the_commands_of_the_readme_print_what_it_says(tmp_path, session):
    def own_surroundings():
        enter_private_network()
        mount_privately("tmpfs", "/run")

    with Davit(tmp_path, SHOP, limits=own_surroundings, env={"DAVIT_SOCKET": "/run/davit/davit.sock"}) as davit:
        davit.wait_phase("online")
        enter = ["nsenter", f"--target={davit.pid}", "--pid", "--mount", "--net"]
        for command, output in session:
            done = subprocess.run([*enter, "bash", "-c", command], capture_output=True, text=True, timeout=DEADLINE)
            assert done.stderr == "", command
            assert shows_all(done.stdout, output), f"$ {command}\n{done.stdout}"
        davit.signal(signal.SIGTERM)
        davit.wait()
