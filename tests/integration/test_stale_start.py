# SPDX-License-Identifier: Apache-2.0
"""stateDir: what a start finds of the run before, when PID 1 was killed while the pod was online or isolated."""

import contextlib
import ctypes
import os
import signal
import subprocess

import pytest
from davit_process import MAIN, Davit, eventually, script

STATE = "davit.state"


def shop(directory, offline="note offline $DAVIT_REASON pid=${DAVIT_MAIN_PID:-none} up=$(test -e $T/helper-up && echo yes)",
         more="", state=None):
    return f"""
app: shop
stateDir: {state or directory}/state
services:
  helper: {{command: {script("touch $T/helper-up; exec sleep 600")}}}
  shop: {{main: true, command: {MAIN}}}
lifecycle:
  online:  {{exec: {{command: {script("note online $DAVIT_REASON")}}}}}
  offline: {{exec: {{command: {script(offline).replace("${", "$${")}}}}}
{more}
"""


def kill_online(directory, configuration):
    """A run that is online when PID 1 is killed; the container's processes go with it."""
    with Davit(directory, configuration) as davit:
        davit.wait_phase("online")
        started = [directory / "helper-up", directory / "main-up"]
        eventually(lambda: all(file.exists() for file in started), "both have begun to run")
        davit.signal(signal.SIGKILL)
        davit.wait()
    for file in started:
        file.unlink()


def what_ran(davit):
    """Once main has begun to run and the pod is online, sorted: which of the two says so first is nobody's promise."""
    davit.wait_trace("main-start")
    davit.wait_phase("online")
    return sorted(davit.trace())


def state_of(directory):
    return (directory / "state" / STATE).read_text().splitlines()


def test_after_a_kill_while_online_offline_runs_before_any_service(tmp_path):
    kill_online(tmp_path, shop(tmp_path))
    assert "online 1" in state_of(tmp_path)
    (tmp_path / "trace").unlink()

    with Davit(tmp_path, shop(tmp_path)) as davit:
        davit.wait_phase("online")
        assert what_ran(davit) == ["main-start", "offline stale pid=none up=", "online start"]
        assert davit.trace()[0] == "offline stale pid=none up="
        davit.stderr.wait_for("davit info the run before: offline runs \\(it ended while it was online\\)")
        davit.stderr.wait_for("davit info the run before: offline done")
        events = davit.ctl("events", "-o", "json").stdout
        assert '"from": "run before", "to": "offline runs"' in events
        assert "online 2" in state_of(tmp_path)
        davit.signal(signal.SIGTERM)
        assert davit.wait() == 0
        offlines = [line.split() for line in davit.trace() if line.startswith("offline")]
        assert [words[1] for words in offlines] == ["stale", "signal"]
        assert offlines[1][2].removeprefix("pid=").isdigit()
    assert "online 0" in state_of(tmp_path)


def test_after_a_clean_end_nothing_is_stale(tmp_path):
    with Davit(tmp_path, shop(tmp_path)) as davit:
        davit.wait_phase("online")
        davit.signal(signal.SIGTERM)
        assert davit.wait() == 0
    (tmp_path / "trace").unlink()
    with Davit(tmp_path, shop(tmp_path)) as davit:
        davit.wait_phase("online")
        assert what_ran(davit) == ["main-start", "online start"]


def test_a_failed_stale_offline_is_told_and_the_start_goes_on(tmp_path):
    kill_online(tmp_path, shop(tmp_path))
    with Davit(tmp_path, shop(tmp_path, offline="note offline; exit 7")) as davit:
        davit.wait_phase("online")
        davit.stderr.wait_for("davit warn the run before: offline failed \\(offline failed: exit code 7\\)")
        assert "online 2" in state_of(tmp_path)


