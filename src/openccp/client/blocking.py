"""The blocking client."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from openccp.client import access, browser, calls, files, logs, programs, values
from openccp.client.card import JobCard
from openccp.client.credentials import Credentials, Login
from openccp.client.packages import package_of
from openccp.client.session import PATIENCE, Session
from openccp.client.wire import SECONDS, Wire


class Client:
    """A platform.

    `url` and `token` left out come from CCP_URL and CCP_TOKEN, else from the last `ccp login`.
    `context` is the group in which to work (default: CCP_CONTEXT, else all that are yours).
    `timeout` is for each reply, `patience` for pauses between tries, both in seconds.
    Every method raises `CCPError` or one of its kinds, and may be used from several threads.
    """

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
        self._wire = Wire(self._session.url, timeout)

    @property
    def url(self) -> str:
        """The address of the server."""
        return self._session.url

    def methods(self) -> list[dict[str, Any]]:
        """Every method you may run, each with `id`, `title`, `version`, `description`."""
        return self._wire.run(calls.methods(self._session))

    def describe(self, method: str) -> dict[str, Any]:
        """One method with its inputs and outputs (an OGC process description)."""
        return self._wire.run(calls.describe(self._session, method))

    def deploy(
        self,
        package: Mapping[str, Any] | str | bytes | Path,
        *,
        replace: bool = False,
        public: bool = False,
        workflow: str | None = None,
    ) -> dict[str, Any]:
        """Publish a method, with `replace` as a new revision; its summary and `warnings`.

        `package` is a method.json, an OGC application package or CWL: a mapping, its text, or
        its file. `workflow` names the one that is meant in a CWL `$graph`.
        """
        query = calls.deploy_query(public, workflow)
        return self._wire.run(calls.deploy(self._session, package_of(package), replace, query))

    def undeploy(self, method: str) -> None:
        """Remove a method; the records of its jobs stay."""
        self._wire.run(calls.undeploy(self._session, method))

    def run(
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
    ) -> "Job":
        """Start a job; inputs are keywords, or a mapping for names Python does not take.

        A Path, bytes, or a file opened in binary mode is sent as its content in base64; so is
        a text that names an existing file, where the method wants a file. `key` identifies
        this run: the same key never starts a second job (default: a new one). `outputs` are
        those wanted, by name, or each with its `transmissionMode` and `format`.
        `infrastructure` is where it shall run; else the platform chooses.
        """
        given = calls.all_inputs(inputs, more_inputs, note)
        steps = calls.execute(self._session, method, given, outputs, key, infrastructure)
        job = Job(self._wire, self._session, self._wire.run(steps))
        return job.wait() if wait else job

    def jobs(
        self,
        *,
        status: str | Sequence[str] = (),
        method: str | Sequence[str] | None = None,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
        search: str | None = None,
        limit: int | None = 100,
    ) -> list["Job"]:
        """Your jobs, newest first; with `limit=None` all of them.

        `since` and `until` bound when they were created (a text in RFC 3339, or a datetime).
        `search` looks for words: with spaces all of them, with commas any.
        """
        wanted = calls.job_filter(status, method, since, until, search)
        found = self._wire.run(calls.jobs(self._session, wanted, limit))
        return [Job(self._wire, self._session, document) for document in found]

    def job(self, job_id: str) -> "Job":
        """One job by its id."""
        return Job(self._wire, self._session, self._wire.run(calls.status(self._session, job_id)))

    def code(
        self, method: str, language: str = "python", inputs: Mapping[str, Any] | None = None
    ) -> str:
        """A program that runs a method; a Path among the inputs is read where it runs."""
        return self._wire.run(programs.of_method(self._session, method, language, inputs or {}))

    def webhook_secret(self, *, new: bool = False) -> str:
        """What callbacks to you are signed with; with `new` another one, from now on."""
        return str(self._wire.run(calls.webhook_secret(self._session, new))["secret"])

    def login(self, name: str, password: str) -> None:
        """Sign in with a password and keep the sign-in for this user of the machine."""
        self._keep(self._wire.run(self._session.sign_in(name, password)))

    @property
    def signed_in(self) -> bool:
        """Whether there is a token, given or kept."""
        return self._session.is_signed_in

    def login_with_browser(self, show: Callable[[str, str], None] = browser.show) -> None:
        """Sign in with any browser, and keep the sign-in for this user of the machine.

        `show` is called with the address to open and the code that has to stand there.
        """
        device = self._wire.run(self._session.ask_device())
        show(*browser.where(device))
        self._keep(self._wire.run(self._session.await_device(device)))

    def login_with_token(self, token: str) -> None:
        """Check a token and keep it for this user of the machine."""
        login = Login(token)
        self._wire.run(calls.jobs(self._session.signed_in(login), {}, 1))
        self._keep(login)

    def _keep(self, login: Login) -> None:
        credentials = Credentials()
        credentials.keep(self.url, login)
        self._session = self._session.signed_in(login, credentials)

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Job(JobCard):
    """A job; `status`, `progress` and `message` are as last seen: `refresh()` asks again."""

    def __init__(self, wire: Wire, session: Session, document: dict[str, Any]) -> None:
        super().__init__(document)
        self._wire = wire
        self._session = session

    def refresh(self) -> Self:
        """Ask the server how it stands."""
        self.document = self._wire.run(calls.status(self._session, self.id))
        return self

    def wait(self, timeout: float | None = None) -> Self:
        """Wait for its success; JobFailed, JobDismissed, or TimeoutError after `timeout` s."""
        self.document = self._wire.run(calls.wait(self._session, self.id, timeout))
        self._wire.run(calls.must_be_successful(self._session, self.document))
        return self

    def results(self) -> dict[str, Any]:
        """The results by output id: text, numbers, lists; base64 as bytes; links as mappings."""
        return values.decode(self.results_document())

    def results_document(self) -> dict[str, Any]:
        """The results as the server writes them (OGC results document)."""
        return self._wire.run(calls.results(self._session, self.id))

    def output(self, name: str) -> Any:
        """One output's content: JSON as values, text as str, the rest as bytes."""
        return self._wire.run(calls.output(self._session, self.id, name))

    def files(self) -> list[files.File]:
        """The files it left."""
        return self._wire.run(files.listing(self._session, self.id))

    def download(
        self,
        folder: str | Path = ".",
        only: Sequence[str] | None = None,
        *,
        overwrite: bool = False,
    ) -> list[Path]:
        """Bring its files (or `only` some paths) into a folder; goes on where it was cut off."""
        steps = files.download(self._session, self.id, Path(folder), only, overwrite)
        return self._wire.run(steps)

    def logs(self, *, follow: bool = False) -> Iterator[logs.LogText]:
        """The log so far, or with `follow` as it is written until the job has ended."""
        steps = logs.follow if follow else logs.plain
        for item in self._wire.iterate(steps(self._session, self.id)):
            if isinstance(item, logs.LogText):
                yield item
            else:
                self.document = item

    def code(self, language: str = "python") -> str:
        """A program that does the same again."""
        return self._wire.run(programs.of_job(self._session, self.id, language))

    def cancel(self) -> Self:
        """Stop it; nothing happens if it has already finished."""
        self.document = self._wire.run(calls.cancel(self._session, self.id))
        return self
