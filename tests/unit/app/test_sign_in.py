import asyncio
from base64 import b64encode
from dataclasses import dataclass
from typing import Any, cast

import pytest

from openccp.app.authenticate import Authenticate
from openccp.app.sign_in import UMA_TICKET, GrantRefused, SignIn, TokenRequest
from openccp.core.access import Role
from openccp.core.identity import TokenLifetimes, new_secret, secret_digest
from openccp.core.stores import Account, Credential
from openccp.identity.accounts import add_account, create_sign_in, issue_personal_token
from openccp.identity.keys import load_keys
from openccp.identity.passwords import Argon2Hasher
from openccp.identity.throttle import Buckets
from openccp.identity.tokens import Signer
from openccp.testing.accounts import MemoryAccounts, SetClock

PASSWORD = "correct horse"
VRE = "/vo/vre"
ENCODED = "%2Fvo%2Fvre"
CLIENT = "ccp-client-id"
HASHER = Argon2Hasher(memory_kib=64, passes=1)
DENIED = (403, "access_denied", "not_authorized")


@dataclass
class Desk:
    """A platform to sign in at, and the requests of its tests."""

    accounts: MemoryAccounts
    clock: SetClock
    sign_in: SignIn
    authenticate: Authenticate
    ada: Account

    async def ask(
        self,
        grant: str,
        authorization: str | None = None,
        header: str | None = None,
        address: str = "192.0.2.1",
        **form: str,
    ) -> dict[str, Any]:
        request = TokenRequest({"grant_type": grant, **form}, authorization, header, address)
        return cast("dict[str, Any]", await self.sign_in.token(request))

    async def login(self, **more: str) -> dict[str, Any]:
        form = {"client_id": CLIENT, "username": "ada", "password": PASSWORD}
        return await self.ask("password", **{**form, **more})

    async def refresh(self, token: str, **more: str) -> dict[str, Any]:
        form = {"client_id": CLIENT, "refresh_token": token}
        return await self.ask("refresh_token", **{**form, **more})

    async def uma(self, token: str, **more: str) -> dict[str, Any]:
        return await self.ask(UMA_TICKET, f"Bearer {token}", **{"audience": VRE, **more})

    async def contexts(self, answer: dict[str, Any]) -> frozenset[str]:
        return (await self.authenticate("Bearer " + answer["access_token"])).contexts

    def claims(self, answer: dict[str, Any]) -> dict[str, Any]:
        return dict(self.sign_in.signer.verify(answer["access_token"], self.clock.now))


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return Signer("http://127.0.0.1:8080", load_keys(tmp_path_factory.mktemp("keys")))


@pytest.fixture
async def desk(signer: Signer) -> Desk:
    accounts, clock = MemoryAccounts(), SetClock()
    ada = await add_account(accounts, HASHER, "ada", PASSWORD, Role.USER, clock.now)
    await add_account(accounts, HASHER, "robot", None, Role.USER, clock.now)
    await accounts.add_context(VRE, "A VRE")
    await accounts.add_member(VRE, ada.id)
    await accounts.add_context("closed", "Somebody else's")
    sign_in = SignIn(accounts, signer, HASHER, Buckets(), clock)
    return Desk(accounts, clock, sign_in, Authenticate(accounts, signer, clock), ada)


def reason(refused: pytest.ExceptionInfo[GrantRefused]) -> tuple[int, str, str]:
    return refused.value.status, refused.value.error, refused.value.description


# --- password ---------------------------------------------------------------------------------


async def test_a_password_gives_a_token_shaped_as_keycloaks(desk: Desk) -> None:
    answer = await desk.login()
    assert answer["token_type"] == "Bearer"
    assert (answer["expires_in"], answer["refresh_expires_in"]) == (300, 1800)
    claims = desk.claims(answer)
    assert claims["preferred_username"] == "ada"
    assert claims["azp"] == CLIENT
    assert claims["exp"] - claims["iat"] == 300
    assert await desk.contexts(answer) == {"default", VRE}


