"""The operations of carriers: tasks of the platform's own, beside jobs on nodes elsewhere."""

from openccp.core.problems import BodyTooLarge, MalformedBody, NotFound
from openccp.web.operations.shape import JSON, Answer, Operation, json_answer, nothing

TAR = "application/x-tar"
STAGE = "/carriers/{infrastructureID}/{attempt}/{stage}"
OPERATIONS = (
    Operation(
        "post",
        "/carriers/{infrastructureID}/{attempt}",
        "tellNews",
        "What goes on at a node; with the token of the attempt only",
        (json_answer("object", "What to do there."),),
        refusals=(NotFound, MalformedBody, BodyTooLarge),
        body={JSON: "object"},
        open=True,
    ),
    Operation(
        "get",
        STAGE,
        "getStageInputs",
        "What a stage of a job needs on its node; with the token of the attempt only",
        (Answer(200, "A tar.", {TAR: "bytes"}),),
        refusals=(NotFound,),
        open=True,
    ),
    Operation(
        "put",
        STAGE,
        "putStageResults",
        "What a stage of a job left, once; with the token of the attempt only",
        (nothing("Taken in."),),
        refusals=(NotFound, MalformedBody, BodyTooLarge),
        body={TAR: "bytes"},
        open=True,
    ),
)
