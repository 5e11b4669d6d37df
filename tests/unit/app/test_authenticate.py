from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from openccp.app.authenticate import CACHE_SECONDS, Authenticate, check_own_origin
from openccp.core.access import Role, Who
from openccp.core.identity import new_secret, secret_digest
from openccp.core.problems import Forbidden, NotAuthenticated
from openccp.core.stores import Account, Credential, StoredCredential
from openccp.identity.accounts import create_sign_in, issue_personal_token
from openccp.identity.keys import load_keys
from openccp.identity.tokens import Signer
from openccp.testing.accounts import MemoryAccounts, SetClock

ISSUER = "http://127.0.0.1:8080"
VRE = "/vo/vre"
HOST = "ccp.example.org"


@dataclass
class Platform:
    accounts: MemoryAccounts
    signer: Signer
    clock: SetClock
    authenticate: Authenticate
    ada: Account

    def jwt(self, **claims: Any) -> str:
        now = int(self.clock.now)
        shape = {"exp": now + 300, "iat": now, "sub": self.ada.id, "aud": ISSUER, "typ": "Bearer"}
        return "Bearer " + self.signer.sign({**shape, **claims})

    async def personal(self, expires: float | None = None, context: str | None = None) -> str:
        token = await issue_personal_token(
            self.accounts, self.ada, "laptop", expires, self.clock.now, context
        )
        return "Bearer " + token

    async def session(self) -> str:
        secret = new_secret(Credential.SESSION)
        expires = self.clock.now + 3600
        await self.accounts.add_credential(
            StoredCredential(
                secret_digest(secret), Credential.SESSION, self.ada.id, self.clock.now, expires
            )
        )
        return secret


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    folder: Path = tmp_path_factory.mktemp("keys")
    return Signer(ISSUER, load_keys(folder))


@pytest.fixture
async def platform(signer: Signer) -> Platform:
    accounts, clock = MemoryAccounts(), SetClock()
    ada = Account("id-ada", "ada", Role.USER, clock.now)
    await accounts.add_account(ada)
    await accounts.add_account(Account("id-bob", "bob", Role.ADMIN, clock.now))
    await accounts.add_context(VRE, "A VRE")
    await accounts.add_member(VRE, ada.id)
    await accounts.add_context("closed", "Somebody else's")
    return Platform(accounts, signer, clock, Authenticate(accounts, signer, clock), ada)


EVERYWHERE = Who("id-ada", "ada", frozenset({"default", VRE}))


async def test_a_token_for_us_is_good_in_all_contexts_of_the_account(platform: Platform) -> None:
    assert await platform.authenticate(platform.jwt()) == EVERYWHERE


async def test_a_personal_token_and_a_session_are_too(platform: Platform) -> None:
    assert await platform.authenticate(await platform.personal()) == EVERYWHERE
    assert await platform.authenticate(None, await platform.session()) == EVERYWHERE


async def test_the_role_comes_from_the_account_not_from_the_token(platform: Platform) -> None:
    roles = {"realm_access": {"roles": ["admin"]}, "resource_access": {"x": {"roles": ["admin"]}}}
    assert (await platform.authenticate(platform.jwt(**roles))).role is Role.USER
    assert (await platform.authenticate(platform.jwt(sub="id-bob"))).role is Role.ADMIN


@pytest.mark.parametrize(
    ("audience", "contexts"),
    [
        ("default", {"default"}),
        (VRE, {VRE}),
        ("%2Fvo%2Fvre", {VRE}),
        ("%2fvo%2fvre", {VRE}),
        ("%2Fvo/vre", {VRE}),
        (["%2Fvo%2Fvre"], {VRE}),
        ([ISSUER, "%2Fvo%2Fvre"], {VRE}),
        (["account", "%2fvo%2fvre"], {VRE}),
        (["default", "%2Fvo%2Fvre"], {"default", VRE}),
        ([ISSUER], {"default", VRE}),
        ("%252Fvo%252Fvre", None),
        ("closed", None),
        ("account", None),
        ("/VO/VRE", None),
        ("/vo", None),
        ("/vo/vre/", None),
        ([ISSUER, "closed"], None),
    ],
    ids=lambda value: "-".join(sorted(value)) if isinstance(value, set) else str(value),
)
async def test_audience_forms(
    platform: Platform, audience: object, contexts: set[str] | None
) -> None:
    token = platform.jwt(aud=audience)
    if contexts is None:
        with pytest.raises(Forbidden):
            await platform.authenticate(token)
    else:
        assert (await platform.authenticate(token)).contexts == contexts


