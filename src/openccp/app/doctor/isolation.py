"""Tasks that look at what they should not see."""

import asyncio
import re
import secrets
import socket
from contextlib import closing
from pathlib import Path

from openccp.app.doctor.limits import Found
from openccp.app.doctor.probe import Outcome, Prober

LOOK = r"""
while read -r name value rest; do
    case $name in Uid:) says user "$value";; CapEff:) says capabilities "$value";;
        NoNewPrivs:) says privileges "$value";; Seccomp:) says seccomp "$value";; esac
done </proc/self/status
for folder in / /usr /etc /var /opt; do
    ( : >"$folder/ccp-doctor" ) 2>/dev/null && says written "$folder" && rm "$folder/ccp-doctor"
done
while read -r n parent device root point options rest; do
    [ "$point" = / ] && says root "$options"
done </proc/self/mountinfo
while read -r name rest; do
    case $name in Inter*|face*|lo:*) ;; *:*) says interface "$name";; esac
done </proc/net/dev
[ -r /run/secrets/probe ] && says secret there
{ IFS= read -r secret </run/secrets/probe; } 2>/dev/null
[ -n "$secret" ] && case $(export -p) in *"$secret"*) says shown "exported";; esac
[ -n "$secret" ] && for file in /proc/[0-9]*/environ /proc/[0-9]*/cmdline; do
    while IFS= read -r -d '' word; do
        case $word in *"$secret"*) says shown "$file";; esac
    done <"$file"
done 2>/dev/null
for file in "$CCP_IN_file" /proc/[0-9]*/root"$CCP_IN_file"; do
    { IFS= read -r word <"$file"; } 2>/dev/null && says read "$word"
done
"""
STAY = r"""
printf '%s\n' "$CCP_IN_token" >canary
while read -r n parent device root point rest; do
    [ "$point" = "$PWD" ] && says place "$root"
done </proc/self/mountinfo
says place "$PWD"
bash -c 'echo here=yes; sleep 60; :' "$CCP_IN_token"
"""
PRY = r"""
printf '%s\n' "$CCP_IN_places" | while IFS= read -r place; do
    for file in "$place/canary" /proc/[0-9]*/root"$place/canary" /proc/[0-9]*/cwd/canary; do
        { IFS= read -r word <"$file"; } 2>/dev/null && says read "$word"
    done
done
for file in /proc/[0-9]*/cmdline; do
    while IFS= read -r -d '' word; do says word "$word"; done <"$file"
done 2>/dev/null
says done yes
"""
LOCAL = re.compile(r"\|-- (\S+)\n\s+/32 host LOCAL")


async def look(prober: Prober, folder: Path) -> Found:
    """What a task sees of itself and around it; `folder` is one of the platform's."""
    token, secret = secrets.token_hex(16), secrets.token_hex(16)
    canary = folder / "doctor-canary"
    canary.touch(0o600)
    try:
        canary.write_text(token + "\n")
        given = {"probe": secret} if prober.takes_secrets else {}
        outcome = await prober.run("look", LOOK, values={"file": str(canary)}, secrets=given)
    finally:
        canary.unlink()
    if not outcome.ended or outcome.reason:
        return dict.fromkeys(SEEN, (False, outcome.detail))
    return {**_attributes(outcome), **_sights(outcome, token)}


SEEN = (
    "user", "capabilities", "privileges", "seccomp", "read-only", "network", "secrets", "platform",
)  # fmt: skip


def _attributes(outcome: Outcome) -> Found:
    user, left = outcome.said("user"), outcome.said("capabilities")
    new, filtered = outcome.said("privileges"), outcome.said("seccomp")
    return {
        "user": (user != [] and user != ["0"], f"it runs as user {_one(user)}"),
        "capabilities": (left == ["0" * 16], f"its capabilities are {_one(left)}"),
        "privileges": (new == ["1"], f"no-new-privileges is {_one(new)}"),
        "seccomp": (filtered == ["2"], f"the filter's mode is {_one(filtered)}"),
    }


def _sights(outcome: Outcome, token: str) -> Found:
    written, networks = outcome.said("written"), outcome.said("interface")
    root = (outcome.said("root") or ["unknown"])[-1]
    shown, there = outcome.said("shown"), outcome.said("secret")
    sealed = not written and "ro" in root.split(",")
    where = f"it wrote into {', '.join(written)}" if written else f"its root is mounted {root}"
    hidden = "it is a file" if there else "it is not at /run/secrets"
    read = token in outcome.said("read")
    return {
        "read-only": (sealed, where),
        "network": (not networks, f"it has {', '.join(networks) or 'none'}"),
        "secrets": (bool(there) and not shown, f"it stands in {shown[0]}" if shown else hidden),
        "platform": (not read, "it read a file of the platform's" if read else "not to be read"),
    }


def _one(values: list[str]) -> str:
    return values[0] if values else "unknown"


async def neighbours(prober: Prober) -> Found:
    """Whether a task sees the files or the processes of another that runs beside it."""
    token = secrets.token_hex(16)
    async with prober.running("other", STAY, values={"token": token}) as other:
        await other.says("here=yes")
        lines = (await other.text()).splitlines()
        places = [line.removeprefix("place=") for line in lines if line.startswith("place=")]
        outcome = await prober.run("pry", PRY, values={"places": "\n".join(places)})
    if not outcome.said("done"):
        return dict.fromkeys(("jobs", "processes"), (False, outcome.detail))
    read, seen = token in outcome.said("read"), token in outcome.said("word")
    return {
        "jobs": (not read, "it read another job's file" if read else "not to be read"),
        "processes": (not seen, "it saw another job's processes" if seen else "not to be seen"),
    }


async def private(prober: Prober) -> Found:
    """Whether a task with network reaches a service on any address of this machine."""
    reached: set[str] = set()

    def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.add(writer.get_extra_info("sockname")[0])
        writer.close()

    server = await asyncio.start_server(accept, "0.0.0.0", 0)
    port = server.sockets[0].getsockname()[1]
    tries = "".join(
        f"( : >/dev/tcp/{address}/{port} ) 2>/dev/null & pid=$!; ( sleep 2; kill $pid ) "
        "2>/dev/null & wait $pid 2>/dev/null\n"
        for address in own_addresses()
    )
    async with server:
        outcome = await prober.run("private", f"{tries}says done yes", network=True)
    if reached or not outcome.said("done"):
        where = f"it reached {', '.join(sorted(reached))}" if reached else outcome.detail
        return {"private": (False, where)}
    return {"private": (True, "this machine was not reached")}


def own_addresses() -> list[str]:
    """This machine's own IPv4 addresses, a few of them."""
    try:
        found = LOCAL.findall(Path("/proc/net/fib_trie").read_text())
    except OSError:
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
            found = ["127.0.0.1", probe.getsockname()[0]]
    return sorted(set(found))[:8]
