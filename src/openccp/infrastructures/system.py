"""The read-only root that jobs of this machine's own programs see: links, mount points, /etc."""

import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from openccp.infrastructures.place import move_into_place, own_folder

SHELL_TEXTS = ("entry.sh", "piped.sh", "plain.sh")
LINKS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
MOUNT_POINTS = (
    "usr", "proc", "dev", "tmp", "opt", "var", "home/ccp", "ccp/bin", "ccp/files",
    "ccp_data", "ccp_in",
    "run/secrets", "run/ccp/script",
)  # fmt: skip
CONFIGURATION = (
    "alternatives", "R", "fonts", "java-17-openjdk", "perl", "python3", "python3.11", "ssl/certs",
    "ssl/openssl.cnf", "pki/tls/certs", "pki/ca-trust/extracted", "crypto-policies", "mime.types",
    "localtime", "timezone", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "protocols",
    "services", "host.conf", "gai.conf", "os-release", "debian_version", "magic", "papersize",
)  # fmt: skip
"""What programs read of /etc; nothing that tells of this machine's users or services."""

WRITTEN = {
    "passwd": "root:x:0:0:root:/root:/bin/sh\nccp:x:1000:1000:ccp:/home/ccp:/bin/sh\n"
    "nobody:x:65534:65534:nobody:/:/bin/false\n",
    "group": "root:x:0:\nccp:x:1000:\nnogroup:x:65534:\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "hostname": "ccp\n",
    "resolv.conf": "",
    "hosts": "127.0.0.1 localhost ccp\n::1 localhost\n",
}


def shell_text(name: str) -> bytes:
    """A shell text that comes with this package."""
    return resources.files("openccp.infrastructures").joinpath(name).read_bytes()


@dataclass(frozen=True, slots=True)
class PassedOn:
    """The operator's variables as jobs see them, and the files they name by that name inside."""

    environment: Mapping[str, str]
    files: Mapping[str, bytes]


def pass_on(environment: Mapping[str, str]) -> PassedOn:
    """Files that a variable names (certificates) are shown under /ccp/files, read-only."""
    inside: dict[str, str] = {}
    files: dict[str, bytes] = {}
    for name, value in environment.items():
        inside[name] = value
        if value.startswith("/") and os.path.isfile(value) and not value.startswith("/usr/"):
            files[name] = Path(value).read_bytes()
            inside[name] = f"/ccp/files/{name}"
    return PassedOn(inside, files)


def build_root(place: Path, prefixes: tuple[str, ...], files: Mapping[str, bytes]) -> Path:
    """The skeleton for this machine as it is now, made once and kept under a name of its own."""
    points = (*MOUNT_POINTS, *(prefix.lstrip("/") for prefix in prefixes))
    root = place / f"root-{_digest(points, files)}"
    if root.is_dir():
        return root
    building = own_folder(place / f".new-{secrets.token_hex(8)}", 0o755)
    for name in points:
        (building / name).mkdir(parents=True, exist_ok=True)
    for name in LINKS:
        _link(Path("/", name), building / name)
    (building / "var/tmp").symlink_to("/tmp")
    for name in SHELL_TEXTS:
        (building / "ccp" / name).write_bytes(shell_text(name))
    for name, content in files.items():
        (building / "ccp/files" / name).write_bytes(content)
    _build_etc(building / "etc")
    move_into_place(building, root)
    return root


def _build_etc(etc: Path) -> None:
    etc.mkdir()
    for name, source in _present():
        target = etc / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True, ignore=_unreadable)
        elif source.stat().st_mode & stat.S_IROTH:
            shutil.copyfile(source, target)
    for name, text in WRITTEN.items():
        (etc / name).write_text(text)


def _link(source: Path, target: Path) -> None:
    if source.is_symlink():
        target.symlink_to(os.readlink(source))
    elif source.is_dir():
        target.mkdir()


def _unreadable(folder: str, names: list[str]) -> list[str]:
    """Names that everybody on this machine may not read, or that are no file, link or folder."""
    return [name for name in names if not _public(os.lstat(os.path.join(folder, name)).st_mode)]


def _public(mode: int) -> bool:
    plain = stat.S_ISREG(mode) or stat.S_ISDIR(mode)
    return stat.S_ISLNK(mode) or (plain and bool(mode & stat.S_IROTH))


def _present() -> Iterator[tuple[str, Path]]:
    for name in CONFIGURATION:
        source = Path("/etc", name)
        if source.exists():
            yield name, source


def _digest(points: tuple[str, ...], files: Mapping[str, bytes]) -> str:
    texts = b"".join(map(shell_text, SHELL_TEXTS))
    seen = hashlib.sha256(texts + repr((points, WRITTEN, sorted(files.items()))).encode())
    for name, source in _present():
        found = source.stat()
        seen.update(f"{name} {found.st_mtime_ns} {found.st_size}\n".encode())
    return seen.hexdigest()[:16]
