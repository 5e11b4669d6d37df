import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OctKey, RSAKey

from openccp.core.problems import NotAuthenticated
from openccp.identity.keys import load_keys
from openccp.identity.tokens import MAX_TOKEN, Signer

NOW = 1_000_000.0
ISSUER = "http://127.0.0.1:8080"
CLAIMS: dict[str, Any] = {
    "exp": int(NOW) + 300,
    "iat": int(NOW),
    "sub": "ada",
    "aud": "default",
    "typ": "Bearer",
}
EVERY_ALGORITHM = ["RS256", "RS384", "PS256", "HS256", "none"]

Forger = Callable[[RSAKey], str]


@pytest.fixture(scope="session")
def foreign() -> RSAKey:
    return RSAKey.generate_key(2048)


def encoded(part: object) -> str:
    return urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def forged(
    header: dict[str, Any], key: RSAKey | OctKey | None, claims: dict[str, Any] | None = None
) -> str:
    payload = json.dumps({"iss": ISSUER, **(CLAIMS if claims is None else claims)})
    registry = jws.JWSRegistry(algorithms=EVERY_ALGORITHM, strict_check_header=False)
    return jws.serialize_compact(header, payload, key, registry=registry)


def test_a_token_of_ours_verifies(signer: Signer) -> None:
    claims = signer.verify(signer.sign(CLAIMS), NOW)
    assert claims["sub"] == "ada"
    assert claims["iss"] == ISSUER
    assert claims["aud"] == ("default",)


# --- S-01, S-02: algorithms and keys ----------------------------------------------------------


def kid_of(signer: Signer) -> str:
    kid: str = signer.jwks()["keys"][0]["kid"]
    return kid


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", None, 7, ["RS256"]])
def test_a_token_without_signature_is_refused(signer: Signer, alg: object) -> None:
    unsigned = f"{encoded({'alg': alg, 'kid': kid_of(signer)})}.{encoded(CLAIMS)}."
    with pytest.raises(NotAuthenticated):
        signer.verify(unsigned, NOW)


def test_the_public_key_is_no_shared_secret(signer: Signer, key_folder: Path) -> None:
    public = load_keys(key_folder)[0].as_pem(private=False)
    for secret in (public, public.strip(), json.dumps(signer.jwks()["keys"][0]).encode()):
        token = _hmac(secret, kid_of(signer))
        with pytest.raises(NotAuthenticated):
            signer.verify(token, NOW)


def _hmac(secret: bytes, kid: str) -> str:
    signed = f"{encoded({'alg': 'HS256', 'kid': kid})}.{encoded({'iss': ISSUER, **CLAIMS})}"
    digest = hmac.new(secret, signed.encode(), "sha256").digest()
    return f"{signed}.{urlsafe_b64encode(digest).rstrip(b'=').decode()}"


@pytest.mark.parametrize("alg", ["RS384", "PS256"])
def test_our_own_key_under_another_algorithm_is_refused(
    signer: Signer, key_folder: Path, alg: str
) -> None:
    raw = load_keys(key_folder)[0].raw_value
    token = forged({"alg": alg, "kid": kid_of(signer)}, RSAKey.import_key(raw))
    with pytest.raises(NotAuthenticated):
        signer.verify(token, NOW)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"jku": "http://127.0.0.1:1/jwks"},
        {"x5u": "http://127.0.0.1:1/chain.pem"},
        {"x5c": ["MIIB"]},
        {"kid": "../../keys/key"},
        {"kid": "/dev/null"},
        {"kid": ""},
        {"kid": "' OR 1=1 --"},
        {"crit": ["exp"]},
        {"b64": False, "crit": ["b64"]},
    ],
    ids=str,
)
def test_a_foreign_key_is_not_fetched_nor_believed(
    signer: Signer, foreign: RSAKey, more: dict[str, Any]
) -> None:
    header = {"alg": "RS256", "kid": kid_of(signer), **more}
    signed = f"{encoded(header)}.{encoded({'iss': ISSUER, **CLAIMS})}"
    signature = forged({"alg": "RS256"}, foreign).rpartition(".")[2]
    with pytest.raises(NotAuthenticated):
        signer.verify(f"{signed}.{signature}", NOW)


def test_a_key_inside_the_token_is_not_believed(signer: Signer, foreign: RSAKey) -> None:
    for kid in (kid_of(signer), foreign.thumbprint()):
        header = {"alg": "RS256", "kid": kid, "jwk": foreign.as_dict(private=False)}
        registry = jws.JWSRegistry(algorithms=["RS256"])
        registry.max_header_length = 4096
        token = jws.serialize_compact(header, json.dumps(CLAIMS), foreign, registry=registry)
        with pytest.raises(NotAuthenticated):
            signer.verify(token, NOW)


