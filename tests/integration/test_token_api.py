"""The token endpoint and the sign-in page over HTTP."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlencode

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from openccp.app.authenticate import Authenticate
from openccp.app.sign_in import SignIn
from openccp.core.access import Role
from openccp.core.problems import Problem
from openccp.core.stores import Account, Credential
from openccp.identity.accounts import add_account, create_sign_in, issue_personal_token
from openccp.identity.keys import load_keys
from openccp.identity.passwords import Argon2Hasher
from openccp.identity.throttle import Buckets
from openccp.identity.tokens import Signer
from openccp.testing.accounts import MemoryAccounts, SetClock
from openccp.web.api import sign_in as sign_in_api
from openccp.web.api import token as token_api
from openccp.web.errors import render

PASSWORD = "correct horse"
VRE = "/d4science.research-infrastructures.eu/D4Research/AnalyticsLab"
HASHER = Argon2Hasher(memory_kib=64, passes=1)
KEYCLOAK = "/auth/realms/d4science/protocol/openid-connect/token"
UMA_TICKET = "urn:ietf:params:oauth:grant-type:uma-ticket"
LOGIN = {
    "grant_type": "password",
    "client_id": "ccp-client-id",
    "username": "ada",
    "password": PASSWORD,
}


async def who(request: Request) -> JSONResponse:
    caller = await sign_in_api.authenticated(request)
    return JSONResponse({"name": caller.name, "contexts": sorted(caller.contexts)})


async def refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return render(error, request)


@dataclass
class Site:
    http: httpx2.AsyncClient
    accounts: MemoryAccounts
    clock: SetClock
    ada: Account
    address: str

    async def sign_in_secret(self) -> str:
        return await create_sign_in(self.accounts, self.ada.id, self.clock.now)

    async def press(self, secret: str, **headers: str) -> httpx2.Response:
        sent = headers or {"Origin": self.address}
        return await self.http.post("/sign-in", data={"secret": secret}, headers=sent)


@pytest.fixture(scope="module")
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(params=["http://127.0.0.1:8080", "https://ccp.example.org"])
async def site(key_folder: Path, request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    accounts, clock, address = MemoryAccounts(), SetClock(), request.param
    ada = await add_account(accounts, HASHER, "ada", PASSWORD, Role.USER, clock.now)
    await accounts.add_context(VRE, "Analytics lab")
    await accounts.add_member(VRE, ada.id)
    signer = Signer(address, load_keys(key_folder))
    app = Starlette(
        routes=[
            *token_api.routes,
            *sign_in_api.routes,
            Route("/who", who, methods=["GET", "POST"]),
        ],
        exception_handlers={Problem: refused},
    )
    app.state.services = SimpleNamespace(
        sign_in=SignIn(accounts, signer, HASHER, Buckets(), clock),
        authenticate=Authenticate(accounts, signer, clock),
        rules=SimpleNamespace(public_url=address),
    )
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app), base_url=address
    ) as http:
        yield Site(http, accounts, clock, ada, address)


# --- the token endpoint -----------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/token", KEYCLOAK])
async def test_the_two_steps_of_the_published_r_script(site: Site, path: str) -> None:
    login = await site.http.post(path, data=LOGIN)
    assert login.status_code == 200
    assert login.headers["cache-control"] == "no-store"
    form = urlencode({"grant_type": UMA_TICKET, "audience": VRE})
    uma = await site.http.post(
        path,
        content=form,
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            "Authorization": f"Bearer {login.json()['access_token']}",
        },
    )
    assert uma.status_code == 200
    bearer = {"Authorization": f"Bearer {uma.json()['access_token']}"}
    site.clock.now += 86400
    assert (await site.http.get("/who", headers=bearer)).json() == {
        "name": "ada",
        "contexts": [VRE],
    }


async def test_the_context_by_header_and_encoded_twice_by_form(site: Site) -> None:
    encoded = VRE.replace("/", "%2F")
    by_header = await site.http.post("/token", data=LOGIN, headers={"X-D4Science-Context": encoded})
    by_scope = await site.http.post("/token", data={**LOGIN, "scope": f"d4s-context:{encoded}"})
    for answer in (by_header, by_scope):
        bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        assert (await site.http.get("/who", headers=bearer)).json()["contexts"] == [VRE]
        other = await site.http.get("/who", headers={**bearer, "X-D4Science-Context": "default"})
        assert other.status_code == 403


async def test_a_refusal_is_as_rfc_6749_has_it(site: Site) -> None:
    answer = await site.http.post("/token", data={**LOGIN, "password": "wrong"})
    assert answer.status_code == 401
    assert answer.json() == {
        "error": "invalid_grant",
        "error_description": "Invalid user credentials",
    }
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_guessing_is_answered_with_429(site: Site) -> None:
    for _ in range(11):
        answer = await site.http.post("/token", data={**LOGIN, "password": "wrong"})
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "30"
    assert answer.json()["error"] == "temporarily_unavailable"


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b"{}", "application/json", 415),
        (b"grant_type=password", "", 415),
        (b"", FORM, 400),
        (b"grant_type=password&grant_type=password", FORM, 400),
        (b"grant_type=password&client_id=\xff", FORM, 400),
        (b"grant_type=password&client_id=%ff", FORM, 400),
        (b"grant_type=" + b"x" * 70_000, FORM, 413),
        (b"a=1&" * 60, FORM, 400),
        (b"grant_type=password&client_id=ccp-client-id&username=%00&password=x", FORM, 401),
        (b"grant_type=password", FORM + "; charset=utf-8", 401),
    ],
    ids=range(10),
)
async def test_bodies_that_are_no_good_form(
    site: Site, body: bytes, media_type: str, status: int
) -> None:
    answer = await site.http.post("/token", content=body, headers={"Content-Type": media_type})
    assert answer.status_code == status
    assert set(answer.json()) == {"error", "error_description"}


async def test_tokens_are_not_given_to_a_get(site: Site) -> None:
    assert (await site.http.get("/token", params=LOGIN)).status_code == 405


@pytest.mark.parametrize(
    "name", ["openid-configuration", "uma2-configuration", "oauth-authorization-server"]
)
async def test_anybody_can_verify_a_token_by_what_is_published(site: Site, name: str) -> None:
    described = (await site.http.get(f"/.well-known/{name}")).json()
    assert described["issuer"] == site.address
    assert UMA_TICKET in described["grant_types_supported"]
    keys = (await site.http.get(described["jwks_uri"])).json()
    answer = await site.http.post(described["token_endpoint"], data=LOGIN)
    token = jwt.decode(
        answer.json()["access_token"], KeySet.import_key_set(keys), algorithms=["RS256"]
    )
    assert token.claims["iss"] == site.address
    assert all("d" not in key for key in keys["keys"])


# --- the sign-in page -------------------------------------------------------------------------


async def test_a_get_spends_nothing_and_a_press_of_the_button_does(site: Site) -> None:
    secret = await site.sign_in_secret()
    for _ in range(3):
        page = await site.http.get("/sign-in", params={"secret": secret})
        assert page.status_code == 200
    (hidden,) = re.findall(r'name="secret" value="([^"]+)"', page.text)
    pressed = await site.press(hidden)
    assert pressed.status_code == 303
    assert pressed.headers["location"] == "/"
    assert (await site.http.get("/who")).json()["name"] == "ada"
    again = await site.press(hidden)
    assert again.status_code == 403
    assert "ccp login --data DIR" in again.text


async def test_the_cookie_is_out_of_reach(site: Site) -> None:
    secret = await site.sign_in_secret()
    cookie = (await site.press(secret)).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert ("Secure" in cookie) == site.address.startswith("https")
    assert cookie.startswith("__Host-") == site.address.startswith("https")


async def test_the_page_runs_nothing_and_leaks_nothing(site: Site) -> None:
    page = await site.http.get("/sign-in", params={"secret": '"><script>alert(1)</script>'})
    assert "<script>" not in page.text
    policy = page.headers["content-security-policy"]
    assert policy.startswith(f"default-src 'none'; script-src {site.address}/assets/; ")
    assert "unsafe" not in policy
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "strict-origin"
    assert "http" not in page.text


async def test_the_secret_can_be_typed(site: Site) -> None:
    page = await site.http.get("/sign-in")
    assert 'type="text"' in page.text


@pytest.mark.parametrize("secret", ["", "x", "\x00", "ccpi_" + "A" * 51])
async def test_wrong_secrets_get_a_readable_page(site: Site, secret: str) -> None:
    answer = await site.press(secret)
    assert answer.status_code == 403
    assert "Not signed in" in answer.text


async def test_an_expired_secret_and_a_personal_token_open_nothing(site: Site) -> None:
    token = await issue_personal_token(site.accounts, site.ada, "x", None, site.clock.now)
    secret = await site.sign_in_secret()
    site.clock.now += 600
    for wrong in (token, secret):
        assert (await site.press(wrong)).status_code == 403
    assert await site.accounts.credentials(site.ada.id, Credential.SESSION) == []


async def test_a_foreign_page_signs_nobody_in_or_out(site: Site) -> None:
    secret = await site.sign_in_secret()
    for headers in (
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site", "Origin": site.address},
        {"Origin": "null"},
        {"X-None": "1"},
    ):
        assert (await site.press(secret, **headers)).status_code == 403
    assert (await site.press(secret, **{"Sec-Fetch-Site": "same-origin"})).status_code == 303
    for path in ("/who", "/sign-out"):
        foreign = await site.http.post(path, headers={"Origin": "https://evil.example"})
        assert foreign.status_code == 403
        assert foreign.headers["content-type"] == "application/problem+json"
    assert (await site.http.post("/who", headers={"Origin": site.address})).status_code == 200


async def test_signing_out_ends_the_session_at_once(site: Site) -> None:
    await site.press(await site.sign_in_secret())
    (name,) = site.http.cookies
    kept = {"Cookie": f"{name}={site.http.cookies[name]}"}
    assert (await site.http.get("/who", headers=kept)).status_code == 200
    out = await site.http.post("/sign-out", headers={"Origin": site.address})
    assert out.status_code == 303
    assert out.headers["clear-site-data"] == '"cache", "storage"'
    assert not site.http.cookies
    assert (await site.http.get("/who", headers=kept)).status_code == 401
