"""The asynchronous client: the same words as the blocking one, to be awaited."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from openccp.client import access, calls, files, logs, programs, values
from openccp.client.card import JobCard
from openccp.client.packages import package_of
from openccp.client.session import PATIENCE, Session
from openccp.client.wire import SECONDS, AsyncWire


class AsyncClient:
    """A platform; see `Client`."""

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        context: str | None = None,
        timeout: float = SECONDS,
        patience: float = PATIENCE,
    ) -> None:
        self._session = access.session(url, token, context, patience)
        self._wire = AsyncWire(self._session.url, timeout)

    @property
    def url(self) -> str:
        """The address of the server."""
        return self._session.url

    async def methods(self) -> list[dict[str, Any]]:
        """Every method you may run, each with `id`, `title`, `version`, `description`."""
        return await self._wire.run(calls.methods(self._session))

    async def describe(self, method: str) -> dict[str, Any]:
        """One method with its inputs and outputs (an OGC process description)."""
        return await self._wire.run(calls.describe(self._session, method))

    async def deploy(
        self,
        package: Mapping[str, Any] | str | bytes | Path,
        *,
        replace: bool = False,
        public: bool = False,
        workflow: str | None = None,
    ) -> dict[str, Any]:
        """Publish a package; see `Client.deploy`."""
        query = calls.deploy_query(public, workflow)
        return await self._wire.run(
            calls.deploy(self._session, package_of(package), replace, query)
        )

    async def undeploy(self, method: str) -> None:
        """Remove a method; the records of its jobs stay."""
        await self._wire.run(calls.undeploy(self._session, method))

    async def run(
        self,
        method: str,
        inputs: Mapping[str, Any] | None = None,
        /,
        *,
        wait: bool = False,
        note: str | None = None,
        outputs: Sequence[str] | Mapping[str, Any] | None = None,
        key: str | None = None,
        infrastructure: str | None = None,
        **more_inputs: Any,
    ) -> "AsyncJob":
        """Start a job; see `Client.run`."""
        given = calls.all_inputs(inputs, more_inputs, note)
        steps = calls.execute(self._session, method, given, outputs, key, infrastructure)
        job = AsyncJob(self._wire, self._session, await self._wire.run(steps))
        return await job.wait() if wait else job

    async def jobs(
        self,
        *,
        status: str | Sequence[str] = (),
        method: str | Sequence[str] | None = None,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
        search: str | None = None,
        limit: int | None = 100,
    ) -> list["AsyncJob"]:
        """Your jobs, newest first; see `Client.jobs`."""
        wanted = calls.job_filter(status, method, since, until, search)
        found = await self._wire.run(calls.jobs(self._session, wanted, limit))
        return [AsyncJob(self._wire, self._session, document) for document in found]

    async def code(
        self, method: str, language: str = "python", inputs: Mapping[str, Any] | None = None
    ) -> str:
        """A program that runs a method; see `Client.code`."""
        steps = programs.of_method(self._session, method, language, inputs or {})
        return await self._wire.run(steps)

    async def webhook_secret(self, *, new: bool = False) -> str:
        """What callbacks to you are signed with; with `new` another one, from now on."""
        return str((await self._wire.run(calls.webhook_secret(self._session, new)))["secret"])

    async def job(self, job_id: str) -> "AsyncJob":
        """One job by its id."""
        document = await self._wire.run(calls.status(self._session, job_id))
        return AsyncJob(self._wire, self._session, document)

    async def close(self) -> None:
        """Close the connections."""
        await self._wire.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


class AsyncJob(JobCard):
    """A job; `status`, `progress` and `message` are as last seen: `refresh()` asks again."""

    def __init__(self, wire: AsyncWire, session: Session, document: dict[str, Any]) -> None:
        super().__init__(document)
        self._wire = wire
        self._session = session

    async def refresh(self) -> Self:
        """Ask the server how it stands."""
        self.document = await self._wire.run(calls.status(self._session, self.id))
        return self

    async def wait(self, timeout: float | None = None) -> Self:
        """Wait for its success; JobFailed, JobDismissed, or TimeoutError after `timeout` s."""
        self.document = await self._wire.run(calls.wait(self._session, self.id, timeout))
        await self._wire.run(calls.must_be_successful(self._session, self.document))
        return self

    async def results(self) -> dict[str, Any]:
        """The results by output id: text, numbers, lists; base64 as bytes; links as mappings."""
        return values.decode(await self.results_document())

    async def results_document(self) -> dict[str, Any]:
        """The results as the server writes them (OGC results document)."""
        return await self._wire.run(calls.results(self._session, self.id))

    async def output(self, name: str) -> Any:
        """One output's content: JSON as values, text as str, the rest as bytes."""
        return await self._wire.run(calls.output(self._session, self.id, name))

    async def files(self) -> list[files.File]:
        """The files it left."""
        return await self._wire.run(files.listing(self._session, self.id))

    async def download(
        self,
        folder: str | Path = ".",
        only: Sequence[str] | None = None,
        *,
        overwrite: bool = False,
    ) -> list[Path]:
        """Bring its files (or `only` some paths) into a folder; goes on where it was cut off."""
        steps = files.download(self._session, self.id, Path(folder), only, overwrite)
        return await self._wire.run(steps)

    async def logs(self, *, follow: bool = False) -> AsyncIterator[logs.LogText]:
        """The log so far, or with `follow` as it is written until the job has ended."""
        steps = logs.follow if follow else logs.plain
        async for item in self._wire.iterate(steps(self._session, self.id)):
            if isinstance(item, logs.LogText):
                yield item
            else:
                self.document = item

    async def code(self, language: str = "python") -> str:
        """A program that does the same again."""
        return await self._wire.run(programs.of_job(self._session, self.id, language))

    async def cancel(self) -> Self:
        """Stop it; nothing happens if it has already finished."""
        self.document = await self._wire.run(calls.cancel(self._session, self.id))
        return self