def test_while_the_stale_offline_runs_everything_says_so_and_sigterm_waits_for_it(tmp_path):
    kill_online(tmp_path, shop(tmp_path))
    waits = "note begins; read go < $T/go; note ends"
    os.mkfifo(tmp_path / "go")
    with Davit(tmp_path, shop(tmp_path, offline=waits)) as davit:
        davit.wait_trace("begins")
        assert davit.status()["phase"] == "starting"
        why = davit.ctl("why").stdout
        assert "the run before ended while it was online, its offline runs first" in why
        assert davit.service("helper")["why"].startswith("blocked: waits for the offline that the run before owes")
        davit.signal(signal.SIGTERM)
        eventually(lambda: "starting" == davit.status()["phase"], "it waits")
        (tmp_path / "go").write_text("on\n")
        assert davit.wait() == 121
        assert davit.trace()[-2:] == ["begins", "ends"]
        assert not (tmp_path / "helper-up").exists()


def test_a_kill_in_the_middle_of_offline_runs_it_again(tmp_path):
    waits = "note offline $DAVIT_REASON; read go < $T/go"
    os.mkfifo(tmp_path / "go")
    with Davit(tmp_path, shop(tmp_path, offline=waits)) as davit:
        davit.wait_phase("online")
        davit.start_ctl("offline")
        davit.wait_trace("offline manual")
        davit.signal(signal.SIGKILL)
        davit.wait()
    with Davit(tmp_path, shop(tmp_path, offline=waits)) as davit:
        davit.wait_trace("offline stale")
        (tmp_path / "go").write_text("on\n")
        davit.wait_phase("online")


def test_isolated_by_hand_stays_isolated_until_a_rejoin(tmp_path):
    with Davit(tmp_path, shop(tmp_path)) as davit:
        davit.wait_phase("online")
        assert davit.ctl("isolate", "--reason", "it leaks").returncode == 0
        davit.signal(signal.SIGKILL)
        davit.wait()
    (tmp_path / "trace").unlink()
    with Davit(tmp_path, shop(tmp_path)) as davit:
        davit.wait_trace("main-start")
        davit.wait_state("shop", "running")
        status = davit.status()
        assert (status["phase"], status["isolated"], status["ready"], status["live"]) == ("offline", True, False, True)
        davit.stderr.wait_for("the run before was isolated \\(it leaks\\): so is this one, until a rejoin")
        assert davit.trace() == ["main-start"]
        assert davit.ctl("rejoin").returncode == 0
        assert davit.trace() == ["main-start", "online manual"]
        davit.signal(signal.SIGKILL)
        davit.wait()
    with Davit(tmp_path, shop(tmp_path)) as davit:
        davit.wait_phase("online")
        assert davit.status()["isolated"] is False


@pytest.mark.parametrize("damage, told", [
    (lambda text: text[:-5], "is torn, or no state of davit; it is ignored"),
    (lambda text: text.replace("online 1", "online 9"), "is torn, or no state of davit; it is ignored"),
    (lambda text: "", "is torn, or no state of davit; it is ignored"),
    (lambda text: text.replace("davit state 1", "davit state 7"), r"is of another davit \(davit state 7\); it is ignored"),
    (lambda text: "x" * 100_000, "is torn, or no state of davit; it is ignored"),
])
def test_a_torn_or_foreign_state_is_told_and_ignored(tmp_path, damage, told):
    kill_online(tmp_path, shop(tmp_path))
    file = tmp_path / "state" / STATE
    file.write_text(damage(file.read_text()))
    (tmp_path / "trace").unlink()
    with Davit(tmp_path, shop(tmp_path)) as davit:
        davit.wait_phase("online")
        davit.stderr.wait_for(f"davit warn stateDir: {file} {told}")
        assert what_ran(davit) == ["main-start", "online start"]
        assert "online 1" in state_of(tmp_path)


def test_the_state_of_another_app_is_not_taken(tmp_path):
    kill_online(tmp_path, shop(tmp_path))
    (tmp_path / "trace").unlink()
    with Davit(tmp_path, shop(tmp_path).replace("app: shop", "app: till")) as davit:
        davit.wait_phase("online")
        davit.stderr.wait_for(r"davit.state is of shop on \S+; it is ignored")
        assert what_ran(davit) == ["main-start", "online start"]


def test_a_directory_that_cannot_be_used_is_a_warning_and_the_pod_goes_online(tmp_path):
    for state, told in [
        ("/proc/self", "cannot use /proc/self/state: no such file or directory"),
        (f"{tmp_path}/davit.yaml", f"cannot use {tmp_path}/davit.yaml/state: not a directory"),
    ]:
        with Davit(tmp_path, shop(tmp_path, state=state)) as davit:
            davit.wait_phase("online")
            davit.stderr.wait_for(f"davit warn stateDir: {told}; a start after a crash knows nothing")


