import pytest
from starlette.requests import Request

from openccp.web.prefer import Prefer, Return, applied, read_prefer
from openccp.web.profiles import REGISTER, Profile, asked_profiles

ASYNC = Prefer(respond_async=True)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], Prefer()),
        (["respond-async"], ASYNC),
        (["Respond-Async ; a=b"], ASYNC),
        (["wait=10, respond-async"], Prefer(True, 10)),
        (["wait=10", "respond-async"], Prefer(True, 10)),
        (['wait="10"'], Prefer(wait=10)),
        (["wait = 10"], Prefer(wait=10)),
        (["wait=1, wait=2"], Prefer(wait=1)),
        (["wait=-1, wait=2"], Prefer()),
        (["wait=1.5"], Prefer()),
        (["wait=²"], Prefer()),
        (["return=minimal"], Prefer(returning=Return.MINIMAL)),
        (["Return=Representation"], Prefer(returning=Return.REPRESENTATION)),
        (["return=half"], Prefer()),
        (['profile="a,b"; x="y,z", respond-async'], Prefer(True, profile="a,b")),
        (['profile="a\\"b"'], Prefer(profile='a"b')),
        (["(broken, respond-async"], ASYNC),
        ([",,, ,respond-async,"], ASYNC),
        (['"' * 100_000], Prefer()),
        (["a;" * 100_000], Prefer()),
        (["a=" + " " * 100_000 + "x"], Prefer()),
    ],
)
def test_what_is_preferred(lines: list[str], said: Prefer) -> None:
    assert read_prefer(lines) == said


def test_what_was_applied() -> None:
    assert applied(None) == {}
    assert applied("wait=3", None, "return=minimal") == {
        "Preference-Applied": "wait=3, return=minimal"
    }


def request(query: str = "", accept_profile: str = "") -> Request:
    headers = [(b"accept-profile", accept_profile.encode())]
    return Request({"type": "http", "headers": headers, "query_string": query.encode()})


@pytest.mark.parametrize(
    ("query", "accept_profile", "preferred", "found"),
    [
        ("", "", "", set()),
        ("profile=ogc-results", "", "", {Profile.RESULTS}),
        (f"profile={REGISTER}jobs-list,other", "", "", {Profile.JOB_LIST}),
        ("profile=http://www.opengis.net/def/profile/OGC/0/jobs-list", "", "", {Profile.JOB_LIST}),
        ("profile=[ogc-profile:job-description]", "", "", {Profile.JOB}),
        ("profile=https://evil.example/ogc-results", "", "", set()),
        ("", f"<{REGISTER}ogc-results>; q=0.3, <urn:x>", "", {Profile.RESULTS}),
        ("", f"<{REGISTER}ogc-results>;q=0.0", "", set()),
        ("", "", f"{REGISTER}ogc-results", {Profile.RESULTS}),
        ("profile=" + "," * 100_000, "<" * 50_000, "x" * 100_000, set()),
    ],
)
def test_which_profiles_are_asked_for(
    query: str, accept_profile: str, preferred: str, found: set[Profile]
) -> None:
    assert asked_profiles(request(query, accept_profile), preferred) == found
