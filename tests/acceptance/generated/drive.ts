// A program written against the types that openapi-typescript makes: execute, follow, read.
import type { paths } from "./api";

type Execution = paths["/processes/echo/execution"]["post"];
type Body = Execution["requestBody"]["content"]["application/json"];
type Job = paths["/jobs/{jobID}"]["get"]["responses"]["200"]["content"]["application/json"];

const body: Body = { inputs: { message: "hello", numbers: [1, 2], pause: 0 } };
// @ts-expect-error a pause is a number, or one in a wrapping
const wrong: Body = { inputs: { message: "hello", pause: [true] } };
// @ts-expect-error there is no such input
const unknown: Body = { inputs: { message: "hello", massage: "hello" } };

declare const process: { argv: string[]; exit(code: number): void };
const [url, token] = process.argv.slice(2) as [string, string];
const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };

async function get<T>(address: string): Promise<T> {
  return (await (await fetch(address, { headers })).json()) as T;
}

async function run(): Promise<void> {
  const sent = { method: "POST", headers: { ...headers, Prefer: "respond-async" }, body: JSON.stringify(body) };
  let job = (await (await fetch(`${url}/processes/echo/execution`, sent)).json()) as Job;
  while (job.status === "accepted" || job.status === "running") {
    job = await get<Job>(`${url}/jobs/${job.jobID}`);
  }
  const results = await get<{ message: string }>(`${url}/jobs/${job.jobID}/results`);
  process.exit(job.status === "successful" && results.message === "hello" ? 0 : 1);
}
void [wrong, unknown];
void run();
