# SPDX-License-Identifier: Apache-2.0
"""Changing the configuration of a running pod: what keeps its process, what does not, and what is refused."""

import json
import os
import signal
import subprocess

from davit_process import MAIN, MAIN_IS_UP, Davit, eventually, script


def endless(name):
    return script(f"trap 'note {name}-term; exit 0' TERM; note {name}-start $LEVEL; while :; do sleep 0.05; done")


LOG = f"  log: {{command: {endless('log')}}}\n"
MESH = f"  mesh: {{command: {endless('mesh')}, dependsOn: [log]}}\n"
CRON = f"  cron: {{command: {endless('cron')}}}\n"
SHOP = f"  shop: {{main: true, command: {MAIN}, startupProbe: {MAIN_IS_UP}}}\n"
LIFECYCLE = f"""lifecycle:
  offline: {{exec: {{command: {script("note offline $DAVIT_REASON")}}}}}
"""


def configuration(*services, lifecycle=LIFECYCLE):
    return "app: shop\nservices:\n" + "".join(services) + lifecycle


BASE = configuration(LOG, MESH, CRON, SHOP)


def rewrite(davit, text):
    (davit.directory / "davit.yaml").write_text(text)


def pids(davit):
    return {service["name"]: service["pid"] for service in davit.status()["services"]}


def reload(davit, *arguments):
    answer = davit.ctl("reload", *arguments)
    assert answer.returncode == 0, answer.stderr + answer.stdout
    return answer.stdout.splitlines()


def test_a_reload_of_the_same_configuration_changes_nothing(tmp_path):
    with Davit(tmp_path, BASE) as davit:
        davit.wait_phase("online")
        before = pids(davit)
        assert reload(davit) == ["nothing changed"]
        assert pids(davit) == before


def test_an_env_file_that_holds_something_else_is_a_change_and_its_values_are_not_told(tmp_path):
    file = tmp_path / "cron.env"
    file.write_text("LEVEL=one\n")
    text = configuration(LOG, CRON.replace("{command", f"{{envFile: {file}, command"), SHOP)
    with Davit(tmp_path, text) as davit:
        davit.wait_phase("online")
        davit.wait_trace("cron-start one")
        file.write_text("LEVEL=two\n")
        assert reload(davit, "--dry-run")[:2] == ["~ cron: restarts", f"    envFile: [{file}] → [{file}] (changed)"]
        reload(davit)
        davit.wait_trace("cron-start two")


def test_a_bad_file_changes_nothing_and_every_problem_is_told(tmp_path):
    with Davit(tmp_path, BASE) as davit:
        davit.wait_phase("online")
        before = pids(davit)
        rewrite(davit, BASE.replace("dependsOn: [log]", "dependsOn: [lgo]").replace("main: true", "mian: true"))
        answer = davit.ctl("reload")
        assert answer.returncode == 1
        file = davit.directory / "davit.yaml"
        lines = answer.stderr.splitlines()
        assert lines[0].startswith(f"{file}:4:") and 'unknown service "lgo" (did you mean "log"?)' in lines[0]
        assert lines[1].startswith(f"{file}:6:") and 'unknown key "mian" (did you mean "main"?)' in lines[1]
        assert lines[-1] == f"davit reload: the configuration has {len(lines) - 1} problems; nothing was changed"
        assert pids(davit) == before
        davit.stderr.wait_for("warn reload refused: the configuration has .* problems; nothing was changed: .*lgo")

        (davit.directory / "davit.yaml").unlink()
        answer = davit.ctl("reload")
        assert answer.returncode == 1
        assert "no such file" in answer.stderr
        assert pids(davit) == before
        assert davit.status()["phase"] == "online"


def test_a_changed_command_restarts_that_service_alone(tmp_path):
    with Davit(tmp_path, BASE) as davit:
        davit.wait_phase("online")
        before = pids(davit)
        rewrite(davit, BASE.replace("note cron-start", "note cron-new"))
        lines = reload(davit)
        assert lines[0] == "~ cron: restarts"
        assert lines[-1] == "reloaded: 1 restarted"
        davit.wait_trace("cron-new")
        after = pids(davit)
        assert after.pop("cron") != before.pop("cron")
        assert after == before
        assert davit.trace().count("cron-term") == 1
        davit.stderr.wait_for(r"info cron changed \(restarts: command\)")
        davit.stderr.wait_for("info configuration: reloaded: 1 restarted")
        assert "offline" not in " ".join(davit.trace())


