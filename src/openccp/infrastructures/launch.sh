# Starts one replica, then becomes it: REPLICA_FOLDER "CGROUP..." FSIZE CPU NPROC AS -- COMMAND...
# Opening the pid file exclusively is the claim: whoever comes second starts nothing, and the
# claim holds when whoever asked for the start is long dead. Sizes are in the shell's units.
set -C
IFS= read -r boot </proc/sys/kernel/random/boot_id
IFS= read -r stat </proc/$$/stat
{ echo "$boot $stat" >"$1/pid"; } 2>/dev/null || exit 0
set +C
for group in $2; do
    echo 0 >"$group/cgroup.procs" || exit 125
done
echo 500 >/proc/$$/oom_score_adj 2>/dev/null
ulimit -c 0
ulimit -f "$3"
ulimit -t "$4"
if [ "$5" != - ]; then ulimit -u "$5" 2>/dev/null || ulimit -p "$5"; fi
if [ "$6" != - ]; then ulimit -v "$6"; fi
shift 7
umask 022
exec "$@"
