"""Programs that run a method: one template a language, all of them the same program.

What each of them does, in this order:

1. Sign in: CCP_TOKEN from the environment is used as it is. Without it CCP_USER and CCP_PASSWORD,
   asked for on a terminal where they are missing, are exchanged for a token, and where
   CCP_CONTEXT names a context that one for its RPT (CCP's way). No credential is in the text.
2. Send the request with a fresh Idempotency-Key, so that sending it again starts nothing twice.
3. Follow the job with a growing pause and a line that tells how far it is. A lost connection, 429
   and 5xx are waited out; a 401 signs in again, for which a token alone is not enough.
4. Stop at every final status. A failed job is told with its reason (exit code 1), a dismissed one
   as such (5); whatever else goes wrong ends with 2.
5. Bring every file and log of the record into a folder named after the job. A download that was
   cut goes on where it stopped; each file has to have the SHA-256 that the record says.
6. List what was brought.

Values of inputs stand in the text as JSON (in Python as literals), see `literals`; those of secret
inputs come from the environment or a prompt, files from their paths.
"""