def test_a_changed_payload_or_signature_is_refused(signer: Signer) -> None:
    header, payload, signature = signer.sign(CLAIMS).split(".")
    other = encoded({**CLAIMS, "iss": ISSUER, "sub": "eve"})
    for token in (
        f"{header}.{other}.{signature}",
        f"{header}.{payload}.{signature[:-8]}AAAAAAAA",
        f"{header}.{payload}.",
        f"{header}..{signature}",
        f"{header}.{payload}",
        f"{header}.{payload}.{signature}.{signature}",
    ):
        with pytest.raises(NotAuthenticated):
            signer.verify(token, NOW)


# --- S-03 to S-06: claims, signed by our own key ----------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        {"typ": "Refresh"},
        {"typ": "Offline"},
        {"typ": "ID"},
        {"typ": "Logout"},
        {"typ": None},
        {"typ": "bearer"},
        {"nonce": "n"},
        {"at_hash": "h"},
        {"sub": None},
        {"sub": 7},
        {"exp": None},
        {"exp": "2099"},
        {"exp": True},
        {"iat": "now"},
        {"nbf": None},
        {"aud": None},
        {"aud": ""},
        {"aud": []},
        {"aud": [7]},
        {"aud": {"default": True}},
        {"aud": ["default", ""]},
    ],
    ids=str,
)
def test_claims_that_no_access_token_of_ours_has(signer: Signer, changed: dict[str, Any]) -> None:
    with pytest.raises(NotAuthenticated):
        signer.verify(signer.sign({**CLAIMS, **changed}), NOW)


@pytest.mark.parametrize("absent", ["exp", "sub", "aud", "typ"])
def test_claims_that_must_be_there(signer: Signer, absent: str) -> None:
    with pytest.raises(NotAuthenticated):
        signer.verify(
            signer.sign({name: value for name, value in CLAIMS.items() if name != absent}), NOW
        )


@pytest.mark.parametrize(
    "issuer",
    [
        "http://127.0.0.1:8081",
        "https://127.0.0.1:8080",
        "http://127.0.0.1:8080/x",
        "HTTP://127.0.0.1:8080",
        "http://127.0.0.1",
        "http://127.0.0.1:8080.evil.org",
    ],
)
def test_another_issuer_with_our_key_is_refused(
    signer: Signer, key_folder: Path, issuer: str
) -> None:
    other = Signer(issuer, load_keys(key_folder))
    with pytest.raises(NotAuthenticated):
        signer.verify(other.sign(CLAIMS), NOW)


@pytest.mark.parametrize(
    ("changed", "good"),
    [
        ({"exp": NOW - 29}, True),
        ({"exp": NOW - 30}, False),
        ({"nbf": NOW + 30}, True),
        ({"nbf": NOW + 31}, False),
        ({"iat": NOW + 30}, True),
        ({"iat": NOW + 31}, False),
        ({"iat": 0}, True),
    ],
    ids=str,
)
def test_thirty_seconds_of_leeway(signer: Signer, changed: dict[str, Any], good: bool) -> None:
    token = signer.sign({**CLAIMS, **changed})
    if good:
        assert signer.verify(token, NOW)
    else:
        with pytest.raises(NotAuthenticated):
            signer.verify(token, NOW)


def test_a_remembered_token_still_ends(signer: Signer) -> None:
    token = signer.sign(CLAIMS)
    assert signer.verify(token, NOW) is signer.verify(token, NOW + 1)
    with pytest.raises(NotAuthenticated):
        signer.verify(token, NOW + 330)


def test_a_huge_token_is_refused_unread(signer: Signer) -> None:
    with pytest.raises(NotAuthenticated):
        signer.verify(signer.sign({**CLAIMS, "more": "x" * MAX_TOKEN}), NOW)
    with pytest.raises(NotAuthenticated):
        signer.verify("." * 10_000_000, NOW)


# --- anything at all --------------------------------------------------------------------------


@given(st.text(max_size=60))
def test_any_text_is_refused(text: str) -> None:
    _refused(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)


@given(JSON | st.just("alg") | st.just(["alg", "kid"]), JSON)
def test_any_header_is_refused(header: object, claims: object) -> None:
    _refused(f"{encoded(header)}.{encoded(claims)}.AAAA")


def _refused(token: str) -> None:
    with pytest.raises(NotAuthenticated):
        STRANGER.verify(token, NOW)


STRANGER = Signer(ISSUER, [RSAKey.generate_key(2048, {"kid": "one"})])
