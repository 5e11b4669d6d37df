"""A registry in front of another: PORT BEHIND. 429 for `limited`, and all else slowly."""

import http.client
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT, BEHIND = int(sys.argv[1]), int(sys.argv[2])
BLOCK = 64 << 10
PAUSE = 0.06
"""About a megabyte a second."""
KEPT = (
    "Content-Type",
    "Content-Length",
    "Docker-Content-Digest",
    "Docker-Distribution-Api-Version",
)


class Slow(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.startswith("/v2/limited/"):
            self.send_response(429)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        asked = http.client.HTTPConnection("127.0.0.1", BEHIND)
        headers = {name: self.headers[name] for name in ("Accept", "Range") if self.headers[name]}
        if "Accept" in headers:
            headers["Accept"] = ", ".join(self.headers.get_all("Accept") or ())
        asked.request(self.command, self.path, headers=headers)
        answer = asked.getresponse()
        self.send_response(answer.status)
        for name in KEPT:
            if (value := answer.getheader(name)) is not None:
                self.send_header(name, value)
        self.end_headers()
        while self.command == "GET" and (block := answer.read(BLOCK)):
            self.wfile.write(block)
            time.sleep(PAUSE)
        asked.close()

    do_HEAD = do_GET

    def log_message(self, format: str, *words: object) -> None:
        """Say nothing."""


ThreadingHTTPServer(("127.0.0.1", PORT), Slow).serve_forever()
