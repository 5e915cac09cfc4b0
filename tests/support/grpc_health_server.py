#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A real gRPC server with the standard health service, written by hand so that no generated code is needed.

    grpc_health_server.py PORT FILE [--without-health]

FILE has lines `NAME=STATUS` (an empty name: the server as a whole; 1: SERVING, 2: NOT_SERVING); it is read at each call.
Prints `up` once it listens.
"""

import sys
from concurrent import futures

import grpc


def status_of(name):
    with open(sys.argv[2]) as file:
        known = dict(line.rstrip("\n").rsplit("=", 1) for line in file)
    return known.get(name)


def check(request, context):
    # HealthCheckRequest: one field, a string with number 1, shorter than 128 bytes here.
    name = request[2:].decode() if request else ""
    status = status_of(name)
    if status is None:
        context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
    return bytes([8, int(status)])


def main():
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=2))
    if "--without-health" not in sys.argv:
        handler = grpc.unary_unary_rpc_method_handler(check)
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": handler})])
    assert server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}") != 0, "the port is taken"
    server.start()
    print("up", flush=True)
    server.wait_for_termination()


main()
