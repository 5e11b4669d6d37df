# Inside the sandbox, for scripts that open /dev/stdout or /dev/stderr by name: runs COMMAND...
# with pipes there, since the log files themselves are not the job's to open.
mkfifo /tmp/.ccp-stdout /tmp/.ccp-stderr || exit 125
(trap '' TERM; exec cat) </tmp/.ccp-stdout &
out=$!
(trap '' TERM; exec cat >&2) </tmp/.ccp-stderr &
err=$!
"$@" >/tmp/.ccp-stdout 2>/tmp/.ccp-stderr &
child=$!
trap : TERM
wait "$child"
code=$?
while kill -0 "$child" 2>/dev/null; do
    wait "$child"
    code=$?
done
# What is still in the pipes comes out at once; children left behind must not hold the job.
(sleep 1; kill -KILL "$out" "$err") >/dev/null 2>&1 &
wait "$out"
wait "$err"
exit "$code"
