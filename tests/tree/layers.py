#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The arrows of supervisor/README.md only point down: fails when a file includes what its room may not see.

    layers.py ROOT          checks ROOT/supervisor
    layers.py --self-check  plants forbidden includes in a made-up tree and demands that each is caught
"""
import pathlib
import re
import sys
import tempfile

# What each room sees besides itself and the C++ standard library. "api/protocol.h" is one header; NAME/ a whole room;
# boost, yaml-cpp, ... a library; system: the headers of Linux and POSIX.
MAY_SEE = {
    "model": set(),
    "os": {"model/", "shim/davit_cpus.h", "boost", "curl", "ares", "system"},
    "config": {"model/", "yaml-cpp", "regex"},
    "runtime": {"os/", "config/", "model/", "boost", "curl", "system"},
    "api": {"runtime/", "os/", "config/", "model/", "boost", "system"},
    "cli": {"api/protocol.h", "config/", "os/", "model/", "boost", "system"},
    "app": {"api/", "runtime/", "os/", "config/", "model/", "boost", "system"},
    "main.cpp": {"app/", "cli/", "system"},
    "shim": set(),  # no header of a C library: their inline functions would call it
}
ROOMS = {"model", "os", "config", "runtime", "api", "cli", "app", "shim"}
LIBRARIES = {"boost": "boost", "curl": "curl", "yaml-cpp": "yaml-cpp", "spdlog": "spdlog", "fmt": "spdlog", "CLI": "CLI",
             "openssl": "openssl", "ares.h": "ares", "regex.h": "regex"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
# Standard headers have no dot and no folder.
STANDARD = re.compile(r"^[a-z_0-9]+$")
# Of C: types and macros, no function.
FREE_STANDING = {"stddef.h", "stdint.h"}


def kind_of(header, quoted):
    """What an include asks for, in the words of MAY_SEE; None: the standard library."""
    first = header.split("/")[0]
    if quoted:
        return header if first in ROOMS and "/" in header else f'"{header}"'
    if first in LIBRARIES:
        return LIBRARIES[first]
    return None if STANDARD.match(header) or header in FREE_STANDING else "system"


def is_allowed(room, kind):
    if kind is None:
        return True
    allowed = MAY_SEE[room]
    if kind in allowed:
        return True
    first = kind.split("/")[0]
    return "/" in kind and (first == room or f"{first}/" in allowed)


def violations(root):
    files = [path for path in sorted((root / "supervisor").rglob("*"))
             if path.suffix in {".h", ".hpp", ".cpp", ".c", ".inc"}]
    found = []
    for path in files:
        parts = path.relative_to(root).parts
        room = parts[1]
        text = path.read_text()
        if room not in MAY_SEE:
            found.append(f"{path.relative_to(root)}: no room is called {room}: see supervisor/README.md")
            continue
        for match in INCLUDE.finditer(text):
            header = match.group(2)
            if room == "shim" and match.group(1) == '"' and (path.parent / header).exists():
                continue
            if not is_allowed(room, kind_of(header, match.group(1) == '"')):
                line = text.count("\n", 0, match.start(2)) + 1
                found.append(f"{path.relative_to(root)}:{line}: {room} may not include {header}")
    return found, len(files)


PLANTED = [  # file, include, and whether it is forbidden
    ("supervisor/model/a.h", '"os/spawn.h"', True),
    ("supervisor/model/b.h", "<unistd.h>", True),
    ("supervisor/model/c.h", "<sys/wait.h>", True),
    ("supervisor/model/d.h", "<boost/json.hpp>", True),
    ("supervisor/model/e.h", '"spec.h"', True),
    ("supervisor/model/f.h", '"model/spec.h"', False),
    ("supervisor/model/g.h", "<expected>", False),
    ("supervisor/os/a.cpp", '"config/sources.h"', True),
    ("supervisor/os/b.cpp", '"runtime/supervisor.h"', True),
    ("supervisor/os/c.cpp", "<sys/signalfd.h>", False),
    ("supervisor/os/d.cpp", "<boost/asio.hpp>", False),
    ("supervisor/os/e.cpp", '"shim/davit_cpus.h"', False),
    ("supervisor/os/f.cpp", '"shim/davit_cpus.c"', True),
    ("supervisor/runtime/c.cpp", '"shim/davit_cpus.h"', True),
    ("supervisor/config/a.cpp", '"os/files.h"', True),
    ("supervisor/config/b.cpp", "<yaml-cpp/yaml.h>", False),
    ("supervisor/config/c.cpp", "<boost/json.hpp>", True),
    ("supervisor/config/d.cpp", "<regex.h>", False),
    ("supervisor/config/e.cpp", "<unistd.h>", True),
    ("supervisor/runtime/a.cpp", '"api/protocol.h"', True),
    ("supervisor/runtime/b.cpp", '"config/load.h"', False),
    ("supervisor/api/a.cpp", '"app/run.h"', True),
    ("supervisor/api/b.cpp", '"cli/table.h"', True),
    ("supervisor/cli/a.cpp", '"api/server.h"', True),
    ("supervisor/cli/b.cpp", '"api/protocol.h"', False),
    ("supervisor/cli/c.cpp", '"runtime/supervisor.h"', True),
    ("supervisor/cli/d.cpp", '"app/run.h"', True),
    ("supervisor/app/a.cpp", '"cli/table.h"', True),
    ("supervisor/app/b.cpp", '"api/server.h"', False),
    ("supervisor/main.cpp", '"runtime/supervisor.h"', True),
    ("supervisor/attic/a.cpp", "<vector>", True),
    ("supervisor/shim/a.c", '"model/cpu_count.h"', True),
    ("supervisor/shim/b.c", "<sched.h>", True),
    ("supervisor/shim/c.c", "<stddef.h>", False),
]


def self_check():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, include, _ in PLANTED:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(f"// a planted file\n  #  include {include}\n")
        found, _ = violations(root)
    wrong = []
    for name, include, forbidden in PLANTED:
        if any(line.startswith(name) for line in found) != forbidden:
            wrong.append(f"{name}: include {include} should be {'caught' if forbidden else 'allowed'}")
    return wrong


def main():
    if sys.argv[1:] == ["--self-check"]:
        problems, count = self_check(), len(PLANTED)
    else:
        problems, count = violations(pathlib.Path(sys.argv[1]))
    print("\n".join(problems) if problems else f"{count} files looked at, every arrow points down")
    return 1 if problems else 0


sys.exit(main())
