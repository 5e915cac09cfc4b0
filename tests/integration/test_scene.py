# SPDX-License-Identifier: Apache-2.0
"""Scenes for somebody to look at: debug mode, and isolation by command and by a downward-API volume."""

import os
import re
import signal

import pytest
from davit_process import MAIN, Davit, eventually, script

SHOP = f"""
services:
  helper:
    command: {script("note helper-start; exec sleep 600")}
    backoff: {{initialSeconds: 0.05}}
  shop: {{main: true, command: {MAIN}}}
lifecycle:
  preload: {{exec: {{command: {script("note preload $DAVIT_REASON")}}}}}
  online:  {{exec: {{command: {script("note online $DAVIT_REASON")}}}}}
  offline: {{exec: {{command: {script("note offline $DAVIT_REASON")}}}}}
  stop:    {{exec: {{command: {script("note stop $DAVIT_REASON")}}}}}
"""

CRASHING = f"""
services:
  helper: {{command: {script("exec sleep 600")}}}
  shop:
    main: true
    command: {script("echo cannot open /data/settings; test -e $T/settings || exit 3; touch $T/main-up; exec sleep 600")}
    readinessProbe: {{exec: {{command: {script("test -e $T/main-up")}}}, periodSeconds: 1}}
lifecycle:
  online: {{exec: {{command: {script("note online")}}}}}
"""


def kill_leader(davit, name):
    davit.ctl("signal", "KILL", name)


def wait_until_in(davit, phase):
    eventually(lambda: davit.status()["phase"] == phase, f"the phase is {phase} now")


# ---- debug mode ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["option", "variable"])
def test_a_crashing_main_is_held_in_debug_mode_and_started_again_by_hand(tmp_path, how):
    arguments, env = (["--mode", "debug"], {}) if how == "option" else ([], {"DAVIT_MODE": "debug"})
    with Davit(tmp_path, CRASHING, arguments=arguments, env=env) as davit:
        shop = davit.wait_state("shop", "held") and davit.service("shop")
        assert shop["lastExit"]["code"] == 3
        assert shop["lastOutput"] == ["cannot open /data/settings"]
        status = davit.status()
        assert (status["mode"], status["phase"], status["ready"], status["live"]) == ("debug", "offline", False, True)
        assert davit.ctl("probe", "startup").returncode == 0
        assert davit.ctl("probe", "live").returncode == 0
        assert davit.ctl("probe", "ready").returncode == 1
        assert "debug mode" in davit.ctl("why").stdout

        davit.ctl("exec", "shop", "--", "touch", f"{tmp_path}/settings")
        started = davit.ctl("start", "shop")
        assert started.returncode == 0, started.stderr
        assert davit.service("shop")["state"] == "running"
        assert davit.status()["phase"] == "offline"
        assert davit.trace() == []  # no step ran

        davit.signal(signal.SIGTERM)
        assert davit.wait() == 143
        assert davit.trace() == []


def test_hooks_return_at_once_in_debug_mode_and_online_is_refused(tmp_path):
    with Davit(tmp_path, CRASHING, arguments=["--mode=debug"]) as davit:
        davit.wait_state("shop", "held")
        for hook in ("poststart", "prestop"):
            done = davit.ctl(hook)
            assert done.returncode == 0 and "debug mode" in done.stdout, done
        refused = davit.ctl("online")
        assert refused.returncode == 1 and "debug mode" in refused.stderr
        assert davit.is_running()


def test_what_run_cannot_take_as_a_mode_is_125(tmp_path):
    for arguments, env, name in [(["--mode", "debugg"], {}, "--mode"), ([], {"DAVIT_MODE": "on"}, "DAVIT_MODE")]:
        with Davit(tmp_path, SHOP, arguments=arguments, env=env) as davit:
            assert davit.wait() == 125
            assert f"{name}: there are normal and debug" in davit.stderr.text()


# ---- isolation by command ------------------------------------------------------------------------------


def test_isolate_takes_the_pod_offline_and_keeps_what_ends(tmp_path):
    with Davit(tmp_path, SHOP) as davit:
        davit.wait_phase("online")
        isolated = davit.ctl("isolate", "--reason", "heap grows")
        assert isolated.returncode == 0, isolated.stderr
        assert "kubectl label" in isolated.stdout and "pod-template-hash-" in isolated.stdout
        assert davit.trace().count("offline isolate") == 1
        status = davit.status()
        assert (status["isolated"], status["phase"], status["ready"]) == (True, "offline", False)
        assert "heap grows" in davit.ctl("why").stdout

        kill_leader(davit, "helper")
        kill_leader(davit, "shop")
        davit.wait_state("helper", "held")
        davit.wait_state("shop", "held")
        assert davit.is_running()
        assert davit.ctl("probe", "live").returncode == 0

        rejoined = davit.ctl("rejoin")
        assert rejoined.returncode == 0, rejoined.stderr
        davit.wait_phase("online")
        assert davit.service("helper")["state"] == "running"
        assert davit.trace().count("online manual") == 1
        davit.signal(signal.SIGTERM)
        assert davit.wait() == 0
        assert davit.trace().count("offline isolate") == 1
        assert davit.trace().count("offline signal") == 1


