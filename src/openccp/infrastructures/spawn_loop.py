"""The one small process that starts sandboxes: it forks quickly, since it is small.

Run as a program of its own, it imports nothing of ours. A line of JSON in is a start or the
burial of a child; a line with a pid answers each start. It leaves when the platform does; what
it started goes on.
"""

import contextlib
import json
import os
import resource
import signal
import sys
from typing import Any

FAILED = 125
NICE = 10
"""Jobs give way to the platform, which has to answer whatever they do."""
APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
BOUNDS = {
    "core": resource.RLIMIT_CORE,
    "file": resource.RLIMIT_FSIZE,
    "cpu": resource.RLIMIT_CPU,
    "processes": resource.RLIMIT_NPROC,
    "memory": resource.RLIMIT_AS,
}


def serve() -> None:
    """Answer requests until there is nobody left to ask."""
    for line in sys.stdin.buffer:
        request = json.loads(line)
        if "bury" in request:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(request["bury"], os.WNOHANG)
        else:
            os.write(1, b"%d\n" % start(request))


def start(request: dict[str, Any]) -> int:
    """Fork; the child claims the start and becomes the sandbox. -1 if no process can be had."""
    try:
        pid = os.fork()
    except OSError:
        return -1
    if pid == 0:
        try:
            become(request)
        finally:
            os._exit(FAILED)
    return pid


def become(request: dict[str, Any]) -> None:
    """Claim, join, bound, drop the user, exec."""
    os.setsid()
    if not claim(request["pid"]):
        return
    for group in request["groups"]:
        write(f"{group}/cgroup.procs", b"0")
    with contextlib.suppress(OSError):
        write("/proc/self/oom_score_adj", b"500")
    os.nice(NICE)
    redirect(request["files"])
    for name, value in request["bounds"].items():
        resource.setrlimit(BOUNDS[name], (value, value))
    if request["uid"] is not None:
        os.setgroups([])
        os.setresgid(request["uid"], request["uid"], request["uid"])
        os.setresuid(request["uid"], request["uid"], request["uid"])
    for sign in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
        signal.signal(sign, signal.SIG_DFL)
    os.umask(0o022)
    os.execve(request["command"][0], request["command"], request["variables"])


def claim(path: str) -> bool:
    """Opening exclusively is the claim: who comes second starts nothing, whoever asked."""
    with open("/proc/sys/kernel/random/boot_id", "rb") as boot, open("/proc/self/stat", "rb") as me:
        line = boot.read().strip() + b" " + me.read()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    os.write(descriptor, line)
    os.close(descriptor)
    return True


def redirect(paths: list[str]) -> None:
    """Standard input is empty; standard output, error and the sandbox's words are appended."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for target, path in enumerate(paths, 1):
        source = os.open(path, APPEND, 0o600)
        if source != target:
            os.dup2(source, target)
        else:
            os.set_inheritable(source, True)


def write(path: str, content: bytes) -> None:
    """Write a file of the kernel's."""
    descriptor = os.open(path, os.O_WRONLY)
    os.write(descriptor, content)
    os.close(descriptor)


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        serve()
