# SPDX-License-Identifier: Apache-2.0
"""examples/java-cpus says of itself what is true: both halves of its picture, in a container with one CPU of two."""

import os
import re
from pathlib import Path

import pytest

from runc_box import Box

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/java-cpus"
NODE = 2  # CPUs of the picture's node
PICTURE = [re.findall(r"│ (\S.*?) *│", line) for line in (EXAMPLE / "README.md").read_text().splitlines() if line.count("│") == 4]


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < NODE, reason="the picture needs two CPUs")
@pytest.mark.parametrize("half, shim", [(0, "off"), (1, None)])
def test_the_picture_is_what_it_prints(davit, half, shim):
    files = {"/davit": davit, "/libdavit-cpus.so": davit.parent / "libdavit-cpus.so", "/app/Count.java": EXAMPLE / "Count.java",
             "/etc/davit/davit.yaml": EXAMPLE / "davit.yaml"}
    node = ",".join(map(str, sorted(os.sched_getaffinity(0))[:NODE]))
    with Box(["/davit", "run"], files=files, env={"SHIM": shim} if shim else {}, cpu_quota=1, cpuset=node) as box:
        box.start()
        assert box.wait(120) == 0, box.output()
        lines = box.output().splitlines()
    said = [line for line in lines if re.match(r"(processors|collector|common pool): ", line)]
    assert said == [row[half] for row in PICTURE]