def test_a_changed_environment_restarts_and_its_values_are_never_told(tmp_path):
    def with_level(level):
        return BASE.replace("  cron: {", f"  cron: {{env: {{LEVEL: {level}}}, ")

    with Davit(tmp_path, with_level("quiet")) as davit:
        davit.wait_trace("cron-start quiet")
        davit.wait_phase("online")
        rewrite(davit, with_level("sealed"))
        lines = reload(davit)
        assert lines[:2] == ["~ cron: restarts", '    env.LEVEL: "***" → "***" (changed)']
        davit.wait_trace("cron-start sealed")
        everything = "\n".join(lines) + davit.stderr.text() + davit.ctl("status").stdout + davit.ctl("plan").stdout
        assert "sealed" not in everything and "quiet" not in everything


def test_a_changed_probe_counts_at_once_and_restarts_nothing(tmp_path):
    def with_probe(file, period):
        return BASE.replace("  cron: {", f"  cron: {{readinessProbe: {{exec: {{command: [test, -e, {tmp_path}/{file}]}}, "
                                         f"periodSeconds: {period}, failureThreshold: 2}}, ")

    (tmp_path / "one").touch()
    with Davit(tmp_path, with_probe("one", 0.2)) as davit:
        davit.wait_phase("online")
        before = pids(davit)
        rewrite(davit, with_probe("two", 0.1))
        assert reload(davit)[-1] == "reloaded: 1 changed without a restart"
        assert pids(davit) == before
        eventually(lambda: not davit.service("cron")["ready"], "the new probe says no")
        (tmp_path / "two").touch()
        eventually(lambda: davit.service("cron")["ready"], "the new probe says yes")
        assert pids(davit) == before
        assert davit.status()["phase"] == "online"


def test_a_removed_service_stops_dependents_first_and_disappears(tmp_path):
    with Davit(tmp_path, BASE) as davit:
        davit.wait_phase("online")
        davit.wait_trace("mesh-start")
        before = pids(davit)
        rewrite(davit, configuration(CRON, SHOP))
        lines = reload(davit)
        assert lines[:2] == ["- log: stops, it is removed", "- mesh: stops, it is removed"]
        assert lines[-1] == "reloaded: 2 removed"
        trace = davit.trace()
        assert trace.index("mesh-term") < trace.index("log-term")
        assert pids(davit) == {name: before[name] for name in ["cron", "shop"]}
        answer = davit.ctl("restart", "log")
        assert answer.returncode == 1 and 'unknown service "log"' in answer.stderr
        assert davit.ctl("status").stdout.count("mesh") == 0
        davit.signal(signal.SIGTERM)
        assert davit.wait() == 0


def test_a_new_service_starts_after_what_it_depends_on(tmp_path):
    init = f"  init: {{oneshot: true, command: {script('note init')}}}\n"
    late = f"  late: {{command: {endless('late')}, dependsOn: [init]}}\n"
    with Davit(tmp_path, BASE) as davit:
        davit.wait_phase("online")
        before = pids(davit)
        rewrite(davit, configuration(init, LOG, MESH, CRON, SHOP, late))
        lines = reload(davit)
        assert "+ init: starts" in lines and "+ late: starts" in lines
        assert lines[-1] == "reloaded: 2 added"
        davit.wait_trace("late-start")
        trace = davit.trace()
        assert trace.index("init") < trace.index("late-start")
        status = {service["name"]: service["state"] for service in davit.status()["services"]}
        assert status["init"] == "completed" and status["late"] == "running"
        after = pids(davit)
        assert {name: after[name] for name in before} == before


def test_a_disabled_service_stops_and_comes_back(tmp_path):
    def with_cron(enabled):
        return BASE.replace("  cron: {", f"  cron: {{enabled: {enabled}, ")

    with Davit(tmp_path, with_cron("true")) as davit:
        davit.wait_phase("online")
        rewrite(davit, with_cron("false"))
        assert reload(davit)[-1] == "reloaded: 1 disabled"
        assert davit.service("cron")["state"] == "inactive"
        rewrite(davit, with_cron("true"))
        assert reload(davit)[-1] == "reloaded: 1 added"
        assert davit.service("cron")["state"] == "running"


