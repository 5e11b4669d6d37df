"""What is reached, how it is asked, and what is cut: against real servers."""

import asyncio
import gzip
from pathlib import Path

import pytest
from tests.integration.fetch.conftest import fetcher_for
from tests.integration.fetch.servers import Reply, Server, moved, ok, serving

from openccp.core.ports import NotFetched
from openccp.fetch.guarded import LARGEST_REPLY, UNREACHABLE, GuardedFetcher
from openccp.fetch.policy import Policy
from openccp.testing.platform import free_port


def at(server: Server, path: str = "/", host: str = "127.0.0.1", scheme: str = "http") -> str:
    return f"{scheme}://{host}:{server.port}{path}"


async def refusal(fetcher: GuardedFetcher, url: str, most: int | None = None) -> str:
    with pytest.raises(NotFetched) as caught:
        await fetcher.get(url, most)
    return str(caught.value)


# --- what is reached ----------------------------------------------------------------------------


async def test_an_allowed_server_is_asked_plainly(server: Server, fetcher: GuardedFetcher) -> None:
    server.replies["/table.csv?a=1"] = ok(b"a,b\n", 'text/CSV; charset="ISO-8859-1"')
    got = await fetcher.get(at(server, "/table.csv?a=1#part"), accept="text/csv")
    assert (got.status, got.content) == (200, b"a,b\n")
    assert (got.media_type, got.charset) == ("text/csv", "iso-8859-1")
    head = server.heads[0]
    assert head.startswith("GET /table.csv?a=1 HTTP/1.1\r\n")
    assert "Accept: text/csv\r\n" in head
    assert "Accept-Encoding: identity\r\n" in head
    assert f"Host: 127.0.0.1:{server.port}\r\n" in head
    for never in ("cookie", "authorization", "referer", "proxy"):
        assert never not in head.lower()


async def test_a_name_is_kept_in_the_host_header(server: Server, fetcher: GuardedFetcher) -> None:
    server.replies["/"] = ok(b"x")
    await fetcher.get(at(server, host="localhost"))
    assert f"Host: localhost:{server.port}\r\n" in server.heads[0]


async def test_letters_of_a_path_are_encoded(server: Server, fetcher: GuardedFetcher) -> None:
    server.replies["/%C3%A9/%20"] = ok(b"x")
    assert (await fetcher.get(at(server, "/é/%20"))).content == b"x"


async def test_an_answer_without_length_ends_with_the_connection(
    server: Server, fetcher: GuardedFetcher
) -> None:
    server.replies["/"] = b"HTTP/1.0 200 OK\r\n\r\nall of it"
    got = await fetcher.get(at(server))
    assert (got.content, got.media_type) == (b"all of it", "application/octet-stream")


