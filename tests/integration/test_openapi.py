# SPDX-License-Identifier: Apache-2.0
"""packaging/openapi.yaml says of the API what a real davit does. Every operation is asked for each of its answers; each
answer has a status, a type and members that are described. (That both know the same routes is a unit test of api.)"""

import contextlib
import json
import re
import signal
import socket
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml
from davit_process import DEADLINE, MAIN, MAIN_IS_UP, Davit, eventually, script

FOLDER = Path(__file__).resolve().parents[2] / "packaging"
DESCRIPTION = yaml.safe_load((FOLDER / "openapi.yaml").read_text())
METHODS = {"get", "head", "post", "put", "patch", "delete"}
CONFIGURATION_SCHEMA = json.loads((FOLDER / "davit.schema.json").read_text())


def follow(node):
    """What a reference of the description means."""
    while isinstance(node, dict) and node.get("$ref", "").startswith("#/"):
        target = DESCRIPTION
        for part in node["$ref"][2:].split("/"):
            target = target[part]
        node = target
    return node


class Operation:
    def __init__(self, path, item, method):
        node = item[method]
        self.path, self.method = path, method.upper()
        self.name = node["operationId"]
        self.responses = {status: follow(response) for status, response in node["responses"].items()}
        self.query = {one["name"] for one in map(follow, node.get("parameters", [])) if one["in"] == "query"}
        self.in_path = {one["name"] for one in map(follow, item.get("parameters", [])) if one["in"] == "path"}
        body = node.get("requestBody")
        self.body_schema = body["content"]["application/json"]["schema"] if body else None
        self.is_on_status_port = any("statusPort" in server["url"] for server in item.get("servers", []))


OPERATIONS = {operation.name: operation for operation in (
    Operation(path, item, method) for path, item in DESCRIPTION["paths"].items() for method in METHODS & item.keys())}


def validate(value, schema):
    if schema.get("$ref") == "davit.schema.json":
        return jsonschema.Draft7Validator(CONFIGURATION_SCHEMA).validate(value)
    resolver = jsonschema.RefResolver("", DESCRIPTION)
    jsonschema.Draft202012Validator(schema, resolver=resolver).validate(value)


class Answer:
    def __init__(self, raw):
        head, _, body = raw.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
        self.type = self.headers["content-type"].split(";")[0]
        self.body = (unchunked(body) if "transfer-encoding" in self.headers else body).decode()

    def lines(self):
        """Those that are whole: who asks may have left a stream that goes on."""
        return [json.loads(line) for line in self.body.splitlines(keepends=True) if line.endswith("\n")]


def unchunked(body):
    pieces = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        pieces, body = pieces + rest[:length], rest[length + 2:]
    return pieces


def check(operation, answer):
    """The answer is one that the description knows; gives the status."""
    response = operation.responses.get(str(answer.status)) or operation.responses["default"]
    if operation.method == "HEAD":
        assert (answer.body, "content" in response) == ("", False)
        return answer.status
    assert answer.type in response["content"], (operation.name, answer.status, answer.type)
    schema = response["content"][answer.type].get("schema")
    if answer.type == "application/x-ndjson":
        for line in answer.lines():
            validate(line, schema)
    elif answer.type == "application/json":
        validate(json.loads(answer.body), schema)
    else:
        validate(answer.body, schema)
    return answer.status


