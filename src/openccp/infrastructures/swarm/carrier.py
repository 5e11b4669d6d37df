"""Runs on a node beside a job: brings its inputs there, and tells the platform what it does.

Arguments: the platform's URL, the infrastructure, the attempt. It needs nothing but Python, for it
runs in an image that the operator names. What it reads was written by a job: no link is followed.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from openccp.infrastructures.bounded import read_bytes
from openccp.infrastructures.swarm.left import HOME_FILES, add, add_all, add_file, measured

QUICK, SLOW = 0.15, 2.0
PIECE = 192 << 10
SMALL = 8192
OLD = 600
TROUBLE = (OSError, RuntimeError, ValueError, http.client.HTTPException, tarfile.TarError)


class Gone(Exception):
    """The platform knows nothing of this attempt any more."""


class Carrier:
    """One attempt on this node."""

    def __init__(self, url: str, place: str, attempt: str, token: str) -> None:
        self.address = f"{url}/carriers/{place}/{attempt}"
        self.token = token
        self.root = f"/node/openccp-{os.environ['CCP_PLACE']}"
        self.here = f"{self.root}/{attempt}"
        self.plans: dict[str, dict[str, Any]] = {}
        self.sent: dict[str, int] = {}
        self.known: dict[str, bytes] = {}
        self.brought: set[str] = set()
        self.next_look = 0.0
        self.measured = [0, 0, 0, 0]

    def run(self) -> None:
        """Until the platform says that all is over."""
        began = time.monotonic()
        while True:
            try:
                answer = self.tell()
                if answer.get("leave"):
                    break
                self.obey(answer)
            except Gone:
                break
            except TROUBLE as error:
                sys.stderr.write(f"carrier: {error}\n")
                time.sleep(SLOW)
            self.rest(min(SLOW, QUICK + (time.monotonic() - began) / 30))
        removing = subprocess.Popen(["rm", "-rf", "--", self.here])
        while removing.poll() is None:
            self.tell_left(False)
            wait(removing, SLOW)
        self.tell_left(True)

    def obey(self, answer: dict[str, Any]) -> None:
        """Fetch what is to run, bring what has ended."""
        self.sweep(answer.get("live"))
        for stage in answer.get("stage", ()):
            if stage not in self.plans:
                self.fetch(stage)
        for stage in answer.get("collect", ()):
            self.bring(stage)

    def rest(self, seconds: float) -> None:
        """Wait for the next turn, or until a stage has ended, which is told at once."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            ended = [stage for stage in self.plans if self.has_ended(stage)]
            for stage in set(ended) - self.brought:
                try:
                    self.bring(stage)
                except (Gone, *TROUBLE):
                    return
            time.sleep(0.05)

    def has_ended(self, stage: str) -> bool:
        """Whether every replica has written down its end."""
        count = self.plans[stage]["replicas"]
        return all(os.path.lexists(self.small(i, f".ccp-ended-{stage}")) for i in range(count))

    # --- there and back ---------------------------------------------------------------------

    def fetch(self, stage: str) -> None:
        """What a stage needs, laid out for the job's user."""
        with self.ask("GET", stage) as answer, tarfile.open(fileobj=answer, mode="r|") as arriving:
            first = arriving.next()
            assert first is not None
            plan = json.loads(arriving.extractfile(first).read())  # type: ignore[union-attr]
            self.make(self.root, 0o711, 0)
            self.make(self.here, 0o711, 0)
            for member in arriving:
                self.place(arriving, member, plan["uid"])
        self.make(f"{self.here}/data", 0o700, plan["uid"])
        for index in range(plan["replicas"]):
            self.make(f"{self.here}/home.{index}", 0o700, plan["uid"])
            for stream in ("stdout", "stderr"):
                path = f"{self.here}/{stage}.{index}.{stream}"
                with open(path, "ab"):
                    os.chown(path, plan["uid"], plan["uid"])
                    os.chmod(path, 0o600)
        self.plans[stage] = plan

    def place(self, arriving: tarfile.TarFile, member: tarfile.TarInfo, uid: int) -> None:
        """One file, for the job's user to read."""
        folder, _, name = member.name.partition("/")
        self.make(f"{self.here}/{folder}", 0o750, 0, group=uid)
        if not name:
            return
        content = arriving.extractfile(member)
        assert content is not None
        with open(f"{self.here}/{folder}/{name}", "wb") as file:
            shutil.copyfileobj(content, file)
        os.chmod(f"{self.here}/{folder}/{name}", 0o644)

    def make(self, path: str, mode: int, uid: int, group: int | None = None) -> None:
        """A folder of ours, or of the job's."""
        os.makedirs(path, exist_ok=True)
        os.chown(path, uid, uid if group is None else group)
        os.chmod(path, mode)

    def bring(self, stage: str) -> None:
        """Everything that a stage left, in one stream, after the platform was told how much."""
        self.next_look = 0
        self.tell()
        plan = self.plans[stage]
        where = urlsplit(f"{self.address}/{stage}")
        line = connection(where.scheme, where.netloc)
        try:
            line.putrequest("PUT", where.path)
            line.putheader("Authorization", f"Bearer {self.token}")
            line.putheader("Content-Type", "application/x-tar")
            line.putheader("Transfer-Encoding", "chunked")
            line.endheaders()
            with tarfile.open(fileobj=Chunks(line), mode="w|") as leaving:  # type: ignore[call-overload]
                self.pack(leaving, stage, plan)
            line.send(b"0\r\n\r\n")
            answer = line.getresponse()
            answer.read()
        finally:
            line.close()
        if answer.status == 404:
            raise Gone
        if answer.status >= 300:
            raise OSError(f"the platform answered {answer.status}")
        self.brought.add(stage)

    def pack(self, leaving: tarfile.TarFile, stage: str, plan: dict[str, Any]) -> None:
        """Logs and what the job says of itself first, then its files as far as they may go."""
        for index in range(plan["replicas"]):
            for name in (f".ccp-marks-{stage}", ".ccp-progress", f".ccp-ended-{stage}"):
                is_tail = name == ".ccp-progress"
                content = read_bytes(self.small(index, name), SMALL, tail=is_tail)
                add(leaving, f"home.{index}/{name}", content)
            for stream in ("stdout", "stderr"):
                path = f"{stage}.{index}.{stream}"
                add_file(leaving, path, f"{self.here}/{path}", None, plan["log_bytes"] + 512)
        add_all(leaving, f"{self.here}/data", plan["output_bytes"], plan["output_files"])

    # --- news ---------------------------------------------------------------------------------

    def tell(self) -> dict[str, Any]:
        """What is new here; answers what to do."""
        logs = {name: self.piece(name) for name in self.streams()}
        small = {
            name: read_bytes(f"{self.here}/{name}", SMALL, tail=True) for name in self.smalls()
        }
        news = {name: text for name, text in small.items() if self.known.get(name) != text}
        told = {
            "node": os.environ["CCP_NODE"],
            "staged": sorted(self.plans),
            "logs": {name: one for name, one in logs.items() if one},
            "small": {name: base64.b64encode(text).decode() for name, text in news.items()},
            "used": self.used(),
        }
        with self.ask("POST", "", json.dumps(told).encode()) as answer:
            found: dict[str, Any] = json.loads(answer.read())
        self.known.update(news)
        for name, one in told["logs"].items():  # type: ignore[attr-defined]
            self.sent[name] = one["at"] + len(base64.b64decode(one["more"]))
        return found

    def tell_left(self, left: bool) -> None:
        """Whether nothing is left here: the last that is heard of this carrier."""
        told = {"node": os.environ["CCP_NODE"], "left": left}
        try:
            self.ask("POST", "", json.dumps(told).encode()).close()
        except (Gone, OSError, http.client.HTTPException):
            return

    def streams(self) -> list[str]:
        """The logs there are."""
        return [
            f"{stage}.{index}.{stream}"
            for stage, plan in self.plans.items()
            for index in range(plan["replicas"])
            for stream in ("stdout", "stderr")
        ]

    def smalls(self) -> list[str]:
        """What the job says of itself."""
        return [
            f"home.{index}/{name}"
            for stage, plan in self.plans.items()
            for index in range(plan["replicas"])
            for name in (f".ccp-marks-{stage}", ".ccp-progress")
        ]

    def piece(self, name: str) -> dict[str, Any] | None:
        """The next piece of a log, with how long it is in all."""
        at, path = self.sent.get(name, 0), f"{self.here}/{name}"
        size = os.lstat(path).st_size
        more = read_bytes(path, PIECE, at=at) if size > at else b""
        return {"at": at, "size": size, "more": base64.b64encode(more).decode()} if more else None

    def used(self) -> list[int]:
        """Bytes and files in /ccp_data and in HOME; looked at again after ten times as long."""
        now = time.monotonic()
        if self.plans and now >= self.next_look:
            plan = next(iter(self.plans.values()))
            homes = [f"{self.here}/home.{index}" for index in range(plan["replicas"])]
            size, count = plan["output_bytes"], plan["output_files"]
            data = measured([f"{self.here}/data"], size, count)
            self.measured = [*data, *measured(homes, size, count * HOME_FILES)]
            self.next_look = now + max(0.5, (time.monotonic() - now) * 10)
        return self.measured

    def small(self, index: int, name: str) -> str:
        """A file in a replica's home."""
        return f"{self.here}/home.{index}/{name}"

    def sweep(self, live: Any) -> None:
        """Remove what attempts left that nobody knows any more, as after this node was lost."""
        if live is None or not os.path.isdir(self.root):
            return
        for name in set(os.listdir(self.root)) - set(live):
            path = f"{self.root}/{name}"
            if time.time() - os.lstat(path).st_ctime > OLD:
                remove(path)

    def ask(self, method: str, stage: str, body: bytes | None = None) -> Any:
        """One request; Gone where the platform knows nothing of us."""
        address = f"{self.address}/{stage}" if stage else self.address
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(address, body, headers, method=method)
        try:
            return OPENER.open(request, timeout=60)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                raise Gone from error
            raise


OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def remove(path: str) -> None:
    """Whatever a job left there, however deep."""
    subprocess.run(["rm", "-rf", "--", path], check=False)


def wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Until it has ended, at most so long."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return


class Chunks:
    """Writes to a request's body, in chunks."""

    def __init__(self, line: http.client.HTTPConnection) -> None:
        self.line = line

    def write(self, content: bytes) -> int:
        """One chunk."""
        if content:
            self.line.send(b"%x\r\n%s\r\n" % (len(content), content))
        return len(content)


def connection(scheme: str, netloc: str) -> http.client.HTTPConnection:
    """To the platform."""
    kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
    return kind(netloc, timeout=600)


if __name__ == "__main__":
    _, url, place, attempt = sys.argv
    with open("/run/secrets/token") as secret:
        token = secret.read().strip()
    Carrier(url, place, attempt, token).run()
