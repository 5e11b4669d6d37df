# Runs on a node, as the job's user: STAGE_FOLDER. A copy that comes second starts nothing.
stage=$1 index=${SLURM_ARRAY_TASK_ID:-0}
own=$stage/node/$index
umask 022
(set -C; echo "$SLURM_JOB_ID ${SLURMD_NODENAME:-}" >"$own.claim") 2>/dev/null || exit 125
. "$stage/$index.start"
exec </dev/null >>"$out" 2>>"$err" 3>>"$own.status"
page=$(getconf PAGE_SIZE)

first() { # the first process of the sandbox
    sed -n 's/.*"child-pid": *\([0-9]*\).*/\1/p' "$own.status" | head -n 1
}

alive() { # PID; a zombie has no namespaces any more
    [ -n "$1" ] && readlink "/proc/$1/ns/pid" >/dev/null 2>&1
}

tally() { # PID: adds it and all below it to count and pages
    { read -r _ resident _ <"/proc/$1/statm"; } 2>/dev/null || return
    count=$((count + 1)) pages=$((pages + resident)) seen="$seen $1"
    for kin in /proc/"$1"/task/*/children; do
        below=
        { read -r below <"$kin"; } 2>/dev/null
        for kid in $below; do tally "$kid"; done
    done
}

held() { # bytes of all that were seen, what they share counted once
    bytes=0
    for pid in $seen; do
        { while read -r name kib _; do
            [ "$name" = Pss: ] && bytes=$((bytes + kib * 1024))
        done <"/proc/$pid/smaps_rollup"; } 2>/dev/null
    done
}

convict() { # REASON DETAIL: why, then the end
    printf '%s\n' "$*" >"$own.verdict"
    kill -KILL "${init:-$child}"
    exit
}

watch() { # limits that no kernel counts for us, and whether anybody still waits for this job
    crowded=0 peak=0
    init=
    while sleep 0.5; do
        [ -n "$init" ] || init=$(first)
        [ -e "$stage/plan" ] || convict gone
        count=0 pages=0 seen=
        tally "$child"
        if [ "$pages" -gt "$peak" ]; then
            peak=$pages
            echo "$((peak * page))" >"$own.peak"
        fi
        if [ $((pages * page)) -gt "$memory" ]; then
            held
            [ "$bytes" = 0 ] && bytes=$((pages * page))
            [ "$bytes" -gt "$memory" ] && convict memory "$bytes of $memory bytes"
        fi
        if [ "$count" -ge $((processes * 9 / 10)) ]; then crowded=$((crowded + 1)); else crowded=0; fi
        [ "$crowded" -ge 4 ] && convict pids "$count processes, $processes allowed"
    done
}

leave() { # asked to end: what runs has the grace that the platform left here, or ten seconds
    init=$(first) tenths=100 seen=
    # A signal for the whole job reaches this shell's group only: what is inside has its own.
    alive "$init" && tally "$init" && kill -TERM $seen 2>/dev/null
    while alive "$init"; do
        { read -r now <"$stage/grace"; } 2>/dev/null && [ "$now" -lt "$tenths" ] && tenths=$now
        [ "$tenths" -le 0 ] && kill -KILL "$init"
        tenths=$((tenths - 1))
        sleep 0.1
    done
    if kill -0 "$child" 2>/dev/null; then
        wait "$child"
        code=$?
    fi
}

asked=0
trap 'asked=$((asked + 1))' TERM
begin &
child=$!
watch >/dev/null 2>&1 3>&- &
watcher=$!
while wait "$child"; code=$?; [ "$asked" = 0 ] && kill -0 "$child" 2>/dev/null; do :; done
# A sandbox may outlive what started it, if only that was killed.
if [ "$asked" != 0 ] || ! grep -q '"exit-code"' "$own.status"; then leave; fi
kill "$watcher" 2>/dev/null
echo "$code $asked" >"$own.end.new"
mv "$own.end.new" "$own.end"
exit "$code"
