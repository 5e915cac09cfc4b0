# SPDX-License-Identifier: Apache-2.0
"""The console blocks of a README: commands after `$ `, and below each what it prints. Numbers, times and
the width of columns may be others."""

import re


def sessions(text):
    """Each block, as a list of (command, what it prints)."""
    blocks = []
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        steps = [part.partition("\n") for part in re.split(r"^\$ ", block, flags=re.MULTILINE) if part]
        blocks.append([(command, output) for command, _, output in steps])
    return blocks


def without_numbers(text):
    """Nor the blanks of columns, which are as wide as their numbers."""
    return " ".join(re.sub(r"\d+(\.\d+)?", "N", text).split())


def is_shown_as(line, shown):
    """A shown line that ends with ... is the beginning of it."""
    if shown.endswith("..."):
        return without_numbers(line).startswith(without_numbers(shown[:-3]))
    return without_numbers(line) == without_numbers(shown)


def shows_all(printed, shown):
    """All that was printed is shown."""
    printed, shown = printed.splitlines(), shown.splitlines()
    return len(printed) == len(shown) and all(map(is_shown_as, printed, shown))


def shows_some(printed, shown):
    """What is shown was printed, in this order, among other lines."""
    rest = iter(printed.splitlines())
    return all(any(is_shown_as(line, wanted) for line in rest) for wanted in shown.splitlines())