@pytest.mark.parametrize("sent", [VRE, "%2Fvo%2Fvre", "%2fvo%2fvre"])
async def test_the_header_chooses_among_the_contexts(platform: Platform, sent: str) -> None:
    chosen = replace(EVERYWHERE, contexts=frozenset({VRE}), context=VRE)
    assert await platform.authenticate(platform.jwt(), context=sent) == chosen
    assert await platform.authenticate(platform.jwt(aud=VRE), context=sent) == chosen


@pytest.mark.parametrize(
    ("audience", "sent"),
    [(ISSUER, "closed"), (ISSUER, "nowhere"), (ISSUER, ""), (VRE, "default"), ("default", VRE)],
)
async def test_the_header_gives_no_context_that_the_token_does_not(
    platform: Platform, audience: str, sent: str
) -> None:
    with pytest.raises(Forbidden):
        await platform.authenticate(platform.jwt(aud=audience), context=sent)


async def test_a_personal_token_for_one_context(platform: Platform) -> None:
    token = await platform.personal(context=VRE)
    assert (await platform.authenticate(token)).contexts == {VRE}
    with pytest.raises(Forbidden):
        await platform.authenticate(token, context="default")


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "Bearer x",
        "Bearer ccp_",
        "bearer " + new_secret(Credential.PERSONAL),
        "Bearer " + new_secret(Credential.SESSION),
        "Token abc",
        "Bearer \udc80\x00",
    ],
    ids=range(10),
)
async def test_what_is_no_token(platform: Platform, authorization: str) -> None:
    with pytest.raises(NotAuthenticated) as refused:
        await platform.authenticate(authorization, await platform.session())
    assert refused.value.headers["WWW-Authenticate"].startswith("Bearer")


async def test_nothing_at_all(platform: Platform) -> None:
    with pytest.raises(NotAuthenticated):
        await platform.authenticate(None)
    with pytest.raises(NotAuthenticated):
        await platform.authenticate(None, "")


async def test_each_secret_is_good_for_its_own_use_only(platform: Platform) -> None:
    session = await platform.session()
    personal = (await platform.personal()).removeprefix("Bearer ")
    sign_in = await create_sign_in(platform.accounts, platform.ada.id, platform.clock.now)
    with pytest.raises(NotAuthenticated):
        await platform.authenticate("Bearer " + session)
    with pytest.raises(NotAuthenticated):
        await platform.authenticate("Bearer " + sign_in)
    for cookie in (personal, sign_in, platform.jwt().removeprefix("Bearer ")):
        with pytest.raises(NotAuthenticated):
            await platform.authenticate(None, cookie)


async def test_what_cannot_be_a_secret_of_ours_costs_no_look_up(platform: Platform) -> None:
    personal = await platform.personal()
    platform.accounts.reads = 0
    for mistyped in (personal[:-1] + "g", personal[:-1], personal + "0"):
        with pytest.raises(NotAuthenticated):
            await platform.authenticate(mistyped)
    for cookie in ("x", personal.removeprefix("Bearer ")):
        with pytest.raises(NotAuthenticated):
            await platform.authenticate(None, cookie)
    assert platform.accounts.reads == 0


@pytest.mark.parametrize("changed", [{"kind": Credential.REFRESH}, {"spent": 1.0}], ids=str)
async def test_what_is_stored_for_another_use_or_spent(
    platform: Platform, changed: dict[str, Any]
) -> None:
    token = await platform.personal()
    (stored,) = await platform.accounts.credentials(platform.ada.id, Credential.PERSONAL)
    await platform.accounts.add_credential(replace(stored, **changed))
    with pytest.raises(NotAuthenticated):
        await platform.authenticate(token)


async def test_tokens_end_even_while_remembered(platform: Platform) -> None:
    personal = await platform.personal(expires=platform.clock.now + 5)
    assert await platform.authenticate(personal)
    platform.clock.now += 5
    with pytest.raises(NotAuthenticated):
        await platform.authenticate(personal)


async def test_a_new_password_voids_what_was_signed_before(platform: Platform) -> None:
    before = platform.jwt(authorization={"permissions": []}, aud=VRE)
    await platform.authenticate(before)
    personal = await platform.personal()
    platform.clock.now += 1
    await platform.accounts.set_password(platform.ada.id, "new", platform.clock.now)
    platform.authenticate.forget()
    with pytest.raises(NotAuthenticated):
        await platform.authenticate(before)
    platform.clock.now += 1
    assert await platform.authenticate(platform.jwt()) == EVERYWHERE
    assert await platform.authenticate(personal) == EVERYWHERE


