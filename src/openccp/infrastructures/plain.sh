# Without a sandbox: runs COMMAND..., and says on descriptor 3 what a sandbox would have said.
"$@" 3>&- &
child=$!
echo "{\"child-pid\": $child}" >&3
trap : TERM
wait "$child"
code=$?
while kill -0 "$child" 2>/dev/null; do
    wait "$child"
    code=$?
done
echo "{\"exit-code\": $code}" >&3
exit "$code"
