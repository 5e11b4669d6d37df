"""From an execute request's body to a checked, typed request: every fault at once."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import orjson

from openccp.core.callback import read_subscriptions
from openccp.core.fields import Faults
from openccp.core.method import ALL_FILES, RESERVED, Input, Method
from openccp.core.mixed import bare_type
from openccp.core.output_types import media_types_of
from openccp.core.plan import Plan, plan_of
from openccp.core.problems import InvalidRequest
from openccp.core.request import ExecuteRequest, Origin, OutputRequest, ResponseForm, Transmission
from openccp.core.scalars import Unfit, described, nearest, unfit
from openccp.core.schema import token
from openccp.core.schema_check import shown
from openccp.core.strict_json import shorten
from openccp.core.values import expectation

_MEMBERS = (
    *("inputs", "outputs", "response", "infrastructure"),
    *("subscriber", "subscribers", "process", "$schema"),
)

LONGEST_NAME = 128


def read_request(method: Method, body: Any) -> ExecuteRequest:
    """The request a client's JSON body makes of a method.

    Accepts CCP's values (all texts, lists joined by commas) and typed ones, bare and qualified
    (OGC API - Processes, inlineOrRefData); fills in defaults. Raises InvalidRequest with one
    fault for each thing wrong, each with its pointer into the body.
    """
    faults = Faults()
    if not isinstance(body, dict):
        faults.add("", f'expected an object like {{"inputs": {{}}}}, not {described(body)}')
        raise InvalidRequest(faults.summary, faults=faults.all)
    plan = plan_of(method)
    _check_members(method, body, faults)
    values = _read_inputs(method, plan, body.get("inputs"), faults)
    request = ExecuteRequest(
        inputs={name: v for name, v in values.items() if name in method.inputs},
        secrets={},
        outputs=_read_outputs(method, plan, body.get("outputs"), faults),
        response=_read_response(body.get("response"), faults),
        image=values.get("ccpimage", method.image),
        replicas=values.get("ccpreplicas", 1),
        max_time=values.get("ccpmaxtime"),
        size=values.get("ccpsize"),
        note=values.get("ccpnote"),
        infrastructure=_read_infrastructure(body.get("infrastructure"), faults),
        subscriptions=read_subscriptions(body, faults),
    )
    if faults:
        raise InvalidRequest(faults.summary, faults=faults.all)
    return _with_secrets_apart(method, request)


def _with_secrets_apart(method: Method, request: ExecuteRequest) -> ExecuteRequest:
    names = method.secrets
    if not names:
        return request
    return replace(
        request,
        inputs={name: v for name, v in request.inputs.items() if name not in names},
        secrets={name: v for name, v in request.inputs.items() if name in names},
    )


# --- inputs -----------------------------------------------------------------------------------


def _read_inputs(method: Method, plan: Plan, given: Any, faults: Faults) -> dict[str, Any]:
    values = dict(plan.defaults)
    if given is None:
        given = {}
    elif not isinstance(given, dict):
        faults.add("/inputs", f"expected an object, not {described(given)}")
        return values
    wrong: set[str] = set()
    for name, value in given.items():
        reader = plan.readers.get(name)
        if reader is None:
            faults.add_named("/inputs", name, partial(_unknown_input, method))
        elif value is not None:
            try:
                values[name] = reader(value, f"/inputs{token(name)}")
            except Unfit as error:
                if not _left_empty(method.inputs.get(name), value):
                    faults.extend(error.faults)
                    wrong.add(name)
    for name in plan.required:
        if name not in values and name not in wrong:
            faults.add(f"/inputs{token(name)}", expectation(method.inputs[name]))
    return values


def _left_empty(declared: Input | None, value: Any) -> bool:
    """A form's empty field, of an input that may be left out."""
    return value == "" and declared is not None and (declared.minimum == 0 or declared.has_default)


def _unknown_input(method: Method, name: str) -> str:
    if name in RESERVED:
        return f"this method does not let its users set {name}"
    return f"this method has no input {_quoted(name)}{nearest(name, [*method.inputs])}"


def _unknown_output(method: Method, name: str) -> str:
    return f"this method has no output {_quoted(name)}{nearest(name, [*method.outputs])}"


def _quoted(name: str) -> str:
    return f'"{shorten(name)}"'


# --- the rest of the body ---------------------------------------------------------------------


def _check_members(method: Method, body: dict[str, Any], faults: Faults) -> None:
    for name in body.keys() - _MEMBERS:
        faults.add_named("", name, partial(_unknown_member, method))
    process = body.get("process")
    if process is not None and (
        not isinstance(process, str) or process.rstrip("/").rsplit("/", 1)[-1] != method.id
    ):
        faults.add("/process", "names another process than the address does")


