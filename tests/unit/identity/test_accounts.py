import pytest

from openccp.core.access import Role
from openccp.core.identity import kind_of_secret, new_secret, secret_digest
from openccp.core.problems import InvalidRequest, NotFound
from openccp.core.stores import Account, Credential, DuplicateName
from openccp.identity.accounts import (
    add_account,
    change_password,
    create_sign_in,
    issue_personal_token,
    personal_tokens,
    revoke_personal_token,
)
from openccp.identity.passwords import Argon2Hasher
from openccp.testing.accounts import MemoryAccounts

NOW = 1_000_000.0
HASHER = Argon2Hasher(memory_kib=64, passes=1)
PASSWORD = "correct horse"


@pytest.fixture
def accounts() -> MemoryAccounts:
    return MemoryAccounts()


@pytest.fixture
async def ada(accounts: MemoryAccounts) -> Account:
    return await add_account(accounts, HASHER, "ada", PASSWORD, Role.USER, NOW)


async def test_a_new_account_belongs_to_default(accounts: MemoryAccounts, ada: Account) -> None:
    assert await accounts.contexts(ada.id) == {"default"}
    assert ada.password_hash is not None
    assert PASSWORD not in repr(ada.password_hash)
    with pytest.raises(DuplicateName):
        await add_account(accounts, HASHER, "ada", PASSWORD, Role.USER, NOW)


@pytest.mark.parametrize(
    "name",
    ["", "Ada", "a b", "-ada", "ada-", ".", "a" * 65, "ad\x00a", "ada\n", "аda", "a:b", "a/b"],
)
async def test_names_that_no_account_has(accounts: MemoryAccounts, name: str) -> None:
    with pytest.raises(InvalidRequest):
        await add_account(accounts, HASHER, name, PASSWORD, Role.USER, NOW)


@pytest.mark.parametrize("name", ["a", "ada", "ada.lovelace@math.org", "x_1", "0", "a" * 64])
async def test_names_that_accounts_have(accounts: MemoryAccounts, name: str) -> None:
    assert (await add_account(accounts, HASHER, name, None, Role.USER, NOW)).name == name


@pytest.mark.parametrize("password", ["", "seven77", "x" * 1025])
async def test_passwords_that_are_refused(accounts: MemoryAccounts, password: str) -> None:
    with pytest.raises(InvalidRequest):
        await add_account(accounts, HASHER, "bob", password, Role.USER, NOW)


async def test_a_personal_token_is_stored_as_its_digest(
    accounts: MemoryAccounts, ada: Account
) -> None:
    token = await issue_personal_token(accounts, ada, "laptop", None, NOW)
    (stored,) = await personal_tokens(accounts, ada)
    assert kind_of_secret(token) is Credential.PERSONAL
    assert stored.digest == secret_digest(token)
    assert token not in repr(stored)
    assert stored.label == "laptop"


async def test_only_own_tokens_are_taken_back(accounts: MemoryAccounts, ada: Account) -> None:
    bob = await add_account(accounts, HASHER, "bob", None, Role.USER, NOW)
    digest = secret_digest(await issue_personal_token(accounts, ada, "laptop", None, NOW))
    with pytest.raises(NotFound):
        await revoke_personal_token(accounts, bob, digest)
    await revoke_personal_token(accounts, ada, digest)
    assert await personal_tokens(accounts, ada) == []


async def test_tokens_that_are_not_given(accounts: MemoryAccounts, ada: Account) -> None:
    for label, expires, context in [
        ("", None, None),
        ("x" * 101, None, None),
        ("a\nb", None, None),
        ("late", NOW, None),
        ("elsewhere", None, "/vo/vre"),
    ]:
        with pytest.raises(InvalidRequest):
            await issue_personal_token(accounts, ada, label, expires, NOW, context)


async def test_a_new_password_ends_what_the_old_one_began(
    accounts: MemoryAccounts, ada: Account
) -> None:
    await create_sign_in(accounts, ada.id, NOW)
    token = await issue_personal_token(accounts, ada, "laptop", None, NOW)
    await change_password(accounts, HASHER, ada, "battery staple", NOW + 1)
    changed = await accounts.account(ada.id)
    assert changed is not None
    assert await HASHER.verify(changed.password_hash, "battery staple")
    assert changed.not_before == int(NOW + 1)
    assert await accounts.credentials(ada.id, Credential.SIGN_IN) == []
    assert await accounts.credential(secret_digest(token)) is not None


def test_a_secret_names_its_kind_and_has_a_checksum() -> None:
    for kind in Credential:
        secret = new_secret(kind)
        assert kind_of_secret(secret) is kind
        mistyped = secret[:20] + ("A" if secret[20] != "A" else "B") + secret[21:]
        for other in (mistyped, secret[:-1], secret + "0", secret.upper(), " " + secret, ""):
            assert kind_of_secret(other) is None
