"""What an execution posts to its subscribers, as the API document describes it."""

from typing import Any

from openccp.web.openapi.schema_words import ref
from openccp.web.operations.shape import JSON, TEXT

_POSTED = {
    "jobSuccess": ("successUri", "results", "The results, each by a link."),
    "jobProgress": ("inProgressUri", "statusInfo", "The status of the job while it runs."),
    "jobFailure": ("failedUri", "problem", "Why the job failed, or that it was dismissed."),
}
_SIGNED = {
    "webhook-id": "The id of the message, the same each time it is sent.",
    "webhook-timestamp": "When it was sent, in seconds since 1970.",
    "webhook-signature": "Signatures of id, timestamp and body (Standard Webhooks).",
}


def _posted(address: str, schema: str, words: str) -> dict[str, Any]:
    return {
        f"{{$request.body#/subscriber/{address}}}": {
            "post": {
                "summary": words,
                "parameters": [
                    {"name": name, "in": "header", "description": said, "schema": TEXT}
                    for name, said in _SIGNED.items()
                ],
                "requestBody": {"content": {JSON: {"schema": ref(schema)}}},
                "responses": {
                    "2XX": {"description": "It arrived."},
                    "410": {"description": "Nothing more is to be sent to this address."},
                },
            }
        }
    }


CALLBACKS = {name: _posted(*posted) for name, posted in _POSTED.items()}
CALLBACK_REFERENCES = {name: {"$ref": f"#/components/callbacks/{name}"} for name in CALLBACKS}