def test_sigterm_and_prestop_end_an_isolated_scene_with_one_offline(tmp_path):
    for number, hook in enumerate([None, "prestop"]):
        folder = tmp_path / str(number)
        folder.mkdir()
        with Davit(folder, SHOP) as davit:
            davit.wait_phase("online")
            assert davit.ctl("isolate").returncode == 0
            if hook:
                assert davit.ctl(hook).returncode == 0
            davit.signal(signal.SIGTERM)
            assert davit.wait() == 0
            assert [line for line in davit.trace() if line.startswith("offline")] == ["offline isolate"]
            assert [line for line in davit.trace() if line.startswith("stop")] == [
                "stop prestop" if hook else "stop signal"]


def test_isolation_before_online_breaks_the_start_off_and_poststart_says_so(tmp_path):
    slow = SHOP.replace("note preload $DAVIT_REASON", "note preload; exec sleep 600")
    with Davit(tmp_path, slow) as davit:
        davit.wait_trace("preload")
        assert davit.ctl("isolate").returncode == 0
        started = davit.ctl("poststart")
        assert started.returncode == 0 and "isolated" in started.stdout
        assert davit.status()["phase"] == "offline"
        assert "online start" not in davit.trace()


# ---- isolation by a file -------------------------------------------------------------------------------


class Volume:
    """A downward-API volume as the kubelet writes it: `labels` leads through ..data, which is renamed over."""

    def __init__(self, folder):
        self.folder = folder
        self.version = 0
        folder.mkdir()
        self.write({"app": "shop"})
        (folder / "labels").symlink_to("..data/labels")

    def write(self, labels):
        self.version += 1
        name = f"..version-{self.version}"
        (self.folder / name).mkdir()
        (self.folder / name / "labels").write_text("".join(f'{key}="{value}"\n' for key, value in labels.items()))
        (self.folder / "..data_tmp").symlink_to(name)
        os.rename(self.folder / "..data_tmp", self.folder / "..data")


@pytest.fixture
def volume(tmp_path):
    return Volume(tmp_path / "podinfo")


def by_label(volume):
    return SHOP + f"isolateFile: {volume.folder}/labels\nisolateKey: davit.io/isolated\n"


def test_the_key_isolates_forbids_rejoin_and_its_disappearance_rejoins(tmp_path, volume):
    with Davit(tmp_path, by_label(volume)) as davit:
        wait_until_in(davit, "online")
        for _ in range(2):
            volume.write({"app": "shop", "davit.io/isolated": "true"})
            wait_until_in(davit, "offline")
            assert davit.status()["isolated"]
            refused = davit.ctl("rejoin")
            assert refused.returncode == 1 and "davit.io/isolated" in refused.stderr
            volume.write({"app": "shop"})
            wait_until_in(davit, "online")
            assert not davit.status()["isolated"]
        assert davit.trace().count("offline isolate") == 2


def test_a_key_that_is_there_at_the_start_keeps_the_pod_from_going_online(tmp_path, volume):
    volume.write({"davit.io/isolated": ""})
    with Davit(tmp_path, by_label(volume)) as davit:
        davit.wait_state("shop", "running")
        assert davit.ctl("poststart").returncode == 0
        assert davit.status()["phase"] == "offline"
        assert not any(line.startswith(("preload", "online")) for line in davit.trace())
        volume.write({})
        wait_until_in(davit, "online")
        assert "preload start" in davit.trace()


def test_a_key_that_flaps_ends_where_it_ends(tmp_path, volume):
    with Davit(tmp_path, by_label(volume)) as davit:
        wait_until_in(davit, "online")
        for number in range(20):
            volume.write({"davit.io/isolated": ""} if number % 2 == 0 else {})
        volume.write({"davit.io/isolated": ""})
        wait_until_in(davit, "offline")
        eventually(lambda: davit.status()["isolated"], "isolated")
        (volume.folder / "..data").unlink()  # the volume is gone: no key either
        wait_until_in(davit, "online")
        phases = re.findall(r" phase ([a-z-]+)", davit.stderr.text())
        turns = [phase for phase in phases if phase.startswith("going-")]
        assert turns == ["going-online", "going-offline"] * (len(turns) // 2) + ["going-online"]
        assert davit.trace().count("offline isolate") == turns.count("going-offline")
        # One that is overtaken may be ended before its script comes to its first line.
        onlines = sum(line.startswith("online") for line in davit.trace())
        assert phases.count("online") <= onlines <= turns.count("going-online")


def test_a_reload_that_names_the_file_makes_its_key_count_and_one_that_drops_it_does_not_any_more(tmp_path, volume):
    volume.write({"davit.io/isolated": ""})
    with Davit(tmp_path, SHOP) as davit:
        wait_until_in(davit, "online")
        for text, phase in ((by_label(volume), "offline"), (SHOP, "online")):
            (davit.directory / "davit.yaml").write_text(text)
            lines = davit.ctl("reload").stdout.splitlines()
            assert lines[0] == "~ pod: changes at once"
            assert lines[-1] == "reloaded: pod and life cycle changed"
            wait_until_in(davit, phase)


def test_isolate_prints_the_one_line_with_the_key(tmp_path, volume):
    with Davit(tmp_path, by_label(volume)) as davit:
        wait_until_in(davit, "online")
        assert "pod-template-hash- davit.io/isolated=true" in davit.ctl("isolate").stdout


def test_a_key_without_a_file_is_an_error_at_its_place(tmp_path):
    with Davit(tmp_path, SHOP + "isolateKey: isolated\n") as davit:
        assert davit.wait() == 125
        assert "isolateKey: has no meaning without isolateFile" in davit.stderr.text()
