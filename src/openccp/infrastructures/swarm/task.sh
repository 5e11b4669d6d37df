# Runs first in a task and stays beside the job: PIPED STAGE SCRIPTS MARKS WORKING_FOLDER. It writes
# down how the job ended and what the kernel counted: the container is gone before anybody looks.
ended=$HOME/.ccp-ended-$2
count() {
    [ -r "$1" ] && while read -r word number; do
        [ "$word" = "$2" ] && counted=$number
    done <"$1"
}
keep=
setpriv --no-new-privs true 2>/dev/null && keep="setpriv --no-new-privs"
$keep sh /ccp/container.sh "$@" &
child=$!
trap 'kill -TERM -1' TERM
wait "$child"
code=$?
while kill -0 "$child" 2>/dev/null; do
    wait "$child"
    code=$?
done
counted=0
count /sys/fs/cgroup/memory/memory.oom_control oom_kill
count /sys/fs/cgroup/memory.events oom_kill
memory=$counted counted=0
count /sys/fs/cgroup/pids/pids.events max
count /sys/fs/cgroup/pids.events max
(set -C; printf '%s %s %s\n' "$code" "$memory" "$counted" >"$ended") 2>/dev/null
exit "$code"
