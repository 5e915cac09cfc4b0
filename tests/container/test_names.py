# SPDX-License-Identifier: Apache-2.0
"""Names in the static binary: /etc/resolv.conf of the container and a name server that answers well, badly or never."""

from runc_box import Box

NAME_SERVER = '''
import socket, struct, sys
mode = sys.argv[1]
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
print("listening", flush=True)

def name_of(query):
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode())
        at += query[at] + 1
    return ".".join(labels), query[12:at + 5], struct.unpack("!H", query[at + 1:at + 3])[0]

while True:
    query, client = server.recvfrom(4096)
    name, question, kind = name_of(query)
    print(f"asked for {name} {kind}", flush=True)
    if mode == "silent":
        continue
    if mode == "garbage":
        for answer in (b"", b"x", query[:12], bytes(12), query + bytes(500), bytes(2) + query[2:]):
            server.sendto(answer, client)
        continue
    known = name == "shop.test" and kind == 1
    flags = 0x8180 if name == "shop.test" else 0x8183
    answer = query[:2] + struct.pack("!HHHHH", flags, 1, 1 if known else 0, 0, 0) + question
    if known:
        answer += struct.pack("!HHHIH4s", 0xC00C, 1, 1, 5, 4, socket.inet_aton("127.0.0.1"))
    server.sendto(answer, client)
'''


def box_with(davit, mode, url, timeout=20):
    configuration = f"""
services:
  names:
    command: [python3, -u, /names.py, {mode}]
    readinessProbe: {{exec: {{command: [sh, -c, "grep -q 0100007F:0035 /proc/net/udp"]}}}}
  shop:
    main: true
    command: [python3, -u, -m, http.server, "8080"]
    readinessProbe: {{tcpSocket: {{port: 8080}}}}
lifecycle:
  online: {{http: {{url: "{url}"}}, timeoutSeconds: {timeout}}}
"""
    return Box(["/davit", "run", "-c", "/davit.yaml"], cwd="/tmp",
               files={"/davit": davit, "/davit.yaml": configuration.encode(), "/names.py": NAME_SERVER.encode(),
                      "/etc/resolv.conf": b"nameserver 127.0.0.1\n", "/etc/hosts": b"127.0.0.1 localhost\n"})


def test_a_name_is_asked_of_the_containers_name_server(davit):
    with box_with(davit, "good", "http://shop.test:8080/") as box:
        box.start()
        box.wait_for_output("phase online")
        assert "[names] asked for shop.test 1" in box.output()


def test_a_name_that_is_not_there_is_said_so(davit):
    with box_with(davit, "good", "http://shoq.test:8080/") as box:
        box.start()
        assert box.wait() == 121
        assert "shoq.test" in box.termination_message()
        assert "resolve" in box.termination_message().lower()


def test_a_name_server_that_never_answers_ends_the_step_in_its_time_and_holds_nobody_up(davit):
    with box_with(davit, "silent", "http://shop.test:8080/", timeout=4) as box:
        box.start()
        box.wait_for_output("[names] asked for shop.test")
        assert box.exec(["/davit", "probe", "live"], timeout=30).returncode == 0  # the loop turns
        assert box.wait() == 121
        assert "online" in box.termination_message()


def test_a_name_server_that_answers_rubbish_fails_the_step_and_nothing_else(davit):
    with box_with(davit, "garbage", "http://shop.test:8080/", timeout=4) as box:
        box.start()
        assert box.wait() == 121
        assert "online" in box.termination_message()
