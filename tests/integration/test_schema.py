# SPDX-License-Identifier: Apache-2.0
"""The JSON Schema says what the loader says: it is made from the same tables of keys, and held against the loader here,
key by key, with values that are good and values that are bad."""

import json
import os
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml
from davit_process import DEADLINE, binary

REPOSITORY = Path(__file__).resolve().parents[2]
COMMITTED = REPOSITORY / "packaging" / "davit.schema.json"
ENVIRONMENT = {"PATH": os.environ["PATH"], "ASAN_OPTIONS": "detect_leaks=0"}


def davit(*arguments, stdin=None):
    return subprocess.run([str(binary()), "check", *arguments], env=ENVIRONMENT, input=stdin, capture_output=True,
                          text=True, timeout=DEADLINE)


@pytest.fixture(scope="module")
def schema():
    return json.loads(davit("--schema").stdout)


def is_valid(schema, document):
    return jsonschema.Draft7Validator(schema).is_valid(document)


def errors_of(text):
    answer = json.loads(davit("-o", "json", "-", stdin=text).stdout)
    return [problem for problem in answer["problems"] if problem["severity"] == "error"]


def test_the_schema_is_one_and_the_file_in_the_tree_is_up_to_date(schema):
    jsonschema.Draft7Validator.check_schema(schema)
    assert COMMITTED.read_text() == davit("--schema").stdout, "ninja -C build/dev schema"


EXAMPLES = sorted(path for path in (REPOSITORY / "examples").rglob("*.yaml") if path.name != "pod.yaml")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_every_example_is_valid(schema, path):
    jsonschema.Draft7Validator(schema).validate(yaml.safe_load(path.read_text()))


GOOD = """
services: {web: ~, db: {command: x, env: {A: ~, B: 1, C: true}, dependsOn: [a], backoff: ~}}
---
services: {web: {env: [{name: A, value: b}, {name: B}], dependsOn: {db: {}, a: ~, b: {condition: "${C}"}}, args: []}}
---
services: {web: {command: [a, 1, true, 1.5], main: "${M:-true}", successExitCodes: "${N}", stopSignal: sigterm}}
---
services: {web: {stopSignal: RTMIN+3}, a: {stopSignal: 9}, b: {stopSignal: TERM}, c: {workingDir: "${D}/x"}}
---
lifecycle: {online: [{exec: {command: x}}, {sleep: {seconds: "${S}"}}], stop: [], offline: {http: {url: "http://${H}/"}}}
---
lifecycle: {offline: {http: {url: "${URL}", headers: {A: 1}, body: "", expectStatus: [200, 404]}}}
---
services: {web: {user: app, group: 4712, umask: "0027", nice: -5, oomScoreAdj: "${O}", noNewPrivileges: true, envFile: /etc/web.env}}
---
services: {web: {user: 0, umask: 0, envFile: [/a, "${E}"], rlimits: {nofile: 5, core: unlimited, cpu: {soft: 1, hard: unlimited}}}}
---
services: {web: {user: "${U:-app}", group: "1000", umask: "${M}", rlimits: {nofile: "${N}"}}}
---
services: {web: {readinessProbe: {grpc: {port: 1, service: ""}}, startupProbe: {notify: {}}, livenessProbe: {log: {pattern: "a$$"}}}}
---
services: {web: {readinessProbe: {file: {path: "${D}/x"}}}}
---
{app: 3, terminationGracePeriodSeconds: 30.5}
---
{statusPort: 9100, statusAddress: "::"}
---
{statusPort: "${P}", statusAddress: "${A:-127.0.0.1}"}
"""


@pytest.mark.parametrize("document", GOOD.split("---"))
def test_what_is_good_is_valid(schema, document):
    jsonschema.Draft7Validator(schema).validate(yaml.safe_load(document))