@pytest.mark.parametrize("sent", [VRE, ENCODED, ENCODED.lower()])
@pytest.mark.parametrize("where", ["header", "scope"])
async def test_the_two_newer_ways_to_name_the_context(desk: Desk, sent: str, where: str) -> None:
    value = sent if where == "header" else f"openid d4s-context:{sent} offline_access"
    answer = await desk.login(**{where: value})
    assert desk.claims(answer)["aud"] == (ENCODED,)
    assert desk.claims(answer)["resource_access"] == {ENCODED: {"roles": ["Member"]}}
    assert await desk.contexts(answer) == {VRE}
    assert await desk.contexts(await desk.refresh(answer["refresh_token"])) == {VRE}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"password": "wrong"}, (401, "invalid_grant", "Invalid user credentials")),
        ({"password": "x" * 5000}, (401, "invalid_grant", "Invalid user credentials")),
        ({"username": "nobody"}, (401, "invalid_grant", "Invalid user credentials")),
        ({"username": "robot"}, (401, "invalid_grant", "Invalid user credentials")),
        ({"username": "ad\x00a"}, (401, "invalid_grant", "Invalid user credentials")),
        ({"username": "?"}, (401, "invalid_grant", "Invalid user credentials")),
        ({"username": ""}, (400, "invalid_request", "Missing form parameter: username")),
        ({"password": ""}, (400, "invalid_request", "Missing form parameter: password")),
        (
            {"client_id": "another"},
            (401, "invalid_client", "Invalid client or Invalid client credentials"),
        ),
        ({"header": "closed"}, DENIED),
        ({"header": "nowhere"}, DENIED),
        ({"header": ""}, DENIED),
        ({"header": "%252Fvo%252Fvre"}, DENIED),
        (
            {"header": VRE, "scope": "d4s-context:default"},
            (400, "invalid_scope", "Two different contexts are named"),
        ),
    ],
    ids=str,
)
async def test_refusals_of_the_password_grant(
    desk: Desk, changed: dict[str, str], expected: tuple[int, str, str]
) -> None:
    with pytest.raises(GrantRefused) as refused:
        await desk.login(**changed)
    assert reason(refused) == expected


@pytest.mark.parametrize("grant", ["authorization_code", "Password", "__class__"])
async def test_grants_there_are_not(desk: Desk, grant: str) -> None:
    with pytest.raises(GrantRefused, match="Unsupported") as refused:
        await desk.ask(grant)
    assert refused.value.error == "unsupported_grant_type"


async def test_a_hundred_guesses_meet_the_throttle(desk: Desk) -> None:
    refused = await asyncio.gather(
        *(desk.login(password=f"guess {n}") for n in range(100)), return_exceptions=True
    )
    statuses = [one.status for one in refused if isinstance(one, GrantRefused)]
    assert statuses.count(401) == 10
    assert statuses.count(429) == 90
    waits = {one.retry_after for one in refused if isinstance(one, GrantRefused)}
    assert waits == {None, 30}
    with pytest.raises(GrantRefused):
        await desk.login()
    assert await desk.login(address="198.51.100.7")
    desk.clock.now += 30
    assert await desk.login()


async def test_a_hundred_logins_at_once_all_succeed(desk: Desk) -> None:
    answers = await asyncio.gather(*(desk.login() for _ in range(100)))
    assert len({answer["refresh_token"] for answer in answers}) == 100


# --- refresh ----------------------------------------------------------------------------------


async def test_a_refresh_token_is_good_once_and_its_reuse_ends_the_family(desk: Desk) -> None:
    first = await desk.login()
    other = await desk.login()
    second = await desk.refresh(first["refresh_token"])
    third = await desk.refresh(second["refresh_token"])
    for stolen in (first, third, second):
        with pytest.raises(GrantRefused, match="Invalid refresh token"):
            await desk.refresh(stolen["refresh_token"])
    assert await desk.refresh(other["refresh_token"])


async def test_a_race_of_two_refreshes_leaves_no_live_token_of_the_family(desk: Desk) -> None:
    first = await desk.login()
    answers = await asyncio.gather(
        *(desk.refresh(first["refresh_token"]) for _ in range(5)), return_exceptions=True
    )
    for answer in answers:
        if isinstance(answer, dict):
            with pytest.raises(GrantRefused):
                await desk.refresh(answer["refresh_token"])
    assert await desk.accounts.credentials(desk.ada.id, Credential.REFRESH) == []


async def test_a_used_token_betrays_a_thief_even_when_it_is_old(desk: Desk) -> None:
    first = await desk.login()
    desk.clock.now += 1799
    second = await desk.refresh(first["refresh_token"])
    desk.clock.now += 1
    for token in (first, second):
        with pytest.raises(GrantRefused, match="Invalid refresh token"):
            await desk.refresh(token["refresh_token"])