class Asker:
    """Asks over davit's socket, and keeps which operation gave which status."""

    def __init__(self, davit):
        self.seen = set()
        self._socket = davit.socket

    def send(self, raw):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(DEADLINE)
            client.connect(self._socket)
            client.sendall(raw)
            return Answer(b"".join(iter(lambda: client.recv(65536), b"")))

    def ask(self, name, query="", body=None, service="helper"):
        """One operation of the description; the answer is held against it."""
        operation = OPERATIONS[name]
        if body is not None:
            assert operation.body_schema, f"{name} has no body"
        path = re.sub(r"\{services?\}", service, operation.path)
        text = json.dumps(body) if body is not None else ""
        head = f"{operation.method} {path}{query} HTTP/1.1\r\nHost: davit\r\nConnection: close\r\nContent-Length: {len(text)}\r\n\r\n"
        answer = self.send((head + text).encode())
        self.seen.add((name, str(check(operation, answer))))
        return answer

    def good(self, name, query="", body=None, service="helper"):
        if body is not None:
            validate(body, OPERATIONS[name].body_schema)
        answer = self.ask(name, query, body, service)
        assert answer.status == 200, answer.body
        return answer

    def bad(self, status, name, query="", body=None, service="helper"):
        answer = self.ask(name, query, body, service)
        assert answer.status == status, answer.body
        return answer


SHOP = f"""
app: shop
services:
  helper: {{command: {script("echo up; exec sleep 600")}, env: {{TOKEN: secret}}, rlimits: {{core: 0}}}}
  quiet: {{command: sleep 600, dependsOn: [helper], logs: discard}}
  job: {{oneshot: true, command: {script("exit 3")}, backoff: {{initialSeconds: 0, limit: 1}}}}
  shop: {{main: true, logs: prefix, dependsOn: [helper], command: {MAIN}, startupProbe: {MAIN_IS_UP}}}
lifecycle: {{goOnline: manual}}
"""


@pytest.fixture
def started(tmp_path):
    with contextlib.ExitStack() as stack:
        def start(configuration=SHOP, folder="davit", **options):
            directory = tmp_path / folder
            directory.mkdir()
            # Not as PID 1 of a namespace: who asks from outside of it is not served.
            davit = stack.enter_context(Davit(directory, configuration, mode="plain", **options))
            eventually(lambda: davit.ctl("probe", "live").returncode == 0, "it answers")
            return davit, Asker(davit)
        yield start