BAD = """
{ap: x}
---
[services]
---
services: [web]
---
services: {web: []}
---
services: {"a b": {command: x}}
---
services: {all: {command: x}}
---
services: {web: {comand: x}}
---
services: {web: {command: {a: b}}}
---
services: {web: {command: []}}
---
services: {web: {command: ""}}
---
services: {web: {command: [[a]]}}
---
services: {web: {command: x, critical: "yes"}}
---
services: {web: {command: x, critical: 1}}
---
services: {web: {command: x, env: [A=b]}}
---
services: {web: {command: x, env: [{name: A, valueFrom: {}}]}}
---
services: {web: {command: x, env: {"A=B": c}}}
---
services: {web: {command: x, env: {A: [b]}}}
---
services: {web: {command: x, workingDir: srv}}
---
services: {web: {command: x, restartPolicy: always}}
---
services: {web: {command: x, stopSignal: FOO}}
---
services: {web: {command: x, stopSignal: 65}}
---
services: {web: {command: x, successExitCodes: [256]}}
---
services: {web: {command: x, terminationGracePeriodSeconds: -1}}
---
services: {web: {command: x, terminationGracePeriodSeconds: "10"}}
---
services: {web: {command: x, dependsOn: {db: {condition: up}}}}
---
services: {web: {command: x, dependsOn: web}}
---
services: {web: {command: x, user: "1000:1000"}}
---
services: {web: {command: x, user: "0100"}}
---
services: {web: {command: x, user: -1}}
---
services: {web: {command: x, group: 4294967295}}
---
services: {web: {command: x, umask: "27"}}
---
services: {web: {command: x, umask: u=rwx}}
---
services: {web: {command: x, envFile: web.env}}
---
services: {web: {command: x, rlimits: {nofiles: 5}}}
---
services: {web: {command: x, rlimits: {nofile: -1}}}
---
services: {web: {command: x, rlimits: {nofile: many}}}
---
services: {web: {command: x, rlimits: {nofile: {soft: 5}}}}
---
services: {web: {command: x, nice: 20}}
---
services: {web: {command: x, oomScoreAdj: -1001}}
---
services: {web: {command: x, noNewPrivileges: "yes"}}
---
services: {web: {command: x, readinessProbe: {}}}
---
services: {web: {command: x, readinessProbe: {exec: {command: x}, tcpSocket: {port: 1}}}}
---
services: {web: {command: x, readinessProbe: {tcpSocket: {port: 0}}}}
---
services: {web: {command: x, readinessProbe: {tcpSocket: {port: 65536}}}}
---
services: {web: {command: x, readinessProbe: {tcpSocket: {port: http}}}}
---
services: {web: {command: x, readinessProbe: {tcpSocket: {}}}}
---
services: {web: {command: x, readinessProbe: {grpc: {service: a}}}}
---
services: {web: {command: x, readinessProbe: {file: {path: run/x}}}}
---
services: {web: {command: x, logs: prefix, readinessProbe: {log: {}}}}
---
services: {web: {command: x, readinessProbe: {notify: {socket: /x}}}}
---
services: {web: {command: x, readinessProbe: {notify: true}}}
---
services: {web: {command: x, readinessProbe: {httpGet: {port: 80, scheme: ftp}}}}
---
services: {web: {command: x, readinessProbe: {exec: {command: x}, periodSeconds: 0}}}
---
services: {web: {command: x, readinessProbe: {exec: {command: x}, failureThreshold: 1.5}}}
---
services: {web: {command: x, backoff: {factor: 0.5}}}
---
services: {web: {command: x, backoff: {limit: 1.5}}}
---
{services: {web: {command: x}}, lifecycle: {online: {}}}
---
{services: {web: {command: x}}, lifecycle: {online: {sleep: {}}}}
---
{services: {web: {command: x}}, lifecycle: {online: {sleep: {second: 1}}}}
---
{services: {web: {command: x}}, lifecycle: {online: [{sleep: {seconds: 1}}, x]}}
---
{services: {web: {command: x}}, lifecycle: {online: {http: {url: ftp://x}}}}
---
{services: {web: {command: x}}, lifecycle: {online: {http: {url: http://x, method: get}}}}
---
{services: {web: {command: x}}, lifecycle: {online: {http: {url: http://x, expectStatus: 99}}}}
---
{services: {web: {command: x}}, lifecycle: {drain: {ports: [http]}}}
---
{services: {web: {command: x}}, lifecycle: {goOnline: never}}
---
{services: {web: {command: x}}, lifecycle: {postStart: {onTimeout: wait}}}
---
{services: {web: {command: x}}, lifecycle: {scriptsDir: hooks}}
---
{services: {web: {command: x}}, lifecycle: {hooks: {}}}
---
{services: {web: {command: x}}, terminationGracePeriodSeconds: 0.5}
---
{services: {web: {command: x}}, app: ""}
---
{services: {web: {command: x}}, app: [a]}
---
{services: {web: {command: x}}, statusPort: 0}
---
{services: {web: {command: x}}, statusPort: "9100"}
---
{services: {web: {command: x}}, statusPort: 1, statusAddress: localhost}
---
{services: {web: {command: x}}, statusPort: 1, statusAddress: 1.2}
"""


