# SPDX-License-Identifier: Apache-2.0
"""examples/crashing-app: the commands of its README, as they stand there and in one shell, print what it shows."""

import os
import subprocess
from pathlib import Path

import pytest
from console import sessions, shows_some
from davit_process import DEADLINE, Output, binary, eventually, start_plainly

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
END = "---- end of a command, exit code"


class Shell:
    """One bash in a PID namespace of its own, whose end leaves nothing behind."""

    def __init__(self, directory):
        environment = {"PATH": f"{binary().parent}:{os.environ['PATH']}", "ASAN_OPTIONS": "detect_leaks=0", "HOME": str(directory),
                       "DAVIT_SOCKET": str(directory / "davit.sock"), "LANG": "C.UTF-8"}
        self._process = subprocess.Popen(["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "bash"], cwd=directory,
                                         env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.STDOUT, preexec_fn=start_plainly)
        self._output = Output(self._process.stdout)
        self._ended = 0

    def run(self, command):
        """What it prints, and its exit code. As typed, but that nothing can read what is typed next."""
        before = len(self._output.lines())
        self._process.stdin.write(f"{{ {command}\n}} < /dev/null; echo '{END}' $?\n".encode())
        self._process.stdin.flush()
        self._ended += 1
        self._output.wait_for(END, count=self._ended)
        *lines, end = self._output.lines()[before:]
        return "\n".join(lines), int(end.removeprefix(END))

    def close(self):
        self._process.kill()
        self._process.wait(DEADLINE)


@pytest.fixture
def shell(tmp_path):
    (tmp_path / "examples").symlink_to(EXAMPLES)
    shell = Shell(tmp_path)
    yield shell
    shell.close()


def test_the_commands_of_its_readme_print_what_it_shows(shell):
    exit_codes = {}
    for session in sessions((EXAMPLES / "crashing-app/README.md").read_text()):
        for command, shown in session:
            printed = ""

            def is_shown():
                nonlocal printed
                printed, exit_codes[command] = shell.run(command)
                return shows_some(printed, shown)

            # A person reads before typing on: what only looks is asked again until that much time has passed.
            looks = command.startswith(("davit status", "davit why", "davit probe"))
            try:
                assert is_shown() or (looks and eventually(is_shown, command))
            except AssertionError:
                raise AssertionError(f"$ {command}\n{printed}\n---- instead of\n{shown}") from None
    refused = {command: code for command, code in exit_codes.items() if code != 0}
    assert refused == {"davit run -c davit.yaml": 3, "davit probe ready": 1}


def test_davit_shell_is_the_same_with_a_shell(shell):
    shell.run("cp -r examples/crashing-app shop && cd shop && export SHOP_HOME=$PWD")
    shell.run("DAVIT_MODE=debug davit run -c davit.yaml > log 2>&1 &")
    eventually(lambda: "held" in shell.run("davit status shop")[0], "shop has ended")
    printed, code = shell.run("echo 'sed -i s/lots/64/ shop.conf; echo of $DAVIT_SERVICE; exit 7' > typed; davit shell < typed")
    assert ("of shop" in printed, code) == (True, 7)
    assert shell.run("davit start shop")[1] == 0


def test_an_online_that_fails_is_121_without_hold(shell):
    shell.run("cp -r examples/crashing-app shop && cd shop && export SHOP_HOME=$PWD")
    shell.run("sed -i s/lots/64/ shop.conf; sed -i 's/onFailure: hold/onFailure: shutdown/' davit.yaml")
    assert shell.run("davit run -c davit.yaml")[1] == 121