def test_the_description_is_sound():
    assert re.fullmatch(r"3\.1\.\d+", DESCRIPTION["openapi"])
    for operation in OPERATIONS.values():
        assert operation.in_path == set(re.findall(r"\{(\w+)\}", operation.path)), operation.name
    used = set()

    def walk(node, place):
        if isinstance(node, list):
            for number, one in enumerate(node):
                walk(one, f"{place}/{number}")
        if not isinstance(node, dict):
            return
        reference = node.get("$ref")
        if isinstance(reference, str):
            used.add(reference)
            assert follow(node) is not node or reference == "davit.schema.json", f"{place} refers to nothing"
        if node.get("type") == "object" or "properties" in node:
            # Without it a new member of an answer would go unnoticed.
            assert "additionalProperties" in node, f"{place} is open"
            assert set(node.get("required", [])) <= node.get("properties", {}).keys(), place
        for name, one in node.items():
            walk(one, f"{place}/{name}")

    walk(DESCRIPTION, "")
    for name, schema in DESCRIPTION["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert f"#/components/schemas/{name}" in used, f"{name} is used nowhere"
    for name in DESCRIPTION["components"]["responses"]:
        assert f"#/components/responses/{name}" in used, f"{name} is used nowhere"


def looking(asker):
    """What can be asked at any time."""
    for name in ["live", "liveHead", "metrics", "metricsHead", "timeline", "cpus", "plan", "graph"]:
        asker.good(name)
    validate(json.loads(asker.good("plan").body), {"$ref": "davit.schema.json"})
    assert asker.good("plan", "?format=yaml").type == "application/yaml"
    for text in ["text", "ascii", "dot"]:
        asker.good("graph", f"?format={text}")
    asker.good("status")
    asker.good("status", "?explain")
    status = json.loads(asker.good("status", "?service=helper&service=shop").body)
    assert [service["name"] for service in status["services"]] == ["helper", "shop"]
    assert len(asker.good("events").lines()) > 3
    asker.good("events", "?follow=false")
    assert [line["message"] for line in asker.good("logs", "?service=helper").lines()] == ["up"]
    assert len(asker.good("logs", "?service=helper,quiet&n=1").lines()) == 2  # with a note of the quiet one
    asker.bad(409, "logs", "?service=quiet")
    asker.good("env")
    assert json.loads(asker.good("env", "?reveal=1").body)["env"]["TOKEN"] == "secret"


def bad_input(asker):
    for name in ["status", "events", "logs", "plan", "graph", "wait", "env"]:
        asker.bad(400, name, "?nothing=1")
    for name, operation in OPERATIONS.items():
        if operation.body_schema:
            asker.bad(400, name, body={"nothing": 1})
            with pytest.raises(jsonschema.ValidationError):
                validate({"nothing": 1}, operation.body_schema)
            asker.bad(400, name, "?nothing=1")
    for name in ["start", "stop", "restart", "signal", "env"]:
        asker.bad(404, name, service="nobody")
    asker.bad(404, "status", "?service=nobody")
    asker.bad(404, "logs", "?service=nobody")
    asker.bad(404, "wait", "?service=nobody")
    asker.bad(404, "waitByBody", body={"service": "nobody"})


def anything_else(asker):
    """The answers that every route can give, and none of its own."""
    for name, operation in OPERATIONS.items():
        path = re.sub(r"\{services?\}", "helper", operation.path)
        answer = asker.send(f"DELETE {path} HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
        assert check(OPERATIONS["cpus"], answer) == 405
        assert operation.method in answer.headers["allow"].split(", "), name
    for raw, status in [(b"GET /v2 HTTP/1.1\r\nConnection: close\r\n\r\n", 404), (b"nonsense\r\n\r\n", 400),
                        (b"GET /v1/cpus HTTP/1.1\r\nx: " + b"y" * 9000 + b"\r\n\r\n", 431),
                        (b"POST /v1/wait HTTP/1.1\r\nContent-Length: 70000\r\n\r\n", 413)]:
        assert check(OPERATIONS["cpus"], asker.send(raw)) == status


def verbs(davit, asker):
    """Each verb, with all that it takes."""
    asker.good("wait", "?service=helper")
    asker.good("waitByBody", body={"phase": "checking"})
    assert asker.good("wait", "?service=job").lines()[-1]["result"] == "failed"
    assert "timeoutSeconds" in asker.good("poststart", body={"timeoutSeconds": 20, "waitedSeconds": 0.5, "noWait": False}).lines()[0]
    asker.good("startup"), asker.good("startupHead")
    for name in ["ready", "readyHead"]:
        asker.bad(503, name)
    asker.good("online", body={"timeoutSeconds": 20})
    asker.good("ready"), asker.good("readyHead")
    asker.good("start", body={"noWait": True})
    asker.good("restart", "?noWait=false")
    asker.good("signal", body={"signal": "CONT"}), asker.good("signal", body={"signal": 18})
    asker.good("signal", "?signal=SIGKILL")
    eventually(lambda: davit.service("helper")["lastExit"], "the helper was killed")
    asker.good("status")
    asker.good("wait", "?service=helper")
    asker.good("stop", body={"noWait": False, "cascade": False})
    asker.bad(409, "signal", body={"signal": "HUP"})
    asker.good("start")
    asker.good("offline")
    asker.good("online")
    assert asker.good("isolate", body={"reason": "a look"}).lines()[-1]["result"] == "done"
    asker.bad(409, "online")
    assert davit.status()["isolated"]
    asker.good("rejoin", body={"noWait": True})


def reloads(davit, asker):
    file = davit.directory / "davit.yaml"
    good = file.read_text()
    file.write_text(good.replace("secret", "other"))
    assert [next(iter(line)) for line in asker.good("reload", body={"dryRun": True}).lines()][-2:] == ["progress", "result"]
    asker.good("reload", body={"main": False, "noWait": False})
    file.write_text("services: {a: {comand: x}}")
    assert json.loads(asker.bad(409, "reload").body)["problems"]
    file.write_text(good)


def too_many(asker, davit):
    """All places of those who wait are taken."""
    with contextlib.ExitStack() as crowd:
        for _ in range(120):
            one = crowd.enter_context(socket.socket(socket.AF_UNIX))
            one.connect(davit.socket)
            one.sendall(b"GET /v1/wait?phase=stopped HTTP/1.1\r\n\r\n")
            assert one.recv(9) == b"HTTP/1.1 "
        for name, operation in OPERATIONS.items():
            if "503" in operation.responses and operation.path.startswith("/v1"):
                query = {"signal": "?signal=HUP", "wait": "?phase=stopped", "events": "?follow=true"}.get(name, "")
                asker.bad(503, name, query, {"phase": "stopped"} if name == "waitByBody" else None)
        asker.good("status"), asker.good("poststart")


def test_a_davit_answers_all_that_is_described_and_nothing_else(started):
    davit, asker = started()
    davit.wait_phase("checking")
    eventually(lambda: davit.service("job")["state"] == "failed", "a service that has failed is in the answers")
    looking(asker)
    bad_input(asker)
    anything_else(asker)
    verbs(davit, asker)
    reloads(davit, asker)
    too_many(asker, davit)
    asker.good("prestop", body={"noWait": False})
    for name in ["start", "restart", "stop", "isolate", "rejoin"]:
        asker.bad(409, name)  # the pod stops
    # A davit that has not started yet, and one that has no life cycle.
    _, early = started(SHOP.replace("goOnline: manual", "preload: {exec: {command: [sleep, '600']}}"), "early")
    for name in ["startup", "startupHead"]:
        early.bad(503, name)
    _, plain = started(None, "plain", arguments=["--", "sleep", "600"])
    plain.bad(409, "offline")

    seen = asker.seen | early.seen | plain.seen
    described = {(name, status) for name, operation in OPERATIONS.items() for status in operation.responses}
    assert described - seen == {(name, "default") for name in OPERATIONS if not name.endswith("Head")}
    assert seen - described == set()


def test_the_status_port_answers_as_described(started):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    started(f"statusPort: {port}\n{SHOP}")

    def ask(method, path):
        with socket.create_connection(("127.0.0.1", port), DEADLINE) as client:
            client.sendall(f"{method} {path} HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
            return Answer(b"".join(iter(lambda: client.recv(65536), b"")))

    here = [operation for operation in OPERATIONS.values() if operation.is_on_status_port]
    assert len(here) == 8
    for operation in here:
        assert check(operation, ask(operation.method, operation.path)) in (200, 503)
        answer = ask("PUT", operation.path)
        assert (check(OPERATIONS["live"], answer), answer.type) == (405, "text/plain")
    for path in DESCRIPTION["paths"].keys() - {operation.path for operation in here}:
        answer = ask("GET", path)
        assert (check(OPERATIONS["live"], answer), answer.type) == (404, "text/plain"), path


def test_a_stream_that_goes_on_is_described(started):
    davit, _ = started()
    davit.wait_phase("checking")
    follower = subprocess.Popen(["curl", "-sSN", "--unix-socket", davit.socket, "http://davit/v1/events?follow=true"],
                                stdout=subprocess.PIPE)
    schema = OPERATIONS["events"].responses["200"]["content"]["application/x-ndjson"]["schema"]
    validate(json.loads(follower.stdout.readline()), schema)
    davit.signal(signal.SIGTERM)
    lines = [json.loads(line) for line in follower.communicate(timeout=DEADLINE)[0].splitlines()]
    for line in lines:
        validate(line, schema)
    assert (lines[-1]["service"], lines[-1]["to"]) == ("helper", "stopped")
    validate({"lost": 3}, schema)
