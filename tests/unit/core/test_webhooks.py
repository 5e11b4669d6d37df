"""Signatures as the library that receivers use verifies them."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from openccp.core.webhooks import derived, signed_headers, written

KEY = b"k" * 32


@given(st.text(alphabet=st.characters(codec="utf-8")), st.integers(1, 9))
def test_what_is_signed_is_verified(text: str, number: int) -> None:
    secret = derived(KEY, "ann", number)
    headers = dict(signed_headers("msg_1", text.encode(), time.time(), [secret]))
    Webhook(written(secret)).verify(text.encode(), headers, json_parse=False)


def test_a_body_that_was_changed_is_refused() -> None:
    secret = derived(KEY, "ann", 1)
    headers = dict(signed_headers("msg_1", b"{}", time.time(), [secret]))
    for changed in ({"webhook-id": "msg_2"}, {"webhook-timestamp": str(int(time.time()) - 1)}, {}):
        body = b"{}" if changed else b"[]"
        with pytest.raises(WebhookVerificationError, match="No matching"):
            Webhook(written(secret)).verify(body, headers | changed)


def test_a_replay_after_five_minutes_is_refused() -> None:
    secret = derived(KEY, "ann", 1)
    for ago, refused in ((290, False), (301, True), (-310, True)):
        headers = dict(signed_headers("msg_1", b"{}", time.time() - ago, [secret]))
        if not refused:
            assert Webhook(written(secret)).verify(b"{}", headers) == {}
            continue
        with pytest.raises(WebhookVerificationError, match="too"):
            Webhook(written(secret)).verify(b"{}", headers)


def test_both_secrets_of_a_rotation_verify() -> None:
    secrets = [derived(KEY, "ann", 2), derived(KEY, "ann", 1)]
    headers = dict(signed_headers("msg_1", b"{}", time.time(), secrets))
    for secret in secrets:
        assert Webhook(written(secret)).verify(b"{}", headers) == {}


def test_nobody_has_the_secret_of_another() -> None:
    made = {derived(KEY, owner, number) for owner in ("a", "b", "1\0a") for number in (1, 11)}
    assert len(made) == 6
    assert all(len(secret) == 32 for secret in made)
