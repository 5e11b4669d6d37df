"""A program written against the client that openapi-generator makes: list, describe, run, read."""

import json
import sys
import time

import ccp_generated as ccp

url, token = sys.argv[1:]
with ccp.ApiClient(ccp.Configuration(host=url, access_token=token)) as client:
    processes, jobs = ccp.ProcessesApi(client), ccp.JobsApi(client)
    assert "echo" in {process.id for process in processes.list_processes(limit=100).processes}
    described = processes.describe_process("echo")
    assert described.inputs["pause"].var_schema["type"] == "number"
    wanted = {"inputs": {"message": "hello", "numbers": [1, 2]}}
    request = ccp.ExecuteEchoRequest.from_dict(wanted)
    job = processes.execute_echo(request, prefer="respond-async")
    assert isinstance(job, ccp.StatusInfo)
    while jobs.get_job(job.job_id).status in ("accepted", "running"):
        time.sleep(0.1)
    assert jobs.get_job(job.job_id).status == "successful"
    results = json.loads(jobs.get_results_without_preload_content(job.job_id).data)
    assert (results["message"], results["numbers"]) == ("hello", [1, 2])
    missing = processes.describe_process_without_preload_content("never-deployed")
    assert missing.status == 404
