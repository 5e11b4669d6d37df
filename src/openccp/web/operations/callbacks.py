"""The operations on callbacks."""

from openccp.core.deliveries import AlreadyDelivered, DeliveryState
from openccp.web.operations.parameters import AFTER, LIMIT
from openccp.web.operations.shape import Operation, Parameter, page

STATE = Parameter(
    "state",
    "query",
    "Deliveries in this state.",
    {"type": "string", "enum": [state.value for state in DeliveryState]},
)
JOB = Parameter("jobID", "query", "Deliveries of this job.")
OPERATIONS = (
    Operation(
        "get",
        "/deliveries",
        "listDeliveries",
        "What was posted to your subscribers, newest first",
        (page("deliveryList", "A page of deliveries."),),
        parameters=(LIMIT, AFTER, STATE, JOB),
    ),
    Operation(
        "get",
        "/deliveries/{deliveryID}",
        "getDelivery",
        "One delivery",
        (page("delivery", "The delivery."),),
    ),
    Operation(
        "post",
        "/deliveries/{deliveryID}/retry",
        "retryDelivery",
        "Send it again",
        (page("delivery", "The delivery, due now."),),
        refusals=(AlreadyDelivered,),
    ),
    Operation(
        "get",
        "/account/webhook-secret",
        "getWebhookSecret",
        "What your callbacks are signed with",
        (page("webhookSecret", "The secret."),),
    ),
    Operation(
        "post",
        "/account/webhook-secret",
        "rotateWebhookSecret",
        "A new secret to sign callbacks with",
        (page("webhookSecret", "The secret, and the one before it."),),
    ),
)