def test_main_keeps_its_process_until_it_may_restart(tmp_path):
    changed = BASE.replace("note main-start", "note main-new")
    with Davit(tmp_path, BASE) as davit:
        davit.wait_phase("online")
        before = pids(davit)
        rewrite(davit, changed)
        lines = reload(davit)
        assert lines[0] == "~ shop: stays as it is: restart it with --main"
        assert lines[-1] == "reloaded; main changed (shop): restart it with --main"
        assert pids(davit) == before

        lines = reload(davit, "--main")
        assert lines[0] == "~ shop: restarts"
        assert lines[-1] == "reloaded: 1 restarted"
        assert davit.trace()[-3:] == ["offline manual", "main-term", "main-new"]
        after = pids(davit)
        assert after.pop("shop") != before.pop("shop")
        assert after == before
        assert davit.status()["phase"] == "online"


def test_a_dry_run_tells_everything_and_does_nothing(tmp_path):
    with Davit(tmp_path, BASE) as davit:
        davit.wait_phase("online")
        before = pids(davit)
        new = f"  late: {{command: {endless('late')}}}\n"
        changed = configuration(MESH.replace(", dependsOn: [log]", ", backoff: {limit: 3}"),
                                CRON.replace("command:", "workingDir: /tmp, env: {LEVEL: debug}, command:"),
                                SHOP.replace("main: true", "main: true, workingDir: /tmp"), new,
                                lifecycle=LIFECYCLE + "  drain: {maxSeconds: 1}\n")
        rewrite(davit, changed)
        assert reload(davit, "--dry-run") == [
            "- log: stops, it is removed",
            "~ mesh: changes without a restart",
            "    dependsOn.log: {condition: started, required: true} → (not there)",
            "    backoff.limit: 0 → 3",
            "~ cron: restarts",
            '    env: (not there) → {LEVEL: "***"}',
            "    workingDir: (not there) → /tmp",
            "~ shop: stays as it is: restart it with --main",
            "    dependsOn.log: {condition: started, required: true} → (not there)",
            "    dependsOn.late: (not there) → {condition: started, required: true}",
            "    workingDir: (not there) → /tmp",
            "+ late: starts",
            "~ pod and life cycle: change from the next transition on",
            "    lifecycle.drain.maxSeconds: 0 → 1",
            "dry run: nothing was changed",
        ]
        assert pids(davit) == before
        assert reload(davit, "--dry-run", "--main")[7] == "~ shop: restarts"
        rewrite(davit, BASE)
        assert reload(davit, "--dry-run") == ["nothing would change"]


def test_a_swap_of_a_configmap_volume_is_seen(tmp_path):
    volume = tmp_path / "config"

    def publish(generation, text):
        data = volume / f"..{generation}"
        data.mkdir(parents=True)
        (data / "davit.yaml").write_text(text)
        link = volume / "..tmp"
        link.symlink_to(data.name)
        os.rename(link, volume / "..data")
        if not (volume / "davit.yaml").is_symlink():
            (volume / "davit.yaml").symlink_to("..data/davit.yaml")

    publish("first", BASE)
    with Davit(tmp_path, arguments=["-c", str(volume)]) as davit:
        davit.wait_phase("online")
        before = pids(davit)
        publish("second", configuration(LOG, MESH, SHOP))
        assert reload(davit)[-1] == "reloaded: 1 removed"
        before.pop("cron")
        assert pids(davit) == before


def test_prestop_during_a_reload_gets_its_way(tmp_path):
    stubborn = script("trap 'note slow-term; until [ -e $T/go ]; do sleep 0.05; done; exit 0' TERM; note slow-start; "
                      "while :; do sleep 0.05; done")
    slow = f"  slow: {{command: {stubborn}}}\n"
    with Davit(tmp_path, configuration(LOG, slow, SHOP)) as davit:
        davit.wait_phase("online")
        davit.wait_trace("slow-start")
        rewrite(davit, configuration(LOG, slow.replace("slow-start", "slow-new"), SHOP))
        client = davit.start_ctl("reload")
        davit.wait_trace("slow-term")
        prestop = davit.start_ctl("prestop")
        davit.wait_trace("main-term")  # while the reload still waits
        (tmp_path / "go").touch()
        assert prestop.wait(30) == 0
        davit.wait_trace("slow-new")  # helpers run until SIGTERM
        client.wait(30)
        assert "main-term" in davit.trace()
        davit.signal(signal.SIGTERM)
        assert davit.wait() == 0


def test_a_reload_while_the_pod_stops_is_refused(tmp_path):
    with Davit(tmp_path, BASE) as davit:
        davit.wait_phase("online")
        assert davit.ctl("prestop").returncode == 0
        answer = davit.ctl("reload")
        assert answer.returncode == 1
        assert answer.stderr == "davit reload: the pod is being stopped\n"


