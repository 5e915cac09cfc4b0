# SPDX-License-Identifier: Apache-2.0
"""Who the processes of a service are: user, groups, limits, umask, nice, oom score, and the files of envFile."""

import json
import os
import pwd
import shutil
import signal
import subprocess

import pytest
from davit_process import DEADLINE, MAIN, Davit, binary, eventually, script

NOBODY = pwd.getpwnam("nobody")


@pytest.fixture
def open_path(tmp_path):
    """The test's directory, which every user may write to."""
    for folder in [tmp_path, *tmp_path.parents]:
        if folder.stat().st_mode & 0o055 != 0o055 and str(folder) not in ("/", "/tmp"):
            folder.chmod(folder.stat().st_mode | 0o055)
    tmp_path.chmod(0o777)
    return tmp_path


def with_helper(keys, command=script("echo up; exec sleep 600")):
    return f"""
services:
  shop: {{main: true, command: {MAIN}}}
  helper:
    command: {command}
    {keys}
"""


def who_am_i():
    return script("id -u; id -g; id -G; echo $HOME $USER $LOGNAME; umask; nice; ulimit -n; ulimit -Hn; ulimit -c; "
                  "cat /proc/self/oom_score_adj; grep NoNewPrivs /proc/self/status; exec sleep 600")


def lines_of(davit, name, count):
    davit.stdout.wait_for(rf"^\[{name}\]", count=count)
    return [line.removeprefix(f"[{name}] ") for line in davit.stdout.lines() if line.startswith(f"[{name}]")][:count]


def test_a_service_is_who_its_configuration_says(open_path):
    keys = """user: nobody
    umask: 0027
    nice: 4
    oomScoreAdj: 250
    noNewPrivileges: true
    rlimits: {nofile: {soft: 300, hard: 400}, core: 0}"""
    with Davit(open_path, with_helper(keys, who_am_i())) as davit:
        seen = lines_of(davit, "helper", 11)
    assert seen == [str(NOBODY.pw_uid), str(NOBODY.pw_gid), str(NOBODY.pw_gid), f"{NOBODY.pw_dir} nobody nobody", "0027", "4",
                    "300", "400", "0", "250", "NoNewPrivs:\t1"]


def test_a_number_needs_no_entry_in_passwd_and_changes_no_home(open_path):
    with Davit(open_path, with_helper("user: 4711\n    group: 4712", who_am_i())) as davit:
        seen = lines_of(davit, "helper", 4)
    assert [line.strip() for line in seen] == ["4711", "4712", "4712", str(open_path)]


def test_a_number_that_passwd_does_not_know_keeps_the_group_of_davit(open_path):
    with Davit(open_path, with_helper("user: 4711", who_am_i())) as davit:
        assert lines_of(davit, "helper", 3) == ["4711", "0", "0"]


@pytest.mark.skipif(not shutil.which("systemd-notify"), reason="systemd-notify is not installed: packaging/setup test")
@pytest.mark.parametrize("mode", [0o777, 0o700], ids=["path", "abstract"])
def test_a_service_under_another_user_reaches_its_notify_socket(open_path, mode):
    """Whether everybody or only root may enter the folder of davit's socket."""
    open_path.chmod(mode)
    command = script("echo at $NOTIFY_SOCKET as $(id -u); systemd-notify --ready --status=fine; exec sleep 600")
    keys = """user: nobody
    workingDir: /
    startupProbe: {notify: {}}
    readinessProbe: {notify: {}}"""
    with Davit(open_path, with_helper(keys, command)) as davit:
        davit.wait_phase("online")
        place = str(open_path) if mode == 0o777 else "@"
        davit.stdout.wait_for(rf"^\[helper\] at {place}.* as {NOBODY.pw_uid}$")
        eventually(lambda: davit.service("helper")["why"] == "ready: READY=1; it says: fine", "what it says is shown")


def test_raw_services_under_other_users_open_their_streams_by_name(open_path):
    speak = script("echo out of $(id -u) > /dev/stdout; echo error of $(id -u) > /dev/stderr; "
                   "cat < /dev/stdout || echo unread by $(id -u); exec sleep 600")
    configuration = with_helper("user: nobody\n    logs: raw", speak) + f"""
  other: {{command: {speak}, user: 4711, logs: raw}}
"""
    with Davit(open_path, configuration) as davit:
        for user in [NOBODY.pw_uid, 4711]:
            davit.stdout.wait_for(f"^out of {user}$")
            davit.stderr.wait_for(f"^error of {user}$")
            davit.stdout.wait_for(f"^unread by {user}$")


