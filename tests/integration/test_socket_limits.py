# SPDX-License-Identifier: Apache-2.0
"""Clients of the socket that are many, slow, silent, gone or wrong: each costs itself, and a hook always has its place.
davit is no PID 1 here, so that the test itself may be the client."""

import contextlib
import json
import os
import select
import socket
import time
from pathlib import Path

import pytest
from davit_process import DEADLINE, MAIN, Davit, eventually, script

SHOP = f"""
services:
  helper: {{command: {script("exec sleep 600")}}}
  shop: {{main: true, command: {MAIN}}}
"""


# So that a few answers are more than a socket takes.
LONG_ANSWERS = f"app: {'x' * 60_000}\n" + SHOP


@pytest.fixture
def davit(tmp_path):
    with Davit(tmp_path, LONG_ANSWERS, mode="plain") as davit:
        davit.wait_phase("online")
        yield davit


@pytest.fixture
def connect():
    """Connections that are closed at the end."""
    with contextlib.ExitStack() as stack:
        def one(davit, first_bytes=b""):
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.connect(davit.socket)  # waits while davit has not accepted those before
            client.settimeout(DEADLINE)
            client.sendall(first_bytes)
            return client
        yield one


def request(target, method="GET", version="1.1", headers=""):
    return f"{method} {target} HTTP/{version}\r\nHost: davit\r\n{headers}\r\n".encode()


def all_of(client):
    return b"".join(iter(lambda: client.recv(65536), b""))


def descriptors(davit):
    return len(os.listdir(f"/proc/{davit.pid}/fd"))


