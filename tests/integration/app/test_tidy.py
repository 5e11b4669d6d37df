"""What is old is forgotten, whatever else cannot be."""

from dataclasses import replace
from pathlib import Path

import pytest

from openccp.app.services import Services
from openccp.app.tidy import tidy
from openccp.core.job import Phase, Status
from openccp.core.uploads import Asked, Room
from openccp.files.uploads import FolderUploads
from openccp.testing.stores import a_job

OLD = a_job(status=Status.CREATED, phase=Phase.CREATED, created=0.0, updated=0.0)


async def test_one_step_that_fails_keeps_no_other_from_it(
    services: Services, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await services.jobs.add(OLD, b"{}", {})
    await tidy(replace(services, uploads=FolderUploads(tmp_path / ("x" * 300))))
    assert await services.jobs.get(OLD.id) is None
    (said,) = [record for record in caplog.records if record.name == "openccp.app.tidy"]
    assert said.levelname == "ERROR"
    assert "uploads" in said.getMessage()


async def test_what_is_no_upload_is_left_alone(tmp_path: Path, services: Services) -> None:
    uploads = FolderUploads(tmp_path / "uploads", clock=lambda: 1.0)
    old = uploads.create("ada", Asked(1), Room())
    strange = [tmp_path / "uploads" / name for name in ("lost+found", "notes.txt", "0" * 32)]
    strange[0].mkdir()
    (strange[0] / ".kept").touch()
    for file in strange[1:]:
        file.touch()
    (account,) = [f for f in (tmp_path / "uploads").iterdir() if f not in strange]
    (account / ("1" * 32)).touch()
    uploads.forget(old.changed + 1)
    assert uploads.of("ada") == []
    assert all(path.exists() for path in (*strange, strange[0] / ".kept"))