def _unknown_member(method: Method, name: str) -> str:
    if name in method.inputs or name in RESERVED:
        return f'{name} belongs under "inputs"'
    if name == "mode":
        return "whether to wait is said by the header Prefer: respond-async"
    return f"an execute request has no member {_quoted(name)}{nearest(name, [*_MEMBERS])}"


def _read_response(value: Any, faults: Faults) -> ResponseForm | None:
    if value is None:
        return None
    if isinstance(value, str) and value in ResponseForm.__members__.values():
        return ResponseForm(value)
    faults.add("/response", 'expected "raw" or "document"')
    return None


def _read_infrastructure(value: Any, faults: Faults) -> str | None:
    if value is None or (isinstance(value, str) and 0 < len(value) <= LONGEST_NAME):
        return value
    faults.add("/infrastructure", 'expected the name of an infrastructure, like "local"')
    return None


# --- outputs ----------------------------------------------------------------------------------


def _read_outputs(
    method: Method, plan: Plan, given: Any, faults: Faults
) -> Mapping[str, OutputRequest] | None:
    if given is None:
        return None
    if not isinstance(given, dict):
        faults.add("/outputs", f"expected an object, not {described(given)}")
        return None
    outputs: dict[str, OutputRequest] = {}
    for name, wanted in given.items():
        if name in method.outputs or (name == ALL_FILES and plan.all_files):
            try:
                outputs[name] = _read_output(method, name, wanted, f"/outputs{token(name)}")
            except Unfit as error:
                faults.extend(error.faults)
        else:
            faults.add_named("/outputs", name, partial(_unknown_output, method))
    return outputs


def _read_output(method: Method, name: str, wanted: Any, pointer: str) -> OutputRequest:
    if not isinstance(wanted, dict):
        raise unfit(pointer, 'expected an object like {} or {"transmissionMode": "value"}')
    strangers = wanted.keys() - {"transmissionMode", "format"}
    if strangers:
        raise unfit(
            f"{pointer}{token(shorten(min(strangers)))}", "expected transmissionMode or format"
        )
    mode = wanted.get("transmissionMode")
    if mode not in (None, "value", "reference"):
        raise unfit(f"{pointer}/transmissionMode", 'expected "value" or "reference"')
    media_type = _read_format(method, name, wanted.get("format"), f"{pointer}/format")
    return OutputRequest(None if mode is None else Transmission(mode), media_type)


def _read_format(method: Method, name: str, wanted: Any, pointer: str) -> str | None:
    if wanted is None:
        return None
    if not isinstance(wanted, dict) or not wanted.keys() <= {"mediaType", "encoding", "schema"}:
        raise unfit(pointer, 'expected an object like {"mediaType": "text/csv"}')
    media_type = wanted.get("mediaType")
    if media_type is None:
        return None
    if not isinstance(media_type, str) or len(media_type) > 200:
        raise unfit(f"{pointer}/mediaType", "expected text, like text/csv")
    declared = media_types_of(method.outputs[name].schema) if name in method.outputs else ()
    if declared and bare_type(media_type) not in map(bare_type, declared):
        raise unfit(f"{pointer}/mediaType", f"this output is {' or '.join(map(shown, declared))}")
    return media_type


# --- the job table ----------------------------------------------------------------------------


def to_stored(request: ExecuteRequest) -> bytes:
    """The request as JSON for the job table: everything but the secrets."""
    outputs = request.outputs
    return orjson.dumps(
        {
            "inputs": request.inputs,
            "outputs": outputs
            and {
                name: [wanted.transmission, wanted.media_type] for name, wanted in outputs.items()
            },
            "response": request.response,
            "image": request.image,
            "replicas": request.replicas,
            "max_time": request.max_time,
            "size": request.size,
            "note": request.note,
            "infrastructure": request.infrastructure,
            "references": request.references,
        }
    )


def from_stored(stored: bytes, secrets: Mapping[str, str]) -> ExecuteRequest:
    """What `to_stored` kept, with the secrets put back."""
    kept = orjson.loads(stored)
    response = kept.pop("response")
    outputs = kept.pop("outputs")
    references = kept.pop("references", {})
    return ExecuteRequest(
        secrets=dict(secrets),
        response=None if response is None else ResponseForm(response),
        outputs=None
        if outputs is None
        else {
            name: OutputRequest(mode and Transmission(mode), kind)
            for name, (mode, kind) in outputs.items()
        },
        references={pointer: Origin(**origin) for pointer, origin in references.items()},
        **kept,
    )
