"""The controller by slurmrestd, with a JSON web token; its API's version is found out."""

import asyncio
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import httpx2
import orjson

from openccp.infrastructures.slurm.controller import (
    BatchJob,
    ControllerGone,
    Listed,
    Order,
    Refused,
)
from openccp.infrastructures.slurm.tokens import Token

SECONDS = 30.0
SERVED = {
    "slurm": re.compile(r"/slurm/v0\.0\.(\d+)/job/submit\Z"),
    "slurmdb": re.compile(r"/slurmdb/v0\.0\.(\d+)/jobs/?\Z"),
}
TYPED = 39
"""From this version on numbers may be objects, and the environment is a list."""
GONE = re.compile(
    r"unable to load|Failed while looking|timed out|contact|refused|Unspecified", re.I
)


class Rest:
    """Asks slurmrestd. Nothing but names, numbers and paths is in what it is told."""

    def __init__(self, url: str, user: str, token: Token, account: str, partition: str) -> None:
        self._url = url.rstrip("/")
        self._user = user
        self._account = account
        self._token = token
        self._partition = partition
        self._versions: dict[str, int] = {}
        self._opened: httpx2.AsyncClient | None = None

    @property
    def _http(self) -> httpx2.AsyncClient:
        if self._opened is None:
            self._opened = httpx2.AsyncClient(timeout=SECONDS, trust_env=False)
        return self._opened

    async def version(self) -> str:
        """As its controller's answer says."""
        answer = await self._call("GET", "ping")
        pings = answer.get("pings") or [{}]
        if not any(one.get("ping") == "UP" or one.get("responding") for one in pings):
            raise ControllerGone("slurmctld does not answer")
        meta = answer.get("meta", {})
        return str((meta.get("Slurm") or meta.get("slurm") or {}).get("release", "of some version"))

    async def submit(self, order: Order) -> int:
        """One batch job."""
        script = f"#!/bin/sh\nexec {order.script}\n"
        body = {"script": script, "job": _job(order, await self._newest("slurm"))}
        answer = await self._call("POST", "job/submit", body)
        return int(answer["job_id"])

    async def listed(self) -> Listed:
        """One request; reading its answer is a thread's work."""
        answer = await self._call("GET", "jobs")
        return await asyncio.to_thread(self._listed, answer.get("jobs", ()))

    def _listed(self, jobs: Sequence[Mapping[str, Any]]) -> Listed:
        ours = [job for job in jobs if job.get("user_name") == self._account]
        waiting = [job for job in jobs if _state(job) == "PENDING" and self._is_near(job)]
        ranks = sorted((-(_plain(job.get("priority")) or 0), _id(job)) for job in waiting)
        return Listed([one for job in ours for one in _read(job)], [id for _, id in ranks])

    def _is_near(self, job: Mapping[str, Any]) -> bool:
        """Whether it waits where ours do."""
        return self._partition in ("", *str(job.get("partition", "")).split(","))

    async def ended(self, name: str) -> Sequence[BatchJob]:
        """Of slurmdbd, where slurmrestd serves it."""
        if not await self._newest("slurmdb"):
            return []
        asked = {"job_name": name, "users": self._account, "start_time": "1"}
        with suppress(Refused):
            answer = await self._call("GET", f"jobs?{urlencode(asked)}", part="slurmdb")
            jobs = [_read_accounted(job) for job in answer.get("jobs", ())]
            return [job for job in jobs if (job.name, job.user) == (name, self._account)]
        return []

    async def signal(self, name: str, jobs: Sequence[int], sign: str) -> None:
        """To the batch script and all that it started."""
        for job in jobs:
            with suppress(Refused):
                await self._call("DELETE", f"job/{job}?signal={sign}")

    async def cancel(self, name: str, jobs: Sequence[int]) -> None:
        """By TERM, which a job that waits does not take; without a signal it would be KILL."""
        for job in jobs:
            try:
                await self._call("DELETE", f"job/{job}?signal=TERM")
            except Refused:
                await self.signal(name, [job], "KILL")

    async def close(self) -> None:
        """Close the connections."""
        if self._opened is not None:
            await self._opened.aclose()
            self._opened = None

    async def _newest(self, part: str) -> int:
        """The newest version of a part that is served, 0 for none; found out once."""
        if not self._versions:
            paths = (await self._ask("GET", "/openapi/v3")).get("paths", {})
            for name, served in SERVED.items():
                found = [match for path in paths if (match := served.match(path))]
                self._versions[name] = max((int(match.group(1)) for match in found), default=0)
        return self._versions[part]

    async def _call(
        self, method: str, path: str, body: Any = None, *, part: str = "slurm"
    ) -> Mapping[str, Any]:
        version = await self._newest(part)
        if not version:
            raise ControllerGone("slurmrestd serves no version that takes jobs")
        return await self._ask(method, f"/{part}/v0.0.{version}/{path}", body)

    async def _ask(self, method: str, path: str, body: Any = None) -> Mapping[str, Any]:
        names = {"X-SLURM-USER-NAME": self._user, "X-SLURM-USER-TOKEN": await self._token.text()}
        content = None if body is None else orjson.dumps(body)
        try:
            answer = await self._http.request(
                method,
                self._url + path,
                content=content,
                headers={**names, "Content-Type": "application/json"},
            )
            told = orjson.loads(answer.content) if answer.content else {}
        except (httpx2.HTTPError, ValueError) as error:
            raise ControllerGone(f"slurmrestd does not answer: {error}") from error
        _check(answer.status_code, told, self._token)
        return dict(told)


