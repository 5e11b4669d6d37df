"""The official executable test suites of OGC API - Processes, run as they are.

They come from the Maven registry by their coordinates and are run by Java against an address.
"""

import os
import shutil
import subprocess
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from openccp.infrastructures.sandbox import find_sandbox

POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<parent><groupId>org.opengis.cite</groupId><artifactId>ets-common</artifactId><version>14</version>
<relativePath/></parent><groupId>openccp</groupId><artifactId>suites</artifactId><version>1</version><dependencies><dependency>
<groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency></dependencies></project>
"""
PROPERTIES = """<?xml version="1.0" encoding="UTF-8"?>
<properties version="1.0">{}</properties>
"""


class NotThere(Exception):
    """The suite or what runs it cannot be had here; the text says which."""


@dataclass(frozen=True, slots=True)
class Suite:
    """One suite: its Maven coordinates, the class that runs it, and how many tests it has."""

    coordinates: str
    main: str
    tests: int
    scripts: str | None = None
    """Where the suite looks for its own scripts, whatever the machine."""


PART1 = Suite(
    os.environ.get("OPENCCP_ETS_PART1", "org.opengis.cite:ets-ogcapi-processes10:1.3"),
    "org.opengis.cite.ogcapiprocesses10.TestNGController",
    54,
)
PART2 = Suite(
    os.environ.get("OPENCCP_ETS_PART2", "org.opengis.cite:ets-ogcapi-processes10part2:1.0"),
    "org.opengis.cite.ogcapiprocesses10part2.TestNGController",
    15,
    "/root/te_base/scripts",
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One test of a suite: `PASS`, `FAIL` or `SKIP`, and what it said."""

    name: str
    status: str
    words: str


def class_path(suite: Suite, folder: Path) -> str:
    """Everything the suite needs, as Maven resolves it; NotThere if it cannot."""
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            raise NotThere(f"{program} is not installed")
    (folder / "pom.xml").write_text(POM.format(*suite.coordinates.split(":")))
    command = ["mvn", "-q", "-B", "dependency:build-classpath", "-Dmdep.outputFile=classpath.txt"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    if done.returncode:
        why = next((line for line in done.stdout.splitlines() if "ERROR" in line), done.stderr)
        raise NotThere(f"Maven has no {suite.coordinates}: {why[:300]}")
    return (folder / "classpath.txt").read_text().strip()


def run(
    suite: Suite, arguments: Mapping[str, str], folder: Path, options: Sequence[str] = ()
) -> list[Verdict]:
    """Run a suite, Java with `options`; its tests in order, without what only prepares."""
    path = class_path(suite, folder)
    entries = "".join(
        f"<entry key={quoteattr(key)}>{escape(value)}</entry>" for key, value in arguments.items()
    )
    properties = folder / "arguments.xml"
    properties.write_text(PROPERTIES.format(entries))
    java = ["java", *options, "-cp", path, suite.main, "-o", str(folder), str(properties)]
    command = [*_with_scripts(suite, path, folder), *java]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=900)
    (folder / "output.txt").write_text(done.stdout + done.stderr)
    found = sorted(folder.rglob("testng-results.xml"))
    assert found, done.stderr[-2000:]
    return [
        Verdict(f"{it.get('signature', '').partition('(')[0]}", it.get("status", ""), _words(it))
        for it in ET.parse(found[0]).iter("test-method")
        if it.get("is-config") != "true"
    ]


def _with_scripts(suite: Suite, path: str, folder: Path) -> list[str]:
    """Shows a suite its own scripts at the place that is written into it, and nowhere else."""
    if suite.scripts is None:
        return []
    artifact, place = f"{suite.coordinates}:zip:ctl", folder / "scripts"
    place.mkdir()
    command = ["mvn", "-q", "-B", "dependency:copy", f"-Dartifact={artifact}"]
    done = subprocess.run(
        [*command, f"-DoutputDirectory={place}"], cwd=place, capture_output=True, timeout=600
    )
    found = list(place.glob("*-ctl.zip"))
    if done.returncode or not found:
        raise NotThere(f"Maven has no {artifact}")
    zipfile.ZipFile(found[0]).extractall(place)
    jars = os.path.commonpath(path.split(os.pathsep))
    shown = [jars, str(folder)]
    binds = [word for place in shown for word in ("--bind", place, place)]
    bwrap = find_sandbox(folder, folder, drops_user=False).program
    root = suite.scripts.split("/")[1]
    return [
        bwrap, "--dev-bind", "/", "/", "--tmpfs", f"/{root}", *binds,
        "--ro-bind", str(place), suite.scripts, "--",
    ]  # fmt: skip


def _words(method: ET.Element) -> str:
    message = method.find("./exception/message")
    return "" if message is None or message.text is None else message.text.strip()