def test_the_service_may_set_home_itself(open_path):
    with Davit(open_path, with_helper("user: nobody\n    env: {HOME: /srv}", who_am_i())) as davit:
        assert lines_of(davit, "helper", 4)[3] == "/srv nobody nobody"


def test_already_that_user_needs_nothing(open_path):
    with Davit(open_path, with_helper("user: root", script("id -G; exec sleep 600"))) as davit:
        davit.ctl("wait", "helper")
        assert lines_of(davit, "helper", 1)[0].split() == sorted({str(group) for group in [os.getgid(), *os.getgroups()]}, key=int)


def test_a_relayed_service_of_another_user_can_open_dev_stdout(open_path):
    command = script("echo by-name > /dev/stdout; echo by-name-too > /proc/self/fd/2; exec sleep 600")
    with Davit(open_path, with_helper("user: nobody", command)) as davit:
        davit.stdout.wait_for(r"^\[helper\] by-name$")
        davit.stderr.wait_for(r"^\[helper\] by-name-too$")


def test_probes_and_stop_commands_run_as_the_user_of_the_service(open_path):
    keys = f"""user: nobody
    umask: 0077
    readinessProbe: {{exec: {{command: {script('test $(id -u) = 65534 && test $(umask) = 0077 && note probe $(id -un)')}}}}}
    stopCommand: {script('note stop $(id -un); kill $(cat $T/pid)')}"""
    with Davit(open_path, with_helper(keys, script("echo $$ > $T/pid; exec sleep 600"))) as davit:
        davit.wait_phase("online")
        assert "probe nobody" in davit.trace()
        assert davit.ctl("stop", "helper").returncode == 0
        assert "stop nobody" in davit.trace()


def test_steps_run_as_the_user_of_main(open_path):
    configuration = f"""
services:
  shop: {{main: true, user: nobody, logs: prefix, command: {MAIN}}}
lifecycle:
  preload: {{exec: {{command: {script('note preload $(id -un) $HOME; echo by-name > /dev/stdout')}}}}}
"""
    with Davit(open_path, configuration) as davit:
        davit.wait_phase("online")
        assert f"preload nobody {NOBODY.pw_dir}" in davit.trace()
        davit.stdout.wait_for(r"\[preload\] by-name")
        davit.signal(signal.SIGTERM)
        assert davit.wait() == 0


def test_env_files_are_read_and_env_wins(tmp_path):
    (tmp_path / "a.env").write_text("# first\nA=1\nB='two words'\nC=3\n")
    (tmp_path / "b.env").write_text("C=later\nD=4\n")
    keys = "envFile: [\"${T}/a.env\", \"${T}/b.env\"]\n    env: {D: own}"
    with Davit(tmp_path, with_helper(keys, script("echo $A, $B, $C, $D; exec sleep 600"))) as davit:
        assert lines_of(davit, "helper", 1) == ["1, two words, later, own"]


def check(tmp_path, configuration, **settings):
    file = tmp_path / "checked.yaml"
    file.write_text(configuration)
    return subprocess.run([binary(), "check", file], text=True, capture_output=True, timeout=DEADLINE, **settings)


def test_what_only_this_machine_lacks_is_a_warning_in_check_and_125_in_run(tmp_path):
    configuration = with_helper("user: nobodi\n    envFile: /nowhere/a.env")
    answer = check(tmp_path, configuration)
    assert answer.returncode == 0
    assert 'warning: services.helper.user: unknown user "nobodi" (did you mean "nobody"?)' in answer.stderr
    assert 'warning: services.helper.envFile: cannot read "/nowhere/a.env": no such file or directory' in answer.stderr
    with Davit(tmp_path, configuration) as davit:
        assert davit.wait() == 125
        assert 'unknown user "nobodi"' in davit.stderr.text()
        assert davit.trace() == []