def _check(status: int, told: Any, token: Token) -> None:
    """Refused or ControllerGone for what is no good answer."""
    errors = told.get("errors") if isinstance(told, dict) else None
    # A job that was queued has a number, whatever there is to remark, as that no node is up.
    if status < 300 and (not errors or told.get("job_id")):
        return
    said = [str(one.get("description") or one.get("error") or "") for one in errors or ()]
    words = " ".join(" ".join(said).split())[:300] or f"status {status}"
    if status in (401, 403) or GONE.search(words):
        token.doubt()
        raise ControllerGone(words)
    raise Refused(words)


def _job(order: Order, version: int) -> dict[str, Any]:
    share, environment = order.share, {"LANG": "C"}
    given: dict[str, Any] = {
        "name": order.name,
        "comment": order.comment,
        "partition": share.partition,
        "account": share.account,
        "qos": share.qos,
        "array": f"0-{order.replicas - 1}" if order.replicas > 1 else "",
        "time_limit": math.ceil(share.seconds / 60),
        "memory_per_node": math.ceil(share.memory_bytes / (1 << 20)),
        "cpus_per_task": share.cpus,
    }
    if share.gpus:
        given |= _gpus(share.gpus, version)
    fixed = {
        "tasks": 1,
        "requeue": False,
        "current_working_directory": "/",
        "standard_input": "/dev/null",
        "standard_output": "/dev/null",
        "standard_error": "/dev/null",
        "environment": environment if version < TYPED else ["LANG=C"],
    }
    return {**fixed, **{name: value for name, value in given.items() if value}}


def _gpus(count: int, version: int) -> dict[str, str]:
    return {"gres": f"gpu:{count}"} if version < TYPED else {"tres_per_node": f"gres/gpu:{count}"}


def _read(job: Mapping[str, Any]) -> Iterator[BatchJob]:
    """One, or the elements of an array that wait together."""
    found = BatchJob(
        id=_id(job),
        own=int(job["job_id"]),
        index=_plain(job.get("array_task_id")) or 0,
        name=str(job.get("name", "")),
        comment=_comment(job),
        user=str(job.get("user_name", "")),
        state=_state(job),
        reason=str(job.get("state_reason", "")),
        node=str(job.get("nodes", "")),
    )
    for element in _elements(str(job.get("array_task_string") or "")) or (found.index,):
        yield replace(found, index=element)


def _read_accounted(job: Mapping[str, Any]) -> BatchJob:
    array, own = job.get("array") or {}, int(job["job_id"])
    state = (job.get("state") or {}).get("current", "")
    return BatchJob(
        id=_plain(array.get("job_id")) or own,
        own=own,
        index=_plain(array.get("task_id")) or 0,
        name=str(job.get("name", "")),
        comment=_comment(job),
        user=str(job.get("user", "")),
        state=str(state[0] if isinstance(state, list) else state),
        node=str(job.get("nodes", "")),
    )


def _id(job: Mapping[str, Any]) -> int:
    return _plain(job.get("array_job_id")) or int(job["job_id"])


def _state(job: Mapping[str, Any]) -> str:
    state = job.get("job_state", "")
    return str(state[0] if isinstance(state, list) else state)


def _comment(job: Mapping[str, Any]) -> str:
    comment = job.get("comment", "")
    return str(comment.get("job", "")) if isinstance(comment, dict) else str(comment)


def _plain(value: Any) -> int | None:
    """A number, or the number in `{"set": true, "number": N}`."""
    if isinstance(value, dict):
        value = value.get("number") if value.get("set") else None
    return value if isinstance(value, int) else None


def _elements(text: str) -> list[int]:
    """The indices of array elements that still wait: `0,2-3%1` as the controller writes them."""
    found: list[int] = []
    for part in text.partition("%")[0].split(","):
        first, _, last = part.partition("-")
        if first.isdigit():
            found += range(int(first), int(last or first) + 1)
    return found
