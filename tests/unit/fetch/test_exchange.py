"""What hostile servers answer costs little, and is an answer or a refusal."""

import asyncio

import pytest

from openccp.core.ports import Fetched, NotFetched
from openccp.fetch import exchange
from openccp.fetch.guarded import GuardedFetcher
from openccp.fetch.policy import Allowed, Policy

OK = b"HTTP/1.1 200 OK\r\n"
EMPTY = b"\r\nContent-Length: 0\r\n\r\n"


async def fetched(answer: bytes) -> Fetched:
    """What is made of these bytes of a real server."""

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(answered, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        policy = Policy(Allowed.read(["127.0.0.1"]), frozenset({port}))
        return await GuardedFetcher(policy).get(f"http://127.0.0.1:{port}/")


CONTENT_TYPES = [
    (b'Text/CSV ; charset="ISO-8859-1"', ("text/csv", "iso-8859-1")),
    (b"application/geo+json", ("application/geo+json", None)),
    (b"text/plain; charset*1*=a; charset*=b''c", ("text/plain", None)),
    (b'text/plain; x="' + b';\\"' * 9_000, ("text/plain", None)),
    (b"nonsense", ("application/octet-stream", None)),
    (b"a/b/c", ("application/octet-stream", None)),
    (b"", ("application/octet-stream", None)),
    (b"\xff/\xfe; charset=\xff", ("application/octet-stream", None)),
]


@pytest.mark.parametrize(("written", "read"), CONTENT_TYPES)
async def test_a_content_type_is_read_in_no_time(
    written: bytes, read: tuple[str, str | None]
) -> None:
    async with asyncio.timeout(0.5):
        got = await fetched(OK + b"Content-Type: " + written + EMPTY)
    assert (got.media_type, got.charset) == read


@pytest.mark.parametrize(
    "pieces",
    [
        OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 200,
        b"HTTP/1.1 103 Early\r\n\r\n" * 200,
    ],
)
async def test_an_answer_in_single_bytes_is_given_up(
    pieces: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "MOST_PIECES", 100)
    with pytest.raises(NotFetched, match="pieces"):
        await fetched(pieces)
