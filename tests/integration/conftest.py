# SPDX-License-Identifier: Apache-2.0
"""The integration tests run the real davit with real children, each as PID 1 of a PID namespace of its own."""

import os
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tests" / "support"))
os.environ.setdefault("DAVIT_BINARY", str(REPOSITORY / "build" / "dev" / "davit"))


def pytest_configure():
    if not os.access(os.environ["DAVIT_BINARY"], os.X_OK):
        pytest.exit(f"no davit at {os.environ['DAVIT_BINARY']}: build it or set DAVIT_BINARY", returncode=1)
    if os.getuid() != 0:
        pytest.exit("the integration tests need root, for namespaces", returncode=1)
