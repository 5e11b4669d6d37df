"""Requests of programs for a token: what is kept of them, and the grant's errors and races."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from openccp.app.devices import DEVICE_CODE, Devices
from openccp.app.sign_in import GrantRefused, SignIn, TokenRequest
from openccp.core.access import Role, Who
from openccp.core.devices import DeviceRequest, user_code_digest
from openccp.core.identity import secret_digest
from openccp.core.stores import Account
from openccp.identity.accounts import add_account, change_password
from openccp.identity.keys import load_keys
from openccp.identity.passwords import Argon2Hasher
from openccp.identity.throttle import Allowance, Allowances, Buckets
from openccp.identity.tokens import Signer
from openccp.store.database import Database
from openccp.store.devices import Devices as KeptDevices
from openccp.testing.accounts import MemoryAccounts, SetClock

BOTH = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql))
HASHER = Argon2Hasher(memory_kib=64, passes=1)
HERE = "192.0.2.7"


@pytest.fixture(params=BOTH)
def database(request: pytest.FixtureRequest) -> Database:
    found: Database = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def store(database: Database) -> KeptDevices:
    return KeptDevices(database)


@dataclass
class Desk:
    """A platform's issuer over a real database, with a clock that is set."""

    sign_in: SignIn
    devices: Devices
    accounts: MemoryAccounts
    ada: Account
    clock: SetClock

    @property
    def who(self) -> Who:
        return Who(self.ada.id, self.ada.name, frozenset({"default"}))

    async def ask(self, **form: str) -> dict[str, str]:
        wanted = TokenRequest({"client_id": "ccp-client-id", **form}, address=HERE)
        return await self.devices.ask(self.sign_in, wanted, "curl/8\n\u202e<b>")

    async def poll(self, device_code: str, **form: str) -> dict[str, str]:
        sent = {"client_id": "ccp-client-id", "grant_type": DEVICE_CODE, **form}
        answer = await self.sign_in.token(TokenRequest({"device_code": device_code, **sent}))
        assert isinstance(answer, dict)
        return answer

    async def refusal(self, device_code: str, **form: str) -> str:
        with pytest.raises(GrantRefused) as refused:
            await self.poll(device_code, **form)
        return refused.value.error

    async def allow(self, code: str, *, allow: bool = True) -> bool:
        found = await self.devices.find(self.who, code, HERE)
        return found is not None and await self.devices.decide(self.who, found, allow=allow)


@pytest.fixture
async def desk(store: KeptDevices, tmp_path: Path) -> Desk:
    accounts, clock = MemoryAccounts(), SetClock()
    ada = await add_account(accounts, HASHER, "ada", "correct horse", Role.USER, clock.now)
    asking = Buckets(Allowances(pair=Allowance(5, 10)))
    devices = Devices(store, asking, Buckets(), clock)
    signer = Signer("https://ccp.example.org", load_keys(tmp_path / "keys"))
    grants = {DEVICE_CODE: devices.grant}
    sign_in = SignIn(accounts, signer, HASHER, Buckets(), clock, more_grants=grants)
    return Desk(sign_in, devices, accounts, ada, clock)


async def test_allowed_once_it_gives_tokens_once(desk: Desk) -> None:
    asked = await desk.ask()
    code = asked["device_code"]
    assert asked["verification_uri"] == "https://ccp.example.org/device"
    assert asked["verification_uri_complete"].endswith(f"?user_code={asked['user_code']}")
    assert await desk.refusal(code) == "authorization_pending"
    typed = f" {asked['user_code'].lower().replace('-', ' ')}"
    assert await desk.allow(typed)
    assert not await desk.allow(typed)
    desk.clock.now += 5
    got = await desk.poll(code)
    assert desk.sign_in.signer.verify(got["access_token"], desk.clock.now)["sub"] == desk.ada.id
    renewed = {"grant_type": "refresh_token", "client_id": "ccp-client-id"}
    renewed["refresh_token"] = got["refresh_token"]
    assert await desk.sign_in.token(TokenRequest(renewed))
    desk.clock.now += 5
    assert await desk.refusal(code) == "invalid_grant"


async def test_denied_it_gives_nothing(desk: Desk) -> None:
    asked = await desk.ask()
    assert await desk.allow(asked["user_code"], allow=False)
    assert not await desk.allow(asked["user_code"])
    for _ in range(2):
        assert await desk.refusal(asked["device_code"]) == "access_denied"
        desk.clock.now += 5


async def test_after_its_time_it_can_neither_be_used_nor_allowed(desk: Desk) -> None:
    early, late = await desk.ask(), await desk.ask()
    assert await desk.allow(early["user_code"])
    desk.clock.now += 600
    assert await desk.refusal(early["device_code"]) == "expired_token"
    assert not await desk.allow(late["user_code"])
    assert await desk.refusal(late["device_code"]) == "expired_token"


