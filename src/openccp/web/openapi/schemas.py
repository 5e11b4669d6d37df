"""The schemas of what the service takes and gives, in words that OpenAPI 3.0 and 3.1 share."""

from openccp.web.openapi.schema_words import (
    FLAG,
    MOMENT,
    NUMBER,
    OBJECT,
    WORDS,
    a,
    list_of,
    one_of,
    ref,
)
from openccp.web.operations.shape import TEXT, WHOLE, Schema

LINKS = list_of("link")
STATUSES = ("created", "accepted", "running", "successful", "failed", "dismissed")
_DESCRIBED = {
    "title": TEXT,
    "description": TEXT,
    "keywords": WORDS,
    "metadata": {"type": "array", "items": OBJECT},
}
SERVICE = {
    "link": a(("href",), href=TEXT, rel=TEXT, type=TEXT, hreflang=TEXT, title=TEXT),
    "landingPage": a(("links",), title=TEXT, description=TEXT, links=LINKS),
    "confClasses": a(("conformsTo",), conformsTo=WORDS),
    "health": a(("status",), status=one_of("pass", "fail"), store=TEXT, infrastructures=OBJECT),
    "infrastructure": a(("id", "type"), id=TEXT, name=TEXT, type=TEXT, links=LINKS),
    "infrastructureList": a(
        ("infrastructures", "links"), infrastructures=list_of("infrastructure"), links=LINKS
    ),
    "problem": a(
        ("type", "title", "status"),
        type=TEXT,
        title=TEXT,
        status=WHOLE,
        detail=TEXT,
        instance=TEXT,
        errors={"type": "array", "items": a((), pointer=TEXT, detail=TEXT)},
    ),
}
PROCESSES = {
    "processSummary": a(
        ("id", "version"),
        id=TEXT,
        version=TEXT,
        **_DESCRIBED,
        jobControlOptions={
            "type": "array",
            "items": one_of("sync-execute", "async-execute", "dismiss"),
        },
        outputTransmission={"type": "array", "items": one_of("value", "reference")},
        mutable=FLAG,
        links=LINKS,
    ),
    "processList": a(("processes", "links"), processes=list_of("processSummary"), links=LINKS),
    "inputDescription": a(
        ("schema",),
        id=TEXT,
        **_DESCRIBED,
        minOccurs=WHOLE,
        maxOccurs={"anyOf": [WHOLE, one_of("unbounded")]},
        valuePassing={"type": "array", "items": one_of("byValue", "byReference")},
        schema=OBJECT,
    ),
    "outputDescription": a(("schema",), id=TEXT, **_DESCRIBED, schema=OBJECT),
    "process": {
        "allOf": [
            ref("processSummary"),
            a(
                (),
                inputs={"type": "object", "additionalProperties": ref("inputDescription")},
                outputs={"type": "object", "additionalProperties": ref("outputDescription")},
                examples=OBJECT,
            ),
        ]
    },
    "method": {"type": "object", "description": "CCP's method.json.", "required": ["id"]},
    "bbox": a(
        ("bbox",),
        bbox={"type": "array", "items": NUMBER, "minItems": 4, "maxItems": 6},
        crs=TEXT,
    ),
    "format": a((), mediaType=TEXT, encoding=TEXT, schema={}),
    "qualifiedValue": a(("value",), value={}, mediaType=TEXT, encoding=TEXT, schema={}),
    "outputRequest": a((), transmissionMode=one_of("value", "reference"), format=ref("format")),
    "subscriber": a((), successUri=TEXT, inProgressUri=TEXT, failedUri=TEXT),
    "execute": a(
        (),
        inputs={"type": "object", "description": "Input id -> value."},
        outputs={"type": "object", "additionalProperties": ref("outputRequest")},
        response=one_of("raw", "document"),
        subscriber=ref("subscriber"),
    ),
    "results": {"type": "object", "description": "Output id -> value, or link."},
}
_DEFINITION: dict[str, Schema] = {
    "inputs": {"type": "object", "description": "Input id -> value."},
    "outputs": {"type": "object", "additionalProperties": ref("outputRequest")},
}
JOBS = {
    "definition": a((), process=TEXT, **_DEFINITION, subscriber=ref("subscriber")),
    "jobInputs": a(("inputs", "outputs"), **_DEFINITION, links=LINKS),
    "statusInfo": a(
        ("jobID", "id", "status", "type", "processingEntityType"),
        jobID=TEXT,
        id=TEXT,
        status=one_of(*STATUSES),
        type=one_of("process"),
        processingEntityType=TEXT,
        processID=TEXT,
        process=TEXT,
        message=TEXT,
        phase=TEXT,
        created=MOMENT,
        started=MOMENT,
        finished=MOMENT,
        updated=MOMENT,
        progress={"type": "integer", "minimum": 0, "maximum": 100},
        note=TEXT,
        tags=WORDS,
        exception=OBJECT,
        links=LINKS,
        **{"x-ccp-infrastructure": TEXT},
    ),
    "labels": a(
        ("note", "tags"),
        note={"type": "string", "maxLength": 2_000},
        tags={"type": "array", "maxItems": 20, "items": {"type": "string", "maxLength": 50}},
    ),
    "severalDone": a(
        ("do", "done", "jobs", "refused"),
        do=one_of("cancel", "delete", "tag", "untag"),
        done=WHOLE,
        jobs=WORDS,
        refused={"type": "array", "items": a(("jobID", "detail"), jobID=TEXT, detail=TEXT)},
        tag=TEXT,
        next=TEXT,
    ),
    "several": a(
        ("do",),
        do=one_of("cancel", "delete", "tag", "untag", "compare"),
        job=WORDS,
        all=TEXT,
        tag=TEXT,
        sure=TEXT,
    ),
    "labelsForm": a((), note=TEXT, tags=TEXT),
    "againForm": a((), key=TEXT),
    "report": a(
        ("jobID", "status", "timeline", "ran", "inputs"),
        jobID=TEXT,
        status=TEXT,
        timeline={
            "type": "array",
            "items": a(
                ("phase", "began", "seconds"),
                phase=TEXT,
                attempt=WHOLE,
                began=MOMENT,
                ended=MOMENT,
                seconds=NUMBER,
            ),
        },
        ran=OBJECT,
        inputs={
            "type": "array",
            "items": a(
                ("name", "size", "sha256"),
                name=TEXT,
                size=WHOLE,
                sha256=TEXT,
                value=TEXT,
                source=TEXT,
            ),
        },
        queue=a(("place", "own", "all"), place=WHOLE, own=WHOLE, all=WHOLE),
        explanation=a(
            ("title", "means", "advice", "lastLines"),
            title=TEXT,
            means=TEXT,
            advice=WORDS,
            lastLines=WORDS,
        ),
        links=LINKS,
    ),
    "comparison": a(
        ("jobs", "rows"),
        jobs=list_of("statusInfo"),
        rows={
            "type": "array",
            "items": a(
                ("kind", "name", "same"),
                kind=one_of("run", "input", "output", "duration"),
                name=TEXT,
                first={"description": "A text, or null."},
                second={"description": "A text, or null."},
                same=FLAG,
            ),
        },
    ),
    "share": a(
        ("id", "created", "expires"),
        id=TEXT,
        label=TEXT,
        created=MOMENT,
        expires=MOMENT,
        href=TEXT,
        job=TEXT,
    ),
    "shareList": a(("shares", "links"), shares=list_of("share"), links=LINKS),
    "wantedShare": a(
        ("days",),
        days={"type": "integer", "minimum": 1, "maximum": 365},
        label={"type": "string", "maxLength": 100},
    ),
    "wantedShareForm": a(("days",), days=TEXT, label=TEXT),
    "sharedJob": {
        "allOf": [
            ref("statusInfo"),
            a((), report=OBJECT, files=list_of("file"), logs=list_of("file")),
        ]
    },
    "version": a(
        ("number", "version", "created"),
        number=WHOLE,
        version=TEXT,
        title=TEXT,
        created=MOMENT,
    ),
    "versionList": a(("id", "versions"), id=TEXT, versions=list_of("version"), links=LINKS),
    "changes": a(
        ("id", "to", "changes"),
        **{"id": TEXT, "from": {"description": "A version, or null."}, "to": ref("version")},
        changes={
            "type": "array",
            "items": a(("name",), name=TEXT, lines={"description": "Texts, or null: too long."}),
        },
    ),
    "languageList": a(
        ("languages", "links"),
        languages={
            "type": "array",
            "items": a(
                ("id", "href", "tested"),
                id=TEXT,
                title=TEXT,
                kind=TEXT,
                needs=TEXT,
                tested=one_of("executed", "parsed"),
                remark=TEXT,
                type=TEXT,
                href=TEXT,
            ),
        },
        links=LINKS,
    ),
    "jobList": a(("jobs", "links"), jobs=list_of("statusInfo"), links=LINKS, searchedTo=MOMENT),
    "executionList": list_of("statusInfo"),
    "file": a(
        ("path", "href"), path=TEXT, size=WHOLE, sha256=TEXT, type=TEXT, href=TEXT, preview=TEXT
    ),
    "preview": a(("path", "preview"), path=TEXT, preview=OBJECT, links=LINKS),
    "execution": {
        "allOf": [
            ref("statusInfo"),
            a(
                (),
                metadata=WORDS,
                files=list_of("file"),
                logs=list_of("file"),
                skipped={"type": "array", "items": OBJECT},
                archive=ref("link"),
            ),
        ]
    },
}
CALLBACKS = {
    "delivery": a(
        ("id", "jobID", "event", "url", "state", "attempts"),
        id=TEXT,
        jobID=TEXT,
        event=one_of("success", "progress", "failure"),
        url=TEXT,
        state=one_of("pending", "delivered", "dead", "gone"),
        attempts=WHOLE,
        detail=TEXT,
        created=MOMENT,
        tried=MOMENT,
        due=MOMENT,
        links=LINKS,
    ),
    "deadDelivery": a(
        ("id", "jobID", "event", "target", "state", "attempts"),
        id=TEXT,
        jobID=TEXT,
        event=TEXT,
        target=TEXT,
        state=TEXT,
        attempts=WHOLE,
        detail=TEXT,
        created=MOMENT,
    ),
    "operatorView": a(
        ("version", "infrastructures", "queues", "accounts", "numberOfAccounts", "deadDeliveries"),
        version=TEXT,
        infrastructures=list_of("infrastructure"),
        queues={"type": "array", "items": OBJECT},
        accounts={"type": "array", "items": OBJECT},
        numberOfAccounts=WHOLE,
        deadDeliveries=list_of("deadDelivery"),
        links=LINKS,
    ),
    "deliveryList": a(("deliveries", "links"), deliveries=list_of("delivery"), links=LINKS),
    "webhookSecret": a(
        ("secret",), secret=TEXT, before=a(("secret", "until"), secret=TEXT, until=MOMENT)
    ),
}
UPLOADS = {
    "upload": a(
        ("id", "href", "length", "offset", "complete"),
        id=TEXT,
        href=TEXT,
        name=TEXT,
        type=TEXT,
        length=WHOLE,
        offset=WHOLE,
        complete=FLAG,
        sha256=TEXT,
        created=MOMENT,
        expires=MOMENT,
    ),
    "uploadList": a(
        ("uploads", "limits", "links"),
        uploads=list_of("upload"),
        limits=a((), largest=WHOLE, together=WHOLE, left=WHOLE, days=NUMBER),
        links=LINKS,
    ),
}
SIGN_IN = {
    "token": {
        "description": "A token; or what was asked for by response_mode.",
        "anyOf": [
            a(
                ("access_token", "token_type"),
                access_token=TEXT,
                token_type=TEXT,
                expires_in=WHOLE,
                refresh_token=TEXT,
                refresh_expires_in=WHOLE,
                scope=TEXT,
            ),
            a(("result",), result=FLAG),
            {"type": "array", "items": OBJECT},
        ],
    },
    "tokenRequest": a(
        ("grant_type",),
        grant_type=TEXT,
        client_id=TEXT,
        client_secret=TEXT,
        username=TEXT,
        password=TEXT,
        refresh_token=TEXT,
        device_code=TEXT,
        audience=TEXT,
        scope=TEXT,
    ),
    "tokenError": a(("error",), error=TEXT, error_description=TEXT),
    "deviceRequest": a(("client_id",), client_id=TEXT, scope=TEXT),
    "deviceAnswer": a(
        ("device_code", "user_code", "verification_uri", "expires_in"),
        device_code=TEXT,
        user_code=TEXT,
        verification_uri=TEXT,
        verification_uri_complete=TEXT,
        expires_in=WHOLE,
        interval=WHOLE,
    ),
    "deviceForm": a(("user_code", "decision"), user_code=TEXT, decision=TEXT),
    "signInForm": a(("secret",), secret=TEXT),
    "editorForm": {**OBJECT, "additionalProperties": TEXT},
    "codeForm": {
        "type": "object",
        "description": "An inputForm, with the language, and show: page or file.",
        "required": ["language"],
        "properties": {"language": TEXT, "show": {"type": "string", "enum": ["page", "file"]}},
        "additionalProperties": TEXT,
    },
    "inputForm": {
        "type": "object",
        "description": "value:x, secret:x, href:x, upload:x for an input x; key once a form.",
        "properties": {"key": TEXT},
        "additionalProperties": TEXT,
    },
}
SCHEMAS: dict[str, Schema] = {**SERVICE, **PROCESSES, **JOBS, **CALLBACKS, **UPLOADS, **SIGN_IN}
