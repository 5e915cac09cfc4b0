# SPDX-License-Identifier: Apache-2.0
"""`davit cpus` under real limits equals what a JVM that is right counts there."""

import json
import os

import pytest

from runc_box import Box

CPUS = len(os.sched_getaffinity(0))
JAVA = """
public class Count {
    public static void main(String[] arguments) {
        System.out.println(Runtime.getRuntime().availableProcessors());
    }
}
"""


@pytest.fixture(scope="module")
def limits():
    """Ways to limit a container: how, and what the answer is."""
    assert CPUS >= 2, "these tests need two CPUs"
    return {"nothing": ({}, CPUS), "half": ({"cpu_quota": 0.5}, 1), "one": ({"cpu_quota": 1}, 1),
            "one and a half": ({"cpu_quota": 1.5}, 2), "more than there are": ({"cpu_quota": CPUS + 3}, CPUS),
            "a cpuset of one": ({"cpuset": "1"}, 1)}


@pytest.mark.parametrize("how", ["nothing", "half", "one", "one and a half", "more than there are", "a cpuset of one"])
def test_the_count_is_the_jvms(davit, limits, how):
    limit, expected = limits[how]
    with Box(["sleep", "600"], files={"/davit": davit, "/Count.java": JAVA.encode()}, **limit) as box:
        box.start()
        answer = json.loads(box.exec(["/davit", "cpus", "-o", "json", "--java", "java"]).stdout)
        counted = box.exec(["java", "-Xmx64m", "/Count.java"], timeout=120).stdout.strip()
    assert answer["cpus"] == int(counted) == expected, answer
    assert answer["quota"] == limit.get("cpu_quota")
    assert answer["notes"] == []
    assert (answer["java"]["counts"], answer["java"]["does"]) == (expected, "nothing"), answer


def test_taskset_counts(davit):
    with Box(["sleep", "600"], files={"/davit": davit}) as box:
        box.start()
        assert box.exec(["taskset", "-c", "0", "/davit", "cpus"]).stdout == "1\n"
        explained = box.exec(["taskset", "-c", "0", "/davit", "cpus", "--explain"]).stdout
    assert "* affinity: 0 = 1 CPU (sched_getaffinity)" in explained.splitlines()


def test_it_works_in_an_empty_root_and_for_any_user(davit):
    with Box(["/davit", "cpus", "--explain"], root="empty", uid=65534, tmpfs=(), files={"/davit": davit}) as box:
        box.start()
        assert box.wait() == 0
        assert box.output().splitlines()[0] == str(CPUS)