async def test_a_jwt_ends_after_its_leeway(platform: Platform) -> None:
    token = platform.jwt(exp=platform.clock.now + 5)
    assert await platform.authenticate(token)
    platform.clock.now += 34.9
    assert await platform.authenticate(token)
    platform.clock.now += 0.1
    with pytest.raises(NotAuthenticated):
        await platform.authenticate(token)


# --- what is remembered, and for how long -----------------------------------------------------


async def test_a_remembered_caller_costs_no_look_up(platform: Platform) -> None:
    tokens = [platform.jwt(), await platform.personal()]
    session = await platform.session()
    for _ in range(3):
        for token in tokens:
            await platform.authenticate(token)
        await platform.authenticate(None, session)
        platform.accounts.reads, reads = 0, platform.accounts.reads
    assert reads == 0


async def test_a_removed_member_is_out_within_ten_seconds(platform: Platform) -> None:
    first, second = platform.jwt(aud=VRE), platform.jwt(aud=VRE, jti="2")
    await platform.authenticate(first)
    platform.accounts.remove_member(VRE, platform.ada.id)
    platform.clock.now += CACHE_SECONDS / 2
    await platform.authenticate(second)
    platform.clock.now += CACHE_SECONDS / 2
    for token in (first, second):
        with pytest.raises(Forbidden):
            await platform.authenticate(token)


async def test_a_removed_account_is_out_within_ten_seconds(platform: Platform) -> None:
    token = platform.jwt()
    await platform.authenticate(token)
    platform.accounts.remove_account(platform.ada.id)
    platform.clock.now += CACHE_SECONDS
    with pytest.raises(NotAuthenticated):
        await platform.authenticate(token)


async def test_a_revoked_token_is_out_within_ten_seconds_or_at_once(platform: Platform) -> None:
    for at_once in (False, True):
        token = await platform.personal()
        await platform.authenticate(token)
        await platform.accounts.revoke(secret_digest(token.removeprefix("Bearer ")))
        if at_once:
            platform.authenticate.forget()
        else:
            platform.clock.now += CACHE_SECONDS
        with pytest.raises(NotAuthenticated):
            await platform.authenticate(token)


async def test_a_remembered_caller_takes_microseconds(platform: Platform) -> None:
    for token in (platform.jwt(), await platform.personal()):
        await platform.authenticate(token)
        best = min([await _seconds_for_1000(platform.authenticate, token) for _ in range(5)])
        assert best / 1000 < 50e-6


async def _seconds_for_1000(authenticate: Authenticate, token: str) -> float:
    begin = perf_counter()
    for _ in range(1000):
        await authenticate(token)
    return perf_counter() - begin


# --- S-13: requests that a foreign page makes with our cookie ---------------------------------


@pytest.mark.parametrize(
    ("fetch_site", "origin"),
    [
        ("same-origin", None),
        ("none", None),
        ("same-origin", f"https://{HOST}"),
        (None, f"https://{HOST}"),
        (None, f"http://{HOST.upper()}"),
    ],
)
async def test_our_own_pages_may_change_things(
    platform: Platform, fetch_site: str | None, origin: str | None
) -> None:
    await platform.authenticate(
        None,
        await platform.session(),
        unsafe=True,
        fetch_site=fetch_site,
        origin=origin,
        host=HOST,
    )


@pytest.mark.parametrize(
    ("fetch_site", "origin"),
    [
        (None, None),
        ("cross-site", None),
        ("same-site", None),
        ("", f"https://{HOST}"),
        ("cross-site", f"https://{HOST}"),
        (None, "null"),
        (None, ""),
        (None, HOST),
        (None, f"https://{HOST}.evil.org"),
        (None, f"https://evil.org/{HOST}"),
        (None, f"https://evil.org@{HOST}"),
        (None, f"https://{HOST}:8443"),
    ],
)
async def test_foreign_pages_may_not(
    platform: Platform, fetch_site: str | None, origin: str | None
) -> None:
    session = await platform.session()
    await platform.authenticate(None, session)
    with pytest.raises(Forbidden):
        await platform.authenticate(
            None, session, unsafe=True, fetch_site=fetch_site, origin=origin, host=HOST
        )


def test_no_host_is_nobodys() -> None:
    with pytest.raises(Forbidden):
        check_own_origin(None, "https://", "")


async def test_a_token_in_the_header_needs_no_origin(platform: Platform) -> None:
    await platform.authenticate(platform.jwt(), unsafe=True, fetch_site="cross-site")
