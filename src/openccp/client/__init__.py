"""The Python client of the HTTP API.

ccp = Client("http://127.0.0.1:8080")
job = ccp.run("csv-summary", table="penguins.csv")
job.wait()
job.results()
"""

from openccp.client.asynchronous import AsyncClient, AsyncJob
from openccp.client.blocking import Client, Job
from openccp.client.errors import (
    CCPError,
    Fault,
    JobDismissed,
    JobFailed,
    NotAuthenticated,
    NotFound,
    Refused,
    Unreachable,
)
from openccp.client.files import File
from openccp.client.logs import LogText

__all__ = [
    "AsyncClient",
    "AsyncJob",
    "CCPError",
    "Client",
    "Fault",
    "File",
    "Job",
    "JobDismissed",
    "JobFailed",
    "LogText",
    "NotAuthenticated",
    "NotFound",
    "Refused",
    "Unreachable",
]