async def test_a_refresh_token_is_its_clients_own(desk: Desk, signer: Signer) -> None:
    clients = frozenset({CLIENT, "gateway"})
    desk.sign_in = SignIn(desk.accounts, signer, HASHER, Buckets(), desk.clock, clients=clients)
    token = (await desk.login(client_id="gateway"))["refresh_token"]
    with pytest.raises(GrantRefused, match="Invalid refresh token"):
        await desk.refresh(token)
    assert await desk.refresh(token, client_id="gateway")


async def test_a_refresh_token_ends(desk: Desk) -> None:
    answer = await desk.login()
    desk.clock.now += 1800
    with pytest.raises(GrantRefused, match="Invalid refresh token"):
        await desk.refresh(answer["refresh_token"])


async def test_a_refresh_token_may_name_a_context_and_is_not_bound_by_that(desk: Desk) -> None:
    answer = await desk.refresh((await desk.login())["refresh_token"], header=ENCODED)
    assert await desk.contexts(answer) == {VRE}
    answer = await desk.refresh(answer["refresh_token"], header="default")
    assert await desk.contexts(answer) == {"default"}


async def test_a_refused_context_does_not_cost_the_refresh_token(desk: Desk) -> None:
    token = (await desk.login(header=VRE))["refresh_token"]
    with pytest.raises(GrantRefused) as refused:
        await desk.refresh(token, header="default")
    assert reason(refused) == DENIED
    assert await desk.refresh(token)


async def test_what_is_no_refresh_token(desk: Desk) -> None:
    access = await desk.login()
    personal = await issue_personal_token(desk.accounts, desk.ada, "x", None, desk.clock.now)
    for token in ("x", access["access_token"], personal, new_secret(Credential.REFRESH)):
        with pytest.raises(GrantRefused) as refused:
            await desk.refresh(token)
        assert reason(refused) == (400, "invalid_grant", "Invalid refresh token")


async def test_a_refresh_token_is_no_access_token(desk: Desk) -> None:
    with pytest.raises(GrantRefused) as refused:
        await desk.uma((await desk.login())["refresh_token"])
    assert reason(refused) == (401, "invalid_grant", "Invalid bearer token")


# --- client credentials -----------------------------------------------------------------------


def basic(name: str, secret: str) -> str:
    return "Basic " + b64encode(f"{name}:{secret}".encode()).decode()


async def test_a_service_signs_in_with_its_name_and_a_personal_token(desk: Desk) -> None:
    token = await issue_personal_token(desk.accounts, desk.ada, "x", None, desk.clock.now)
    for answer in (
        await desk.ask("client_credentials", client_id="ada", client_secret=token),
        await desk.ask("client_credentials", basic("ada", token)),
        await desk.ask(UMA_TICKET, basic("ada", token), audience=VRE),
        await desk.ask(UMA_TICKET, client_id="ada", client_secret=token, audience=VRE),
        await desk.uma(token),
    ):
        assert "refresh_token" not in answer
        assert VRE in await desk.contexts(answer)


async def test_a_token_for_one_context_gives_none_in_another(desk: Desk) -> None:
    token = await issue_personal_token(desk.accounts, desk.ada, "x", None, desk.clock.now, VRE)
    answer = await desk.ask("client_credentials", basic("ada", token))
    assert await desk.contexts(answer) == {VRE}
    with pytest.raises(GrantRefused) as refused:
        await desk.ask("client_credentials", basic("ada", token), header="default")
    assert reason(refused) == DENIED


async def test_wrong_client_credentials(desk: Desk) -> None:
    token = await issue_personal_token(desk.accounts, desk.ada, "x", None, desk.clock.now)
    for authorization in (
        basic("robot", token),
        basic("ada", PASSWORD),
        basic("ada", new_secret(Credential.PERSONAL)),
        basic("", ""),
        "Basic",
        "Basic \xff",
        "Basic " + b64encode(b"\xff\xfe").decode(),
        None,
    ):
        with pytest.raises(GrantRefused) as refused:
            await desk.ask("client_credentials", authorization)
        assert reason(refused)[:2] == (401, "invalid_client")


# --- UMA --------------------------------------------------------------------------------------


