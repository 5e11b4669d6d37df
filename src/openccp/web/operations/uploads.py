"""The operations of uploads, in the words of tus 1.0."""

from openccp.core.problems import BodyTooLarge, InvalidRequest, PreconditionFailed
from openccp.core.uploads import ChecksumMismatch, QuotaExceeded, UploadMoved
from openccp.web.operations.shape import (
    TEXT,
    WHOLE,
    Operation,
    Parameter,
    json_answer,
    nothing,
    page,
)

PIECE = "application/offset+octet-stream"
COUNT = {**WHOLE, "minimum": 0}
STATE = ("Tus-Resumable", "Upload-Offset", "Upload-Length", "Upload-Expires", "Repr-Digest")
ONE = "/uploads/{uploadID}"
VERSION = Parameter("Tus-Resumable", "header", "The version of tus: 1.0.0, or nothing.")
CHECKSUM = Parameter(
    "Upload-Checksum", "header", "sha256 (or sha1) and the hash of this body in base64."
)
OPERATIONS = (
    Operation(
        "get",
        "/uploads",
        "listUploads",
        "Your uploads, and how much room there is",
        (page("uploadList", "Uploads, the oldest first."),),
    ),
    Operation(
        "post",
        "/uploads",
        "createUpload",
        "Take room for a file; its beginning, or all of it, may come along",
        (json_answer("upload", "Made.", "Location", *STATE, status=201),),
        parameters=(
            Parameter("Upload-Length", "header", "Bytes of the file; else the body's.", COUNT),
            Parameter(
                "Upload-Metadata",
                "header",
                "filename, filetype and sha256 (of all, in hex), each with its value in base64.",
                TEXT,
            ),
            CHECKSUM,
            VERSION,
        ),
        refusals=(
            InvalidRequest,
            BodyTooLarge,
            QuotaExceeded,
            UploadMoved,
            ChecksumMismatch,
            PreconditionFailed,
        ),
        body={PIECE: "bytes", "application/octet-stream": "bytes"},
        body_optional=True,
    ),
    Operation(
        "get",
        ONE,
        "getUpload",
        "How far an upload is; with HEAD in headers only",
        (page("upload", "As it is.", *STATE),),
        parameters=(VERSION,),
        refusals=(ChecksumMismatch, PreconditionFailed),
    ),
    Operation(
        "patch",
        ONE,
        "continueUpload",
        "The bytes from Upload-Offset on",
        (nothing("Kept.", *STATE),),
        parameters=(
            Parameter("Upload-Offset", "header", "Where this piece begins.", COUNT),
            CHECKSUM,
            VERSION,
        ),
        refusals=(InvalidRequest, UploadMoved, ChecksumMismatch, PreconditionFailed),
        body={PIECE: "bytes"},
    ),
    Operation(
        "delete",
        ONE,
        "removeUpload",
        "Remove an upload",
        (nothing("Removed.", "Tus-Resumable"),),
        parameters=(VERSION,),
        refusals=(PreconditionFailed,),
    ),
)
