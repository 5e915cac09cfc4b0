# SPDX-License-Identifier: Apache-2.0
"""`davit check` with real files, pipes and arguments, and the same configurations in `davit run`."""

import json
import os
import subprocess

from davit_process import DEADLINE, Davit, binary

GOOD = "services: {web: {main: true, command: [sleep, '1']}}\n"
ENVIRONMENT = {"PATH": os.environ["PATH"], "ASAN_OPTIONS": "detect_leaks=0"}


def check(*arguments, stdin=None, cwd="/", env=None):
    return subprocess.run([str(binary()), "check", *map(str, arguments)], cwd=cwd, env={**ENVIRONMENT, **(env or {})},
                          input=stdin, stdin=None if stdin is not None else subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=DEADLINE)


def problems(*arguments, **more):
    done = check("-o", "json", *arguments, **more)
    assert done.stderr == ""
    answer = json.loads(done.stdout)
    assert done.returncode == (0 if answer["ok"] else 1)
    return answer


def test_a_good_file_says_what_is_in_it(tmp_path):
    file = tmp_path / "davit.yaml"
    file.write_text(GOOD)
    done = check(file)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"ok: 1 service, main is web ({file})\n", "")


def test_a_bad_file_is_1_and_every_problem_is_on_stderr(tmp_path):
    (tmp_path / "davit.yaml").write_text("services:\n  web: {comand: x, main: true}\n  db: {command: y, critical: ja}\n")
    done = check("davit.yaml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        'davit.yaml:2:9: services.web: unknown key "comand" (did you mean "command"?)\n'
        'davit.yaml:3:17: warning: services.db.command: "y" is not on this machine (no such executable in the PATH)\n'
        'davit.yaml:3:30: services.db.critical: expected true or false, found "ja"\n')


def test_usage_errors_are_2():
    for arguments in (["-o", "yaml"], ["--nope"], ["-", "-"], ["-", "--app", "-"], ["--timeout", "3"], [""]):
        done = check(*arguments)
        assert (done.returncode, done.stdout) == (2, ""), arguments
        assert done.stderr.startswith("davit check: ")


def test_a_directory_and_several_files_are_layers_in_the_order_they_are_given(tmp_path):
    (tmp_path / "base").mkdir()
    (tmp_path / "base/10.yaml").write_text("services: {agent: {command: [sleep, '1']}}")
    (tmp_path / "base/50.yml").write_text(GOOD)
    (tmp_path / "app.yaml").write_text("services: {web: {command: [sleep, '2']}, agent: ~}")
    answer = problems("base", "app.yaml", cwd=tmp_path)
    assert answer == {"ok": True, "files": ["base/10.yaml", "base/50.yml", "app.yaml"], "services": ["web"],
                      "main": "web", "problems": []}
    answer = problems("app.yaml", "base", cwd=tmp_path)
    assert answer["services"] == ["web", "agent"]


def test_standard_input_is_a_file_like_any_other(tmp_path):
    done = check("-", stdin="services: {web: {main: yes}}")
    assert done.returncode == 1
    assert done.stderr == ('<stdin>:1:12: services.web: has no command\n'
                           '<stdin>:1:24: services.web.main: expected true or false, found "yes"\n')
    (tmp_path / "base.yaml").write_text(GOOD)
    assert problems(tmp_path / "base.yaml", "-", stdin="services: {web: {critical: true}}")["files"][-1] == "<stdin>"


def test_pipes_and_devices_can_be_named(tmp_path):
    assert check("/dev/stdin", stdin=GOOD).returncode == 0
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = subprocess.Popen(["sh", "-c", f"echo '{GOOD.strip()}' > {fifo}"])
    assert check(fifo).returncode == 0
    assert writer.wait(DEADLINE) == 0
    done = check("/dev/null")
    assert (done.returncode, done.stderr) == (1, "/dev/null: is empty: a configuration was named, and there is none in it\n")
    done = check("/dev/zero")
    assert (done.returncode, done.stderr) == (1, "/dev/zero: larger than 256 KiB, the most a configuration file may have\n")


def test_a_huge_file_is_refused_in_words(tmp_path):
    (tmp_path / "a.yaml").write_text("# x\n" * 75_000)
    done = check("a.yaml", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "a.yaml: larger than 256 KiB, the most a configuration file may have\n")


def test_json_has_places_keys_and_severities(tmp_path):
    (tmp_path / "a.yaml").write_text("services:\n  web: {main: true, command: [sleep, '${N}'], stopSignal: FOO}\n")
    answer = problems("a.yaml", cwd=tmp_path)
    assert answer["ok"] is False
    assert answer["problems"] == [
        {"file": "a.yaml", "line": 2, "column": 38, "path": "services.web.command[1]", "severity": "warning",
         "message": "the variable N is not set; write ${N:-default} to do without it"},
        {"file": "a.yaml", "line": 2, "column": 59, "path": "services.web.stopSignal", "severity": "error",
         "message": 'expected a signal such as TERM, found "FOO"'}]
    nowhere = problems("nowhere.yaml", cwd=tmp_path)["problems"]
    assert nowhere == [{"file": "nowhere.yaml", "line": None, "column": None, "path": "", "severity": "error",
                        "message": "no such file or directory"}]


def test_the_environment_names_files_as_for_run(tmp_path):
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "app.yaml").write_text("{stack: x, runtime: y, entrypoint: [sleep, '3']}")
    env = {"DAVIT_CONFIG": "a.yaml", "DAVIT_APP_YAML": "app.yaml"}
    assert problems(cwd=tmp_path, env=env)["files"] == ["a.yaml", "app.yaml"]


def test_cmd_and_app_are_checked_as_run_would_take_them(tmp_path):
    (tmp_path / "a.yaml").write_text("services: {web: {main: true, command: nowhere}}")
    (tmp_path / "app.yaml").write_text("entrypoint: nowhere-either")
    done = check("a.yaml", "--", "sleep", "1", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    done = check("a.yaml", "--app", "app.yaml", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        0, 'app.yaml:1:13: warning: entrypoint: "nowhere-either" is not on this machine '
           '(no such executable in the PATH)\n')


def test_run_takes_the_entrypoint_of_an_app_yaml_as_cmd(tmp_path):
    app = tmp_path / "app.yaml"
    app.write_text("{stack: x, runtime: y, entrypoint: \"sh -c 'exit ${CODE:-7}'\"}")
    with Davit(tmp_path, "services: {web: {main: true}}", arguments=["--app", str(app)]) as davit:
        assert davit.wait() == 7
    with Davit(tmp_path, arguments=["--app", str(app)], env={"CODE": "9"}) as davit:
        assert davit.wait() == 9
    with Davit(tmp_path, env={"DAVIT_APP_YAML": str(app)}) as davit:
        assert davit.wait() == 7


def test_run_refuses_a_bad_app_yaml(tmp_path):
    app = tmp_path / "app.yaml"
    app.write_text("{stack: x, entry: y}")
    with Davit(tmp_path, arguments=["--app", str(app)]) as davit:
        assert davit.wait() == 125
        assert davit.stderr.wait_end() == [
            f'{app}:1:12: unknown key "entry": stack, runtime and entrypoint are known here']
