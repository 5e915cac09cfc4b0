# SPDX-License-Identifier: Apache-2.0
"""The container tests run davit as a real PID 1 under runc, in mounts and a network of their own: nothing on the
machine sees them, and what a killed test run leaves behind ends with its process.

DAVIT_BINARY names the davit to test; else build/release/davit.
"""

import os
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tests" / "support"))

import runc_box  # noqa: E402


@pytest.fixture(scope="session")
def davit():
    """The path of the binary under test."""
    binary = Path(os.environ.get("DAVIT_BINARY", REPOSITORY / "build" / "release" / "davit")).resolve()
    if not os.access(binary, os.X_OK):
        pytest.exit(f"no davit at {binary}: build it (cmake --preset release) or set DAVIT_BINARY", returncode=1)
    return binary


@pytest.fixture(scope="session", autouse=True)
def own_namespaces():
    if os.getuid() != 0:
        pytest.exit("the container tests need root, for runc and mounts", returncode=1)
    runc_box.keep_mounts_private()
    runc_box.enter_private_network()