async def test_who_asks_too_soon_has_to_wait_longer_each_time(desk: Desk) -> None:
    code = (await desk.ask())["device_code"]
    expected = {0.0: "authorization_pending", 1.0: "slow_down", 5.0: "slow_down"}
    for pause, error in expected.items():
        desk.clock.now += pause
        assert await desk.refusal(code) == error
    desk.clock.now += 15
    assert await desk.refusal(code) == "authorization_pending"


async def test_many_questions_at_once_give_one_token(desk: Desk) -> None:
    asked = await desk.ask()
    assert await desk.allow(asked["user_code"])
    polls = (desk.poll(asked["device_code"]) for _ in range(20))
    answers = await asyncio.gather(*polls, return_exceptions=True)
    given = [one for one in answers if isinstance(one, dict)]
    assert len(given) == 1
    errors = {one.error for one in answers if isinstance(one, GrantRefused)}
    assert errors <= {"slow_down", "invalid_grant"}
    assert len(answers) == 20


async def test_many_decisions_at_once_count_once(desk: Desk) -> None:
    asked = await desk.ask()
    seen = [await desk.devices.find(desk.who, asked["user_code"], HERE) for _ in range(10)]
    done = await asyncio.gather(
        *(desk.devices.decide(desk.who, one, allow=n % 2 == 0) for n, one in enumerate(seen) if one)
    )
    assert sum(done) == 1


async def test_codes_of_others_are_none(desk: Desk) -> None:
    asked = await desk.ask()
    stranger = SignIn(
        desk.accounts, desk.sign_in.signer, HASHER, Buckets(), desk.clock,
        clients=frozenset({"ccp-client-id", "another"}),
        more_grants={DEVICE_CODE: desk.devices.grant},
    )  # fmt: skip
    sent = {"client_id": "another", "grant_type": DEVICE_CODE}
    for code in (asked["device_code"], asked["user_code"], "", "ccpd_" + "a" * 51, "x" * 70_000):
        with pytest.raises(GrantRefused) as refused:
            await stranger.token(TokenRequest({**sent, "device_code": code}))
        assert refused.value.error in ("invalid_grant", "invalid_request")
    with pytest.raises(GrantRefused):
        await desk.ask(client_id="nobody")


async def test_a_password_that_was_changed_since_ends_it(desk: Desk) -> None:
    asked = await desk.ask()
    assert await desk.allow(asked["user_code"])
    desk.clock.now += 5
    await change_password(desk.accounts, HASHER, desk.ada, "another horse", desk.clock.now)
    assert await desk.refusal(asked["device_code"]) == "access_denied"


async def test_a_context_is_its_members_to_allow(desk: Desk) -> None:
    asked = await desk.ask(scope="d4s-context:%2Flab")
    assert not await desk.allow(asked["user_code"])
    await desk.accounts.add_context("/lab", "A lab")
    await desk.accounts.add_member("/lab", desk.ada.id)
    who = replace(desk.who, contexts=frozenset({"/lab"}))
    found = await desk.devices.find(who, asked["user_code"], HERE)
    assert found is not None
    assert await desk.devices.decide(who, found, allow=True)
    got = await desk.poll(asked["device_code"])
    assert got["scope"].endswith("d4s-context:%2Flab")


async def test_guessing_codes_is_slow_and_typing_right_ones_is_free(desk: Desk) -> None:
    asked = await desk.ask()
    for _ in range(30):
        assert await desk.devices.find(desk.who, asked["user_code"], HERE)
    for guess in range(10):
        assert not await desk.devices.find(desk.who, f"BBBB-BB{'BCDFGHJKLM'[guess]}B", HERE)
    for typed in (asked["user_code"], "BBBB-BBBB", "", "\0" * 9000):
        with pytest.raises(GrantRefused) as refused:
            await desk.devices.find(desk.who, typed, HERE)
        assert refused.value.status == 429
        assert refused.value.retry_after


async def test_asking_is_bounded(desk: Desk) -> None:
    for _ in range(5):
        await desk.ask()
    with pytest.raises(GrantRefused) as refused:
        await desk.ask()
    assert refused.value.status == 429


async def test_what_is_kept_is_hashed_and_printable(desk: Desk, store: KeptDevices) -> None:
    asked = await desk.ask()
    kept = await store.by_device_code(secret_digest(asked["device_code"]))
    assert kept is not None
    assert kept == await store.by_user_code(user_code_digest(asked["user_code"]) or "")
    assert kept.agent == "curl/8<b>"
    assert kept.address == HERE
    for code in (asked["device_code"], asked["user_code"]):
        assert code not in repr(kept)


async def test_the_number_of_requests_is_bounded_and_old_ones_go(store: KeptDevices) -> None:
    def at(number: int, created: float) -> DeviceRequest:
        name = str(number)
        return DeviceRequest(name, name, "c", None, "", "", created, created + 600, 5)

    assert [await store.add(at(n, 0.0), 3) for n in range(4)] == [True, True, True, False]
    assert not await store.add(replace(at(9, 1.0), user_code="1"), 10)
    assert await store.add(at(5, 5000.0), 1)
    assert await store.by_device_code("1") is None