def resident_bytes(davit):
    return int(Path(f"/proc/{davit.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


# ---- hooks have their place ---------------------------------------------------------------------------------------


def test_200_idle_and_50_slow_clients_keep_no_hook_out(davit, connect):
    for _ in range(200):
        connect(davit)
    for _ in range(25):
        connect(davit, b"POST /v1/lifecycle/prest")
    for _ in range(25):
        # Asks for much and reads nothing.
        connect(davit, request("/v1/status") * 20)
    assert davit.ctl("poststart").returncode == 0
    assert davit.ctl("probe", "ready").returncode == 0
    assert davit.ctl("prestop").returncode == 0
    assert davit.status()["phase"] == "stopped"


def test_clients_that_take_no_answer_keep_no_hook_out(davit, connect):
    # As many as there are places, and each is in the middle of an answer.
    for _ in range(128):
        connect(davit, request("/v1/status") * 20)
    for hook in ("poststart", "prestop"):
        assert davit.ctl(hook, "--timeout", "20").returncode == 0


def test_clients_that_wait_and_follow_keep_no_hook_out(davit, connect):
    waiting = [connect(davit, request("/v1/wait?phase=stopped")) for _ in range(60)]
    waiting += [connect(davit, request("/v1/events?follow=true")) for _ in range(60)]
    for client in waiting:
        assert client.recv(15) == b"HTTP/1.1 200 OK"
    too_many = connect(davit, request("/v1/wait?phase=stopped", headers="Connection: close\r\n"))
    assert all_of(too_many).endswith(b'{"error": "too many clients wait already"}\n')
    assert davit.ctl("poststart").returncode == 0
    assert davit.ctl("prestop").returncode == 0
    # Who waited for just that has heard it.
    assert b'{"result": "done", "message": ' in all_of(waiting[0])


# ---- streams ------------------------------------------------------------------------------------------------------

FLOOD = SHOP + "".join(f"""
  crashing-{number}: {{command: ["false"], backoff: {{initialSeconds: 0}}}}""" for number in range(5))


def newest_event(davit):
    return sum(service["restarts"] for service in davit.status()["services"]) * 3


class Lines:
    """Of a chunked stream, as they are asked for."""

    def __init__(self, client):
        self._file = client.makefile("rb")
        while self._file.readline() != b"\r\n":
            pass

    def next_chunk(self):
        size = int(self._file.readline(), 16)
        text = self._file.read(size)
        assert self._file.read(2) == b"\r\n"
        return [json.loads(line) for line in text.splitlines()]


def test_slow_readers_of_a_flood_cost_no_memory_and_hear_what_they_lost(tmp_path, connect):
    # The sanitizer keeps what was freed: too much of it to see anything else.
    environment = {"ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1:quarantine_size_mb=1:thread_local_quarantine_size_kb=64"}
    with Davit(tmp_path, FLOOD, mode="plain", env=environment) as davit:
        davit.wait_phase("online")
        slow = Lines(connect(davit, request("/v1/events?follow=true")))
        for _ in range(100):
            connect(davit, request("/v1/events?follow=true"))  # nobody reads here
        # From here on the journal is full, and so are the sockets.
        eventually(lambda: newest_event(davit) > 2500, "thousands of events", DEADLINE * 4)
        before = resident_bytes(davit)
        eventually(lambda: newest_event(davit) > 4500, "thousands more", DEADLINE * 4)
        grown = resident_bytes(davit) - before
        assert grown < 8_000_000  # 100 readers x 2,000 events x 150 bytes would be 30 MB

        seen, lost = 0, 0
        while seen < 4500:
            for line in slow.next_chunk():
                if "lost" in line:
                    lost += line["lost"]
                    seen += line["lost"]
                else:
                    seen += 1
                    assert line["number"] == seen, "none is missing that was not told"
        assert lost > 0
        assert davit.ctl("probe", "ready").returncode == 0
        assert davit.ctl("prestop").returncode == 0


def test_streams_that_are_broken_off_leave_nothing_behind(davit, connect):
    assert davit.ctl("restart", "helper").returncode == 0  # what davit opens once is open from here on
    before = eventually(lambda: len({descriptors(davit) for _ in range(20)}) == 1 and descriptors(davit), "it is at rest")
    streams = [connect(davit, request(target, method)) for _ in range(30) for target, method in [
        ("/v1/events?follow=true", "GET"), ("/v1/wait?phase=stopped", "GET"), ("/v1/services/helper/restart", "POST")]]
    for client in streams[:60]:
        assert client.recv(9) == b"HTTP/1.1 "
    for client in streams:
        client.close()  # most of it unread
    for count in range(1, 200):
        connect(davit, request("/v1/status")[:-count % 40]).close()
    eventually(lambda: descriptors(davit) == before, "all connections are closed on davit's side")
    assert davit.ctl("wait", "helper").returncode == 0
    assert davit.ctl("probe", "ready").returncode == 0


def test_a_verb_goes_on_when_its_client_is_killed(davit):
    client = davit.start_ctl("prestop")
    davit.wait_phase("stopping|stopped")
    client.kill()
    client.communicate()
    davit.wait_phase("stopped")
    again = davit.ctl("prestop")
    assert (again.returncode, davit.trace().count("main-term")) == (0, 1)


# ---- requests -----------------------------------------------------------------------------------------------------


def test_half_requests_and_one_byte_a_second_are_closed_without_an_answer(davit, connect):
    silent = connect(davit)
    half = connect(davit, b"POST /v1/lifecycle/prestop HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
    drip = connect(davit)
    rest = request("/v1/lifecycle/prestop", "POST")
    begin = time.monotonic()
    for place in range(len(rest)):
        if select.select([drip], [], [], 1)[0]:
            break  # closed before the request was whole
        drip.send(rest[place:place + 1])
    assert 3 < time.monotonic() - begin < DEADLINE
    for client in (silent, half, drip):
        assert all_of(client) == b""
    assert davit.status()["phase"] == "online"


def test_requests_in_a_row_are_answered_in_their_order(davit, connect):
    targets = ["/livez", "/v1/nowhere", "/readyz", "/v1/events?x=1"] * 25
    client = connect(davit, b"".join(map(request, targets)) + request("/v1/cpus", headers="Connection: close\r\n"))
    heads = [line for line in all_of(client).split(b"\r\n") if b"HTTP/1.1 " in line]
    assert [int(head.split(b"HTTP/1.1 ")[1][:3]) for head in heads] == [200, 404, 200, 400] * 25 + [200]


def test_what_comes_after_a_verb_on_its_connection_is_not_done(davit, connect):
    client = connect(davit, request("/v1/services/helper/restart", "POST") + request("/v1/lifecycle/prestop", "POST"))
    assert b'{"result": "done", "message": "ready"}' in all_of(client)
    assert davit.status()["phase"] == "online"


def test_a_client_of_http_1_0_gets_plain_bytes_until_the_end(davit, connect):
    answer = all_of(connect(davit, request("/livez", version="1.0")))
    assert answer.endswith(b"\r\n\r\nlive: davit answers\n")
    head, _, body = all_of(connect(davit, request("/v1/services/helper/restart", "POST", "1.0"))).partition(b"\r\n\r\n")
    assert b"chunked" not in head
    assert json.loads(body.splitlines()[-1]) == {"result": "done", "message": "ready"}
    follower = connect(davit, request("/v1/events?follow=true", version="1.0")).makefile("rb")
    while follower.readline() != b"\r\n":
        pass
    assert json.loads(follower.readline())["number"] == 1


@pytest.mark.parametrize("raw, status", [
    (b"GET /livez HTTP/1.1\r\n" + b"x: y\r\n" * 2000 + b"\r\n", 431),
    (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n", 431),
    (request("/v1/wait", "POST", headers="Content-Length: 70000\r\n") + b" " * 70000, 413),
    (request("/v1/wait", "POST", headers="Transfer-Encoding: chunked\r\n") + b"ffff\r\n" + b" " * 65535 + b"\r\nffff\r\n" + b" " * 70000, 413),
    (request("/v1/wait", "POST", headers="Content-Length: -1\r\n"), 400),
    (request("/v1/wait", "POST", headers="Content-Length: 5\r\nContent-Length: 6\r\n") + b"hello", 400),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    (b"\0" * 5000, 400),
])
def test_what_is_too_large_or_no_request_is_told_and_closed(davit, connect, raw, status):
    client = connect(davit)
    with contextlib.suppress(BrokenPipeError):
        client.sendall(raw)
    answer = b""
    with contextlib.suppress(ConnectionResetError):  # what davit had not read when it closed
        while piece := client.recv(65536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert "error" in json.loads(answer.partition(b"\r\n\r\n")[2])
    assert davit.ctl("probe", "live").returncode == 0
