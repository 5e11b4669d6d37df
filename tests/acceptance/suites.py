"""The official executable test suites of OGC API - Processes, run as they are.

They come from the Maven registry by their coordinates and are run by Java against an address.
"""

import os
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

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


PART1 = Suite(
    os.environ.get("OPENCCP_ETS_PART1", "org.opengis.cite:ets-ogcapi-processes10:1.3"),
    "org.opengis.cite.ogcapiprocesses10.TestNGController",
    54,
)
PART2 = Suite(
    os.environ.get("OPENCCP_ETS_PART2", "org.opengis.cite:ets-ogcapi-processes10part2:1.0"),
    "org.opengis.cite.ogcapiprocesses10part2.TestNGController",
    15,
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
    command = ["java", *options, "-cp", path, suite.main, "-o", str(folder), str(properties)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=900)
    (folder / "output.txt").write_text(done.stdout + done.stderr)
    found = sorted(folder.rglob("testng-results.xml"))
    assert found, done.stderr[-2000:]
    return [
        Verdict(f"{it.get('signature', '').partition('(')[0]}", it.get("status", ""), _words(it))
        for it in ET.parse(found[0]).iter("test-method")
        if it.get("is-config") != "true"
    ]


def _words(method: ET.Element) -> str:
    message = method.find("./exception/message")
    return "" if message is None or message.text is None else message.text.strip()