def test_a_directory_of_another_user_is_not_used(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can give a directory away")
    (tmp_path / "state").mkdir()
    os.chown(tmp_path / "state", 1234, 1234)
    with Davit(tmp_path, shop(tmp_path)) as davit:
        davit.wait_phase("online")
        davit.stderr.wait_for("it belongs to uid 1234, which is neither root nor davit's; a start after a crash knows nothing")
        assert os.listdir(tmp_path / "state") == []


@contextlib.contextmanager
def mounted(place, kind, *options):
    """A filesystem of its own at `place`; needs root."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    place.mkdir()
    subprocess.run(["mount", "-t", kind, "-o", ",".join(options), kind, place], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def test_a_read_only_directory_is_not_used(tmp_path):
    place = tmp_path / "state"
    with mounted(place, "tmpfs", "ro"), Davit(tmp_path, shop(tmp_path)) as davit:
        davit.wait_phase("online")
        davit.stderr.wait_for(f"davit warn stateDir: cannot use {place}: read-only file system; "
                              "a start after a crash knows nothing")


def test_a_directory_whose_server_is_away_is_not_used_and_holds_nothing_up(tmp_path):
    if not os.path.exists("/dev/fuse"):
        pytest.skip("no FUSE here: /dev/fuse is missing")
    place = tmp_path / "state"
    with open("/dev/fuse", "r+b", buffering=0) as silent:
        libc = ctypes.CDLL(None, use_errno=True)
        place.mkdir()
        options = f"fd={silent.fileno()},rootmode=40000,user_id=0,group_id=0".encode()
        if libc.mount(b"silent", bytes(place), b"fuse", 0, options) != 0:
            pytest.skip(f"no FUSE can be mounted: {os.strerror(ctypes.get_errno())}")
        try:
            with Davit(tmp_path, shop(tmp_path)) as davit:
                davit.wait_phase("online")
                davit.stderr.wait_for(rf"davit warn stateDir: cannot use {place}: it is on a network filesystem \(fuse\), whose "
                                      "server may be away; a start after a crash knows nothing")
        finally:
            subprocess.run(["umount", "-l", place], check=True)


def test_a_full_disk_is_told_once_and_holds_nothing_up(tmp_path):
    place = tmp_path / "state"
    with mounted(place, "tmpfs", "size=8k"), Davit(tmp_path, shop(tmp_path)) as davit:
        davit.wait_phase("online")
        try:
            with open(place / "filler", "wb", buffering=0) as filler:
                while True:
                    filler.write(b"x" * 4096)
        except OSError:
            pass
        for verb in ["offline", "online"]:
            assert davit.ctl(verb).returncode == 0
        told = [line for line in davit.stderr.lines() if "no space left on device" in line]
        assert len(told) == 1
        assert told[0].endswith("a start after a crash knows less")
        (place / "filler").unlink()
        assert davit.ctl("offline").returncode == 0
        davit.stderr.wait_for(f"davit info stateDir: {place}/{STATE} can be written again")


def test_two_davits_do_not_share_a_state(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with Davit(tmp_path / "one", shop(tmp_path)) as first:
        first.wait_phase("online")
        with Davit(tmp_path / "two", shop(tmp_path)) as second:
            second.wait_phase("online")
            second.stderr.wait_for(f"davit warn stateDir: cannot use {tmp_path}/state: another davit uses it")


def test_debug_mode_leaves_a_stale_offline_owed(tmp_path):
    kill_online(tmp_path, shop(tmp_path))
    (tmp_path / "trace").unlink()
    with Davit(tmp_path, shop(tmp_path), arguments=["--mode", "debug"]) as davit:
        davit.wait_trace("main-start")
        davit.signal(signal.SIGTERM)
        davit.wait()
        assert "online 1" in state_of(tmp_path)
    with Davit(tmp_path, shop(tmp_path)) as davit:
        davit.wait_phase("online")
        assert "offline stale pid=none up=yes" in davit.trace()