def test_a_hard_limit_above_davits_own_is_told_where_sys_resource_is_missing(tmp_path):
    configuration = with_helper("rlimits: {msgqueue: unlimited}\n    oomScoreAdj: -900")
    drop = ["setpriv", "--bounding-set=-sys_resource", "--inh-caps=-sys_resource"]
    file = tmp_path / "checked.yaml"
    file.write_text(configuration)
    answer = subprocess.run([*drop, binary(), "check", file], text=True, capture_output=True, timeout=DEADLINE)
    assert answer.returncode == 0
    assert "warning: services.helper.rlimits.msgqueue: needs CAP_SYS_RESOURCE, which davit (uid 0) does not have" in answer.stderr
    assert "warning: services.helper.oomScoreAdj: needs CAP_SYS_RESOURCE" in answer.stderr
    ran = subprocess.run([*drop, binary(), "run", "-c", file], text=True, capture_output=True, timeout=DEADLINE,
                         env={**os.environ, "T": str(tmp_path), "DAVIT_SOCKET": str(tmp_path / "s")})
    assert ran.returncode == 125
    assert "CAP_SYS_RESOURCE" in ran.stderr
    assert not (tmp_path / "trace").exists(), "nothing may start"


def test_another_user_is_told_where_nothing_is_allowed(open_path):
    program = open_path / "davit"
    shutil.copy(binary(), program)
    file = open_path / "davit.yaml"
    file.write_text(with_helper("user: nobody"))
    ran = subprocess.run([program, "run", "-c", file], text=True, capture_output=True, timeout=DEADLINE, user=4711, group=4711,
                         extra_groups=[], env={"PATH": os.environ["PATH"], "T": str(open_path), "DAVIT_SOCKET": str(open_path / "s"),
                                               "ASAN_OPTIONS": "detect_leaks=0"})
    assert ran.returncode == 125, ran.stderr
    assert "services.helper.user: needs CAP_SETUID, CAP_SETGID and CAP_KILL, which davit (uid 4711) does not have" in ran.stderr
    file.write_text(with_helper("user: 4711\n    group: 4711"))
    davit = subprocess.Popen([program, "run", "-c", file], stdout=subprocess.PIPE, text=True, user=4711, group=4711, extra_groups=[],
                             env={"PATH": os.environ["PATH"], "T": str(open_path), "DAVIT_SOCKET": str(open_path / "s"),
                                  "ASAN_OPTIONS": "detect_leaks=0"})
    try:
        eventually(lambda: (open_path / "main-up").exists(), "main runs")
        davit.terminate()
        assert davit.wait(DEADLINE) == 0
    finally:
        davit.kill()
        davit.wait(DEADLINE)


def test_main_under_another_user_is_stopped_and_reaped(open_path):
    configuration = f"services: {{shop: {{main: true, user: nobody, command: {MAIN}}}}}"
    with Davit(open_path, configuration) as davit:
        davit.wait_phase("online")
        assert davit.ctl("restart", "shop").returncode == 0
        assert json.loads(davit.ctl("status", "-o", "json").stdout)["services"][0]["state"] == "running"
        davit.signal(signal.SIGTERM)
        assert davit.wait() == 0


def test_what_escaped_under_another_user_is_stopped_with_its_service(open_path):
    command = script("setsid sh -c 'echo $$ > $T/escaped; exec sleep 600' & echo up; exec sleep 600")
    with Davit(open_path, with_helper("user: nobody", command)) as davit:
        eventually(lambda: (open_path / "escaped").exists() and (open_path / "escaped").read_text().strip(), "it escaped")
        pid = (open_path / "escaped").read_text().strip()
        assert davit.ctl("stop", "helper").returncode == 0
        gone = subprocess.run(davit.client_command()[:-1] + ["sh", "-c", f"kill -0 {pid}"], capture_output=True)
        assert gone.returncode != 0


def test_what_the_kernel_refuses_at_the_start_is_told_by_its_stage(tmp_path):
    """In a user namespace that maps only root davit has every capability, and still can be nobody else."""
    file = tmp_path / "davit.yaml"
    file.write_text(with_helper("user: nobody\n    restartPolicy: Never"))
    davit = subprocess.Popen(["unshare", "--user", "--map-root-user", binary(), "run", "-c", file], stderr=subprocess.PIPE, text=True,
                             env={"PATH": os.environ["PATH"], "T": str(tmp_path), "DAVIT_SOCKET": str(tmp_path / "s"),
                                  "ASAN_OPTIONS": "detect_leaks=0"})
    try:
        assert davit.wait(DEADLINE) == 121
        assert "cannot start helper: group 65534: invalid argument (at group, uid 0)" in davit.stderr.read()
    finally:
        davit.kill()
        davit.wait(DEADLINE)
