"""What is kept in an attempt's folder so that a later process goes on with its start."""

import contextlib
import json
import os
import secrets
import time
from collections.abc import Callable
from typing import Any, TypeVar

from openccp.core.method import Scripts
from openccp.core.ports import Task
from openccp.infrastructures.bounded import read_text, write_new
from openccp.infrastructures.docker.reference import Image
from openccp.infrastructures.folders import Plan, StageFolder

Read = TypeVar("Read")

LONGEST = 16 << 20
"""Of what is kept of a task: its scripts may be long."""


def keep_task(folder: StageFolder, task: Task) -> None:
    """A task whose image is awaited, without what lies in its folder already."""
    kept = {
        "image": task.image,
        "scripts": [task.scripts.deploy, task.scripts.execute, task.scripts.undeploy],
        "secrets": list(task.secrets),
        "network": task.network,
        "root": task.root,
        "gpus": task.gpus,
    }
    _put(_task_file(folder), kept, os.replace)


def kept_task(folder: StageFolder, plan: Plan) -> Task | None:
    """The task, as far as a container is made of it; None if no image is awaited."""

    def read(kept: dict[str, Any]) -> Task:
        return Task(
            key=folder.key,
            image=kept["image"],
            scripts=Scripts(*kept["scripts"]),
            values={},
            files={},
            secrets=dict.fromkeys(kept["secrets"], ""),
            environment={},
            replicas=plan.replicas,
            network=kept["network"],
            limits=plan.limits,
            root=kept["root"],
            gpus=kept["gpus"],
        )

    return _got(_task_file(folder), read)


def drop_task(folder: StageFolder) -> None:
    """Its containers are there: it awaits nothing any more."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(_task_file(folder))


def keep_image(folder: StageFolder, image: Image) -> Image:
    """What the image's name stands for in this attempt, for good: the first to say it is right."""
    kept = {
        "name": image.name,
        "id": image.id,
        "digest": image.digest,
        "volumes": image.volumes,
        "labels": image.labels,
        "at": image.at or time.time(),
    }
    with contextlib.suppress(FileExistsError):
        _put(_image_file(folder), kept, os.link)
    return kept_image(folder) or image


def kept_image(folder: StageFolder) -> Image | None:
    """What the image's name stands for in this attempt, once it was resolved."""

    def read(kept: dict[str, Any]) -> Image:
        several = {name: tuple(kept.get(name, ())) for name in ("volumes", "labels")}
        return Image(**{**kept, **several})

    return _got(_image_file(folder), read)


def _task_file(folder: StageFolder) -> str:
    return f"{folder.path}/awaiting-image"


def _image_file(folder: StageFolder) -> str:
    return f"{folder.attempt}/image"


def _put(path: str, kept: dict[str, Any], place: Callable[[str, str], None]) -> None:
    """Whole or not at all."""
    part = f"{path}.{secrets.token_hex(4)}"
    write_new(part, json.dumps(kept).encode(), 0o600)
    try:
        place(part, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part)


def _got(path: str, read: Callable[[dict[str, Any]], Read]) -> Read | None:
    try:
        return read(json.loads(read_text(path, LONGEST)))
    except (ValueError, KeyError, TypeError):
        return None