def test_a_helper_that_is_killed_during_a_reload_comes_back_as_configured(tmp_path):
    stubborn = script("trap '' TERM; note slow-start; while :; do sleep 0.05; done")
    slow = f"  slow: {{command: {stubborn}, terminationGracePeriodSeconds: 60}}\n"
    with Davit(tmp_path, configuration(LOG, slow, CRON, SHOP)) as davit:
        davit.wait_phase("online")
        davit.wait_trace("slow-start")
        before = pids(davit)
        rewrite(davit, configuration(LOG, slow.replace("slow-start", "slow-new"), CRON, SHOP))
        client = davit.start_ctl("reload")
        davit.wait_state("slow", "stopping")
        second = davit.ctl("reload")
        assert second.returncode == 1
        assert second.stderr == "davit reload: a reload is under way; ask again when it is done\n"
        for name in ["cron", "slow"]:
            davit.ctl("signal", "KILL", name)
        davit.wait_trace("slow-new")
        assert client.wait(30) == 0, client.stderr.read()
        davit.wait_state("cron", "running")
        after = pids(davit)
        assert after["cron"] != before["cron"] and after["slow"] != before["slow"]
        assert after["log"] == before["log"] and after["shop"] == before["shop"]


def test_another_main_is_refused(tmp_path):
    with Davit(tmp_path, BASE) as davit:
        davit.wait_phase("online")
        before = pids(davit)
        rewrite(davit, BASE.replace("  shop:", "  store:"))
        answer = davit.ctl("reload")
        assert answer.returncode == 1
        assert answer.stderr == ("davit reload: main is shop and would be store: only a new container can have another "
                                 "main; nothing was changed\n")
        assert pids(davit) == before


def test_a_plain_init_has_nothing_to_reload(tmp_path):
    with Davit(tmp_path, arguments=["--", "sleep", "600"]) as davit:
        eventually(lambda: davit.ctl("status").returncode == 0, "davit answers")
        answer = davit.ctl("reload")
        assert answer.returncode == 1
        assert answer.stderr == "davit reload: davit runs as a plain init: there is no configuration to reload\n"


def test_hup_goes_to_main_and_reloads_nothing(tmp_path):
    main = script("trap 'note hup' HUP; trap 'exit 0' TERM; echo $$ > $T/main-up; while :; do sleep 0.05; done")
    shop = f"  shop: {{main: true, command: {main}, startupProbe: {MAIN_IS_UP}}}\n"
    with Davit(tmp_path, configuration(CRON, shop)) as davit:
        davit.wait_phase("online")
        before = pids(davit)
        rewrite(davit, configuration(shop))
        davit.signal(signal.SIGHUP)
        davit.wait_trace("hup")
        assert pids(davit) == before


def test_the_api_tells_problems_and_takes_no_wait(tmp_path):
    with Davit(tmp_path, BASE) as davit:
        davit.wait_phase("online")
        rewrite(davit, "services: 3\n")
        answer = curl(davit, "-X", "POST", "http://davit/v1/reload")
        assert answer["status"] == 409
        body = json.loads(answer["body"])
        assert body["error"] == f"the configuration has {len(body['problems'])} problems; nothing was changed".replace(
            "has 1 problems", "has 1 problem")
        assert body["problems"][0].startswith(str(davit.directory / "davit.yaml") + ":1:11: services: ")
        rewrite(davit, configuration(LOG, SHOP))
        answer = curl(davit, "-X", "POST", "-d", '{"noWait": true}', "http://davit/v1/reload")
        assert answer["status"] == 200
        assert json.loads(answer["body"].splitlines()[-1]) == {"result": "done", "message": "accepted"}
        eventually(lambda: [service["name"] for service in davit.status()["services"]] == ["log", "shop"], "two are gone")
        events = [json.loads(line) for line in curl(davit, "http://davit/v1/events")["body"].splitlines()]
        told = [(event["service"], event["to"]) for event in events if event["from"] == "configuration"]
        assert told == [(None, "reloaded"), ("mesh", "removed"), ("cron", "removed")]


def curl(davit, *arguments):
    enter = ["nsenter", "--target", str(davit.pid), "--pid", "--mount"]
    answer = subprocess.run([*enter, "curl", "-s", "-w", "\n%{http_code}", "--unix-socket", davit.socket, *arguments],
                            capture_output=True, text=True, timeout=60, check=True)
    body, _, status = answer.stdout.rpartition("\n")
    return {"status": int(status), "body": body}