@pytest.mark.parametrize("document", [document.strip() for document in BAD.split("---")])
def test_what_is_bad_by_key_type_or_range_is_invalid_for_both(schema, document):
    assert errors_of(document), "the loader takes it"
    assert not is_valid(schema, yaml.safe_load(document)), "the schema takes it"


# ---- every key, in turn ------------------------------------------------------------------------------------------


def resolve(schema, part):
    return schema["definitions"][part["$ref"].rsplit("/", 1)[1]] if "$ref" in part else part


def alternatives(schema, part):
    """The plain schemas below anyOf and references."""
    part = resolve(schema, part)
    if "anyOf" not in part:
        return [part]
    return [plain for each in part["anyOf"] for plain in alternatives(schema, each)]


def keys_below(schema, part, path, seen):
    """(path, schema) of each key, each definition where it comes first: a probe is the same in all its places."""
    if "$ref" in part:
        if part["$ref"] in seen:
            return
        seen.add(part["$ref"])
    part = resolve(schema, part)
    for below in part.get("anyOf", []):
        yield from keys_below(schema, below, path, seen)
    for name, value in part.get("properties", {}).items():
        yield [*path, name], value
        yield from keys_below(schema, value, [*path, name], seen)
    if isinstance(part.get("additionalProperties"), dict):
        yield from keys_below(schema, part["additionalProperties"], [*path, "web"], seen)


def numbers_around(plain):
    if plain.get("type") not in ("integer", "number"):
        return [], []
    return [plain["minimum"], plain["maximum"]], [plain["minimum"] - 1, plain["maximum"] + 1]


# What only shows between keys is for the loader alone.
RULES = ("is impossible", "as in a Pod", "is below minSeconds", "the written times of the stop", "waits for the next",
         "unknown service", "its logs are raw", "which are told once", "has no meaning without")


def value_at(path, value):
    """A whole document with `value` at `path`."""
    for name in reversed(path):
        value = {name: value}
    return value


def samples(schema, part):
    """Values that are good by their type and range, and values that are not."""
    good, bad = [], []
    for plain in alternatives(schema, part):
        inside, outside = numbers_around(plain)
        good += inside + plain.get("enum", [])
        bad += outside
        if plain.get("type") == "boolean":
            good += [True, False]
    return good, [*bad, "no such thing", [["x"]], {"zzz": 1}]


def test_the_loader_and_the_schema_agree_on_every_key(schema):
    seen = 0
    for path, part in keys_below(schema, schema, [], set()):
        seen += 1
        good, bad = samples(schema, part)
        dotted = ".".join(path)
        for value in [*good, *bad]:
            document = value_at(path, value)
            loader_errors = [problem for problem in errors_of(yaml.safe_dump(document))
                             if (problem["path"] + ".").replace("[", ".").startswith(dotted + ".")
                             and not any(rule in problem["message"] for rule in RULES)]
            # The schema of a whole probe fails as one; what is asked is whether this very value passes.
            valid = jsonschema.Draft7Validator({**part, "definitions": schema["definitions"]}).is_valid(value)
            assert valid == (not loader_errors), f"{dotted}: {value!r}: schema {valid}, loader {loader_errors}"
    assert seen > 50