async def test_a_proxy_of_the_environment_is_not_used(
    server: Server, fetcher: GuardedFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
            monkeypatch.setenv(name, at(proxy))
        server.replies["/"] = ok(b"direct")
        assert (await fetcher.get(at(server))).content == b"direct"
        assert proxy.connections == 0


async def test_post_gives_any_answer(server: Server, fetcher: GuardedFetcher) -> None:
    server.replies["/hook"] = b"HTTP/1.1 410 Gone\r\nContent-Length: 2\r\n\r\nno"
    server.replies["/moved"] = moved("http://127.0.0.1/")
    server.replies["/long"] = ok(b"x" * (LARGEST_REPLY + 9))
    got = await fetcher.post(at(server, "/hook"), b"{}", {"Content-Type": "application/json"})
    assert (got.status, got.content) == (410, b"no")
    assert "Content-Length: 2\r\n" in server.heads[0]
    assert (await fetcher.post(at(server, "/moved"), b"", {})).status == 302
    assert len((await fetcher.post(at(server, "/long"), b"", {})).content) == LARGEST_REPLY
    assert server.connections == 3


# --- TLS ----------------------------------------------------------------------------------------


async def test_https_is_verified(secure: Server, certificate: Path) -> None:
    secure.replies["/"] = ok(b"secret")
    url = at(secure, scheme="https")
    assert await refusal(fetcher_for(secure), url) == UNREACHABLE
    knowing = fetcher_for(secure, ca_file=str(certificate))
    assert (await knowing.get(url)).content == b"secret"
    assert (await knowing.get(at(secure, host="localhost", scheme="https"))).status == 200
    assert await refusal(knowing, at(secure, host="127.0.0.2", scheme="https")) == UNREACHABLE


async def test_only_https_if_the_operator_says_so(secure: Server, certificate: Path) -> None:
    secure.replies["/"] = ok(b"x")
    async with serving() as plain:
        strict = fetcher_for(secure, plain, ca_file=str(certificate), https_only=True)
        assert await refusal(strict, at(plain)) == UNREACHABLE
        assert (await strict.get(at(secure, scheme="https"))).content == b"x"
        assert plain.connections == 0


async def test_https_never_leads_to_http(server: Server, secure: Server, certificate: Path) -> None:
    secure.replies["/"] = moved(at(server))
    server.replies["/"] = ok(b"x")
    both = fetcher_for(server, secure, ca_file=str(certificate))
    assert await refusal(both, at(secure, scheme="https")) == UNREACHABLE
    assert server.connections == 0


# --- redirects ----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed(server: Server, fetcher: GuardedFetcher, status: int) -> None:
    server.replies["/a"] = moved("b/c?d=e#f", status)
    server.replies["/b/c?d=e"] = ok(b"there")
    assert (await fetcher.get(at(server, "/a"))).content == b"there"


async def test_three_redirects_and_no_more(server: Server, fetcher: GuardedFetcher) -> None:
    for number in range(4):
        server.replies[f"/{number}"] = moved(f"/{number + 1}")
    server.replies["/4"] = ok(b"x")
    assert (await fetcher.get(at(server, "/1"))).content == b"x"
    assert await refusal(fetcher, at(server, "/0")) == "it redirects more than 3 times"
    assert server.connections == 8


async def test_another_host_is_told_nothing(server: Server) -> None:
    async with serving("127.0.0.3") as other:
        server.replies["/"] = moved(at(other, host="127.0.0.3"))
        other.replies["/"] = ok(b"x")
        await fetcher_for(server, other).get(at(server))
        assert "127.0.0.1" not in other.heads[0]
        assert "cookie" not in other.heads[0].lower()


# --- what is cut --------------------------------------------------------------------------------


async def test_a_large_answer_is_refused_by_its_head(
    server: Server, fetcher: GuardedFetcher
) -> None:
    server.replies["/"] = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"
    assert await refusal(fetcher, at(server), 10) == "it is larger than the 10 bytes that are taken"


async def endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        await writer.drain()


async def test_an_endless_answer_is_cut(server: Server, fetcher: GuardedFetcher) -> None:
    server.replies["/"] = endless
    assert "larger than the 1000000 bytes" in await refusal(fetcher, at(server), 1_000_000)


async def test_the_operators_limit_is_the_last_word(server: Server) -> None:
    server.replies["/"] = ok(b"x" * 2000)
    small = fetcher_for(server, most=1000)
    assert "larger than the 1000 bytes" in await refusal(small, at(server), 10_000)
    assert "larger than the 1000 bytes" in await refusal(small, at(server))


async def drip(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def drip_head(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X: y\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def silence(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def continues(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("reply", [drip, drip_head, silence, continues])
async def test_slowness_is_cut(server: Server, reply: Reply) -> None:
    server.replies["/"] = reply
    loop = asyncio.get_running_loop()
    start = loop.time()
    assert await refusal(fetcher_for(server, seconds=0.5), at(server)) == UNREACHABLE
    assert loop.time() - start < 3


async def huge_head(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-Long: " + b"y" * 8000 + b"\r\n")
        await writer.drain()


BOMB = gzip.compress(bytes(50 << 20))
NOT_HTTP: dict[str, Reply] = {
    "a huge head": huge_head,
    "one long line": b"HTTP/1.1 200 " + b"a" * 100_000,
    "nothing": b"",
    "no HTTP": b"SSH-2.0-OpenSSH_9.9\r\n",
    "too little": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx",
    "a bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nxx",
    "half a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nxx",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    "a coded transfer": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "another protocol": b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "a redirect to nowhere": moved("http://["),
}


@pytest.mark.parametrize("reply", NOT_HTTP.values(), ids=NOT_HTTP)
async def test_what_is_no_good_answer(
    server: Server, fetcher: GuardedFetcher, reply: Reply
) -> None:
    server.replies["/"] = reply
    assert await refusal(fetcher, at(server)) == UNREACHABLE


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "zstd", "GZIP", "identity, gzip"])
async def test_a_compressed_answer_is_not_read(
    server: Server, fetcher: GuardedFetcher, coding: str
) -> None:
    server.replies["/"] = ok(BOMB, "text/plain", f"Content-Encoding: {coding}")
    assert "compressed" in await refusal(fetcher, at(server))


async def test_a_bomb_is_bytes_like_others(server: Server, fetcher: GuardedFetcher) -> None:
    """A compressed file is a file: nobody unpacks it."""
    server.replies["/"] = ok(BOMB, "application/gzip")
    assert (await fetcher.get(at(server))).content == BOMB


@pytest.mark.parametrize("status", [204, 206, 304, 400, 401, 403, 404, 410, 500, 503])
async def test_other_answers(server: Server, fetcher: GuardedFetcher, status: int) -> None:
    server.replies["/"] = f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode()
    if status == 204:
        assert (await fetcher.get(at(server))).content == b""
    else:
        assert await refusal(fetcher, at(server)) == f"it answered with the status {status}"


# --- no oracle, and a share for each ------------------------------------------------------------


async def test_closed_forbidden_and_unknown_sound_alike(server: Server) -> None:
    closed = Server(port=free_port())
    here = fetcher_for(server, closed)
    public = GuardedFetcher(Policy(ports=frozenset({server.port, closed.port})))
    words = {
        await refusal(here, at(closed)),
        await refusal(public, at(server)),
        await refusal(public, at(closed)),
        await refusal(here, f"http://127.0.0.1:{free_port()}/"),
        await refusal(here, at(server, host="no-such-host.invalid")),
    }
    assert words == {UNREACHABLE}
    assert server.connections == 0


async def test_a_check_asks_nobody(server: Server, fetcher: GuardedFetcher) -> None:
    fetcher.check(at(server))
    with pytest.raises(NotFetched, match=UNREACHABLE):
        fetcher.check("http://10.0.0.1/")
    assert server.connections == 0


async def test_one_account_cannot_take_every_place(server: Server) -> None:
    fetcher = fetcher_for(server, at_once=3, at_once_each=2, seconds=20)
    hold, arrived = asyncio.Event(), asyncio.Semaphore(0)

    async def held(writer: asyncio.StreamWriter) -> None:
        arrived.release()
        await hold.wait()
        writer.write(ok(b"x"))
        await writer.drain()

    server.replies["/held"], server.replies["/quick"] = held, ok(b"quick")
    greedy = [asyncio.create_task(fetcher.get(at(server, "/held"), by="greedy")) for _ in range(9)]
    for _ in range(2):
        await arrived.acquire()
    assert (await fetcher.get(at(server, "/quick"), by="modest")).content == b"quick"
    assert server.connections == 3
    hold.set()
    assert [got.content for got in await asyncio.gather(*greedy)] == [b"x"] * 9


async def test_callbacks_that_hang_keep_nobody_from_fetching(server: Server) -> None:
    fetcher = fetcher_for(server, at_once=1, seconds=5)
    server.replies["/hangs"], server.replies["/quick"] = silence, ok(b"quick")
    hanging = asyncio.create_task(fetcher.post(at(server, "/hangs"), b"", {}, by="a"))
    await server.arrived.wait()
    assert (await fetcher.get(at(server, "/quick"), by="b")).content == b"quick"
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging


async def test_waiting_for_a_place_has_an_end(server: Server) -> None:
    fetcher = fetcher_for(server, at_once=1, seconds=0.5)
    server.replies["/"] = silence
    async with asyncio.timeout(5):
        got = await asyncio.gather(*(refusal(fetcher, at(server)) for _ in range(20)))
    assert set(got) == {UNREACHABLE}
    assert server.connections < 20