@pytest.mark.parametrize("audience", [VRE, ENCODED, ENCODED.lower()])
async def test_an_rpt_outlives_the_longest_job_and_holds_one_context(
    desk: Desk, audience: str
) -> None:
    rpt = await desk.uma((await desk.login())["access_token"], audience=audience)
    assert rpt["upgraded"] is False
    assert rpt["expires_in"] == TokenLifetimes().rpt_seconds == 7 * 86400
    claims = desk.claims(rpt)
    assert claims["aud"] == (ENCODED,)
    assert claims["authorization"] == {"permissions": [{"rsid": VRE, "rsname": VRE}]}
    desk.clock.now += 7 * 86400 - 1
    assert await desk.contexts(rpt) == {VRE}


async def test_other_response_modes(desk: Desk) -> None:
    token = (await desk.login())["access_token"]
    assert await desk.uma(token, response_mode="decision") == {"result": True}
    permissions: Any = await desk.uma(token, response_mode="permissions")
    assert permissions == [{"rsid": VRE, "rsname": VRE}]
    with pytest.raises(GrantRefused) as refused:
        await desk.uma(token, response_mode="else")
    assert refused.value.error == "invalid_request"


@pytest.mark.parametrize("audience", ["closed", "nowhere", "%", "%252Fvo%252Fvre", "/VO/VRE"])
@pytest.mark.parametrize("mode", [{}, {"response_mode": "decision"}])
async def test_a_closed_context_and_none_look_the_same(
    desk: Desk, audience: str, mode: dict[str, str]
) -> None:
    token = (await desk.login())["access_token"]
    with pytest.raises(GrantRefused) as refused:
        await desk.uma(token, audience=audience, **mode)
    assert reason(refused) == DENIED


async def test_a_token_for_one_context_is_no_way_into_another(desk: Desk) -> None:
    token = (await desk.login(header="default"))["access_token"]
    with pytest.raises(GrantRefused) as refused:
        await desk.uma(token)
    assert reason(refused) == DENIED


async def test_an_rpt_is_not_exchanged_for_a_younger_one(desk: Desk) -> None:
    rpt = await desk.uma((await desk.login())["access_token"])
    with pytest.raises(GrantRefused, match="Invalid bearer token"):
        await desk.uma(rpt["access_token"])


async def test_an_old_access_token_gives_no_rpt(desk: Desk) -> None:
    token = (await desk.login())["access_token"]
    desk.clock.now += 331
    with pytest.raises(GrantRefused, match="Invalid bearer token"):
        await desk.uma(token)


# --- the browser's session --------------------------------------------------------------------


async def test_a_sign_in_secret_is_spent_by_exactly_one(desk: Desk) -> None:
    secret = await create_sign_in(desk.accounts, desk.ada.id, desk.clock.now)
    opened = await asyncio.gather(*(desk.sign_in.open_session(secret) for _ in range(20)))
    (session,) = [one for one in opened if one is not None]
    assert (await desk.authenticate(None, session)).name == "ada"
    assert await desk.sign_in.open_session(secret) is None


async def test_a_sign_in_secret_lives_ten_minutes(desk: Desk) -> None:
    secret = await create_sign_in(desk.accounts, desk.ada.id, desk.clock.now)
    desk.clock.now += 600
    assert await desk.sign_in.open_session(secret) is None


async def test_signing_in_again_and_signing_out_end_a_session(desk: Desk) -> None:
    first, second = [
        await create_sign_in(desk.accounts, desk.ada.id, desk.clock.now) for _ in range(2)
    ]
    old = await desk.sign_in.open_session(first)
    new = await desk.sign_in.open_session(second, replaced=old)
    assert old is not None
    assert new is not None
    assert await desk.accounts.credential(secret_digest(old)) is None
    await desk.sign_in.close_session(new)
    assert await desk.accounts.credential(secret_digest(new)) is None


async def test_signing_out_revokes_nothing_but_sessions(desk: Desk) -> None:
    token = await issue_personal_token(desk.accounts, desk.ada, "x", None, desk.clock.now)
    await desk.sign_in.close_session(token)
    assert await desk.accounts.credential(secret_digest(token)) is not None


def test_a_request_prints_no_secret() -> None:
    request = TokenRequest({"password": "hunter2"}, "Basic aHVudGVyMg==")
    assert "hunter2" not in repr(request)
    assert "aHVudGVyMg" not in repr(request)
