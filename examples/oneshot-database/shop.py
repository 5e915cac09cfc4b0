# SPDX-License-Identifier: Apache-2.0
"""shop.py PORT DATABASE: tells the items of the database over HTTP. Does not start without its table."""

import http.server
import sqlite3
import sys

port, database = int(sys.argv[1]), sys.argv[2]


def items():
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return "".join(f"{name} {price}\n" for name, price in connection.execute("SELECT * FROM items ORDER BY name"))


class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = items().encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


items()
http.server.ThreadingHTTPServer(("127.0.0.1", port), Shop).serve_forever()
