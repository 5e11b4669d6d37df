"""Do one decided action for one job, and save what came of it."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

from openccp.app.catalogue import Catalogue
from openccp.app.changes import Changes
from openccp.app.outbox import Outbox
from openccp.app.services import Rules
from openccp.app.stage import Case, case, task
from openccp.core.decide import (
    Action,
    Collect,
    Finish,
    Intend,
    Recover,
    Show,
    Stop,
    Submit,
    decided,
)
from openccp.core.failpoint import failpoint
from openccp.core.job import Blame, Event, Failure, Job, Phase, Stage, Status, TaskKey
from openccp.core.ports import CannotStart, Clock, FileStore, Infrastructure, Manifest
from openccp.core.results import OutputTooLarge
from openccp.core.stores import JobStore
from openccp.core.validate import from_stored

log = logging.getLogger(__name__)

SHOW_COLLECTING_AFTER = 0.5
GONE = Failure(Blame.PLATFORM, "files-lost", "The files of the job are not there any more.")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the reconciler works with."""

    jobs: JobStore
    catalogue: Catalogue
    files: FileStore
    infrastructures: Mapping[str, Infrastructure]
    changes: Changes
    outbox: Outbox
    clock: Clock
    rules: Rules


class Performer:
    """One coroutine an action. Each returns the job as saved, or as it was."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    async def case(self, job: Job) -> Case:
        """What is fixed for a job, from the store."""
        revision = await self._around.catalogue.revision(job.method, job.revision)
        if revision is None:
            raise LookupError(f"job {job.id}: revision {job.revision} of {job.method} is gone")
        secrets = await self._around.jobs.secrets(job.id)
        request = from_stored(await self._around.jobs.request(job.id), secrets)
        return case(revision, request, self._around.rules, job.infrastructure)

    async def give_up(self, job: Job) -> Job:
        """Close a job that this platform cannot go on with: a broken record, a place that is gone.

        What it may have started is ended and freed first, where the place is still there.
        """
        if job.infrastructure in self._around.infrastructures and job.attempt:
            await self._reap(job)
        now = self._around.clock()
        failure = Failure(Blame.PLATFORM, "internal", "The platform could not go on with this job.")
        closed = replace(job, phase=Phase.DONE, handle=None, updated=now)
        if not job.final:
            closed = replace(
                closed, status=Status.FAILED, failure=failure, message=failure.detail, finished=now
            )
        return await self._save(job, closed)

    @staticmethod
    def watched(job: Job) -> TaskKey | None:
        """Which task is to be looked at now."""
        if job.phase is Phase.UNDEPLOYING:
            return job.key(Stage.UNDEPLOY)
        return job.key(Stage.RUN) if job.attempt else None

    async def perform(self, job: Job, it: Case, action: Action) -> Job:
        """Do it; the job is returned unchanged where there was nothing to save."""
        match action:
            case Show(shown):
                return await self._save(job, shown)
            case Intend(intended):
                if job.attempt and job.attempt < intended.attempt:
                    await self._reap(job)
                saved = await self._save(job, intended)
                failpoint("intent.after")
                return saved
            case Submit(stage):
                return await self._submit(job, it, stage)
            case Recover():
                return await self._recover(job, it)
            case Stop(grace):
                assert job.handle is not None
                await self._place(job).stop(job.handle, grace)
                failpoint("stop.after")
                return job
            case Collect(failure, runtime):
                return await self._collect(job, it, failure, runtime)
            case Finish(warning):
                return await self._finish(job, warning)
            case _:
                return job

    async def _submit(self, job: Job, it: Case, stage: Stage) -> Job:
        try:
            handle = await self._place(job).submit(task(job, stage, it))
        except CannotStart as error:
            return await self._not_started(job, it, stage, error)
        now = self._around.clock()
        if stage is Stage.UNDEPLOY:
            failpoint("undeploy.after")
            saved = await self._save(job, replace(job, handle=handle, stage_started=now))
            failpoint("undeploy.saved")
            return saved
        failpoint("submit.after")
        phase = Phase.DEPLOYING if it.revision.method.scripts.deploy.strip() else Phase.EXECUTING
        running = replace(
            job,
            status=Status.RUNNING,
            phase=phase,
            message=str(phase),
            handle=handle,
            stage_started=now,
            started=job.started or now,
            updated=now,
        )
        saved = await self._save(job, running)
        failpoint("submit.saved")
        return saved

    async def _not_started(self, job: Job, it: Case, stage: Stage, error: CannotStart) -> Job:
        if stage is Stage.UNDEPLOY:
            return await self._finish(job, f"The undeploy script could not be started: {error}")
        words = f"The job could not be started: {error}"
        failure = error.failure or Failure(Blame.PLATFORM, "start", words)
        now = self._around.clock()
        failed = replace(decided(job, failure, it.plan, now), phase=Phase.DONE, handle=None)
        await self._reap(job)
        return await self._save(job, failed)

    async def _recover(self, job: Job, it: Case) -> Job:
        handle = await self._place(job).find(job.key(Stage.RUN))
        if handle is None and job.final:
            return await self._finish(job, None)
        if handle is None:
            return await self._collect(job, it, job.failure, {})
        return await self._save(job, replace(job, handle=handle))

    async def _collect(
        self, job: Job, it: Case, failure: Failure | None, runtime: Mapping[str, str]
    ) -> Job:
        failpoint("collect.before")
        if job.handle is not None:
            job, failure = await self._collected(job, it, failure)
        failpoint("collect.after")
        now = self._around.clock()
        told = [Event("runtime", now, {"attempt": job.attempt, **runtime})] if runtime else None
        saved = await self._save(job, decided(job, failure, it.plan, now), told)
        failpoint("collect.saved")
        return saved

    async def _collected(
        self, job: Job, it: Case, failure: Failure | None
    ) -> tuple[Job, Failure | None]:
        assert job.handle is not None
        place = self._place(job)
        collecting = asyncio.ensure_future(
            asyncio.to_thread(
                self._around.files.collect,
                job.id,
                place.workspace(job.handle),
                it.wanted,
                it.limits,
            )
        )
        done, _ = await asyncio.wait([collecting], timeout=SHOW_COLLECTING_AFTER)
        if not done and not job.final:
            shown = replace(job, phase=Phase.COLLECTING, message=str(Phase.COLLECTING))
            job = await self._save(job, shown)
        try:
            manifest = await collecting
        except OutputTooLarge as error:
            return job, failure or Failure(Blame.LIMIT, "output", str(error))
        except FileNotFoundError:
            return job, failure or GONE
        return job, failure or _missing(manifest)

    async def _finish(self, job: Job, warning: str | None) -> Job:
        failpoint("reap.before")
        await self._reap(job)
        failpoint("reap.after")
        now = self._around.clock()
        events = [Event("warning", now, {"detail": warning})] if warning else []
        return await self._save(job, replace(job, phase=Phase.DONE, handle=None), events)

    async def _reap(self, job: Job) -> None:
        place = self._place(job)
        handle = job.handle or await place.find(job.key(Stage.RUN))
        if handle is not None:
            await place.reap(handle)

    async def _save(self, before: Job, after: Job, events: list[Event] | None = None) -> Job:
        now = self._around.clock()
        told = await self._around.outbox.about(before, after, now)
        news = [*(events or ()), *_news(before, after, now)]
        saved = await self._around.jobs.save(after, news, told)
        self._around.changes.publish(after.id)
        return saved

    def _place(self, job: Job) -> Infrastructure:
        return self._around.infrastructures[job.infrastructure]


def _news(before: Job, after: Job, now: float) -> list[Event]:
    if before.status is not after.status:
        facts = {"status": str(after.status), "phase": str(after.phase), "message": after.message}
        if after.failure:
            facts |= {"blame": str(after.failure.blame), "reason": after.failure.reason}
        return [Event("status", now, facts)]
    if before.phase is not after.phase:
        return [Event("phase", now, {"phase": str(after.phase), "attempt": after.attempt})]
    if (before.progress, before.message) != (after.progress, after.message):
        return [Event("progress", now, {"progress": after.progress, "message": after.message})]
    return []


def _missing(manifest: Manifest) -> Failure | None:
    if not manifest.missing:
        return None
    names = ", ".join(repr(name) for name in manifest.missing)
    there = ", ".join(entry.path for entry in manifest.files[:20]) or "none"
    return Failure(
        Blame.METHOD,
        "missing-output",
        f"The method ended without error but did not write its output {names}. Files left in "
        f"/ccp_data: {there}.",
    )
