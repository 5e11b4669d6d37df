"""`ccp doctor`: which limits and isolations really hold, on each infrastructure."""

import asyncio
import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from openccp.app.doctor.measure import SECONDS, measure
from openccp.cli.admin import DATA
from openccp.cli.serve import settings_of
from openccp.compose import infrastructures
from openccp.core.ports import Infrastructure
from openccp.core.promises import Measured, Measurement
from openccp.files.measurements import KeptMeasurements
from openccp.settings import BadSettings


@click.command()
@click.argument("names", nargs=-1, metavar="[INFRASTRUCTURE]...")
@click.option("--image", help="What the small jobs run in [default: bash, or the first named].")
@click.option(
    "--seconds",
    type=click.FloatRange(1, 3600),
    default=SECONDS,
    show_default=True,
    help="At most, for each infrastructure.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@DATA
def doctor(
    names: tuple[str, ...], image: str | None, seconds: float, as_json: bool, data: Path
) -> None:
    """Run small hostile jobs on each infrastructure, and say which of its promises hold.

    Ends with 1 if one that was made does not hold. What was found is kept, and shown by
    /infrastructures.
    """
    try:
        places = infrastructures(settings_of(data))
    except BadSettings as error:
        raise click.ClickException(str(error)) from None
    if unknown := set(names) - places.keys():
        raise click.ClickException(f"There is no infrastructure {sorted(unknown)[0]!r}.")
    chosen = {name: place for name, place in places.items() if not names or name in names}
    try:
        found = asyncio.run(_all(chosen, data, image, seconds))
    except BlockingIOError:
        raise click.ClickException(f"Another doctor is at work on {data}.") from None
    _show_json(found) if as_json else _show(found, places)
    if any(measured.broken for measured in found.values()):
        raise SystemExit(1)


async def _all(
    places: dict[str, Infrastructure], data: Path, image: str | None, seconds: float
) -> dict[str, Measured]:
    """One after another: they may share this machine."""
    found, kept = {}, KeptMeasurements(data)
    with kept.alone():
        for name, place in places.items():
            found[name] = await measure(
                place, data.resolve(), time.time, image=image, seconds=seconds
            )
            await place.close()
            kept.keep(name, found[name])
    return found


def _show_json(found: dict[str, Measured]) -> None:
    click.echo(json.dumps({"infrastructures": [*_documents(found)]}))


def _documents(found: dict[str, Measured]) -> Iterable[dict[str, Any]]:
    for name, measured in found.items():
        rows = [
            {"promise": m.promise, "promised": bool(m.how), "holds": m.holds, "how": m.how,
             "detail": m.detail}
            for m in measured.found
        ]  # fmt: skip
        yield {
            "id": name,
            "version": measured.version,
            "broken": [m.promise for m in measured.broken],
            "promises": rows,
        }


def _show(found: dict[str, Measured], places: dict[str, Infrastructure]) -> None:
    for name, measured in found.items():
        click.echo(f"{name} ({places[name].kind}): {measured.version or 'not reachable'}")
        for one in measured.found:
            click.echo(f"  {_word(one):8} {one.promise:13} {one.how or '-':20} {one.detail}")


def _word(one: Measurement) -> str:
    """In capitals what somebody has to act on."""
    if one.how:
        return "holds" if one.holds else "BROKEN"
    return "holds" if one.holds else "no"
