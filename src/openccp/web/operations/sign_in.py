"""The operations of signing in: tokens, what describes them, and the browser's session."""

from openccp.core.problems import Forbidden, NotFound
from openccp.web.operations.shape import (
    FORM,
    HTML,
    Answer,
    Operation,
    Parameter,
    json_answer,
    nothing,
)

CONTEXT = Parameter("X-D4Science-Context", "header", "The context the token is for.")
NEXT = Parameter("next", "query", "The path of the page to come back to.")
SECRET = Parameter("secret", "query", "The secret of a sign-in address.")
USER_CODE = Parameter("user_code", "query", "The code that a program shows.")
TOO_MANY_CODES = Answer(429, "Too many wrong codes.", {HTML: "html"}, ("Retry-After",))
REFUSED = tuple(
    Answer(status, words, {"application/json": "tokenError"}, headers)
    for status, words, headers in (
        (400, "The request is wrong, or the credentials are.", ()),
        (401, "The client is not who it says it is.", ("WWW-Authenticate",)),
        (413, "The form is too large.", ()),
        (415, "The body is no form.", ()),
        (429, "Too many wrong passwords.", ("Retry-After",)),
    )
)


def _token(path: str, identity: str) -> Operation:
    return Operation(
        "post",
        path,
        identity,
        "Get a token (password, refresh_token, device_code, client_credentials, UMA ticket)",
        (json_answer("token", "A token."), *REFUSED),
        parameters=(CONTEXT,),
        body={FORM: "tokenRequest"},
        open=True,
    )


def _described(path: str, identity: str, summary: str, schema: str = "object") -> Operation:
    answer = (json_answer(schema, "The document."),)
    return Operation("get", path, identity, summary, answer, open=True)


OPERATIONS = (
    _token("/token", "token"),
    _token("/auth/realms/{realm}/protocol/openid-connect/token", "realmToken"),
    Operation(
        "post",
        "/device_authorization",
        "authorizeDevice",
        "Ask for a token that a person allows in a browser (RFC 8628)",
        (json_answer("deviceAnswer", "The codes, and where to enter one."), *REFUSED),
        parameters=(CONTEXT,),
        body={FORM: "deviceRequest"},
        open=True,
    ),
    Operation(
        "get",
        "/device",
        "devicePage",
        "Where a person enters the code that a program shows",
        (
            Answer(200, "A field for the code, or what asks and two buttons.", {HTML: "html"}),
            TOO_MANY_CODES,
        ),
        parameters=(USER_CODE,),
        open=True,
    ),
    Operation(
        "post",
        "/device",
        "decideDevice",
        "Allow or deny the program that shows a code",
        (
            Answer(200, "Allowed, denied, or the code is none.", {HTML: "html"}),
            Answer(400, "The form cannot be read.", {HTML: "html"}),
            Answer(403, "Nobody is signed in, or the form came from elsewhere.", {HTML: "html"}),
            Answer(413, "The form is too large.", {HTML: "html"}),
            Answer(415, "The body is no form.", {HTML: "html"}),
            TOO_MANY_CODES,
        ),
        body={FORM: "deviceForm"},
        open=True,
    ),
    _described("/jwks", "publicKeys", "The keys that access tokens are signed with"),
    _described("/.well-known/openid-configuration", "openidConfiguration", "How to get a token"),
    _described("/.well-known/uma2-configuration", "umaConfiguration", "The same, for UMA"),
    _described(
        "/.well-known/oauth-authorization-server", "oauthConfiguration", "The same, for OAuth"
    ),
    Operation(
        "get",
        "/sign-in",
        "signInPage",
        "The page of a sign-in address",
        (Answer(200, "A page with one button.", {HTML: "html"}),),
        parameters=(SECRET,),
        open=True,
    ),
    Operation(
        "post",
        "/sign-in",
        "signIn",
        "Spend the secret of a sign-in address for a session",
        (
            nothing("Signed in.", "Location", "Set-Cookie", status=303),
            Answer(400, "The form cannot be read.", {HTML: "html"}),
            Answer(403, "The secret is spent, or the form came from elsewhere.", {HTML: "html"}),
        ),
        body={FORM: "signInForm"},
        open=True,
    ),
    Operation(
        "post",
        "/sign-out",
        "signOut",
        "End the session",
        (nothing("Signed out.", "Location", "Set-Cookie", status=303),),
        refusals=(Forbidden,),
        open=True,
    ),
    Operation(
        "post",
        "/language/{language}",
        "chooseLanguage",
        "Have pages speak a language to this browser",
        (nothing("Chosen; back to `next`.", "Location", "Set-Cookie", status=303),),
        parameters=(NEXT,),
        refusals=(Forbidden, NotFound),
        open=True,
    ),
)
