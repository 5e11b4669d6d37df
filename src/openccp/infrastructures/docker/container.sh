# Runs first in a container: PIPED STAGE SCRIPTS MARKS WORKING_FOLDER. A container that is started
# a second time, by whomever, does nothing: the claim is made once. One that waits for a job learns
# by a line from a pipe that its folders are filled.
piped=$1
shift
if [ "$piped" = waiting ]; then
    exec 9<>/run/ccp/script/bell || exit 125
    read -r piped <&9
    exec 9<&-
fi
(set -C; : >"$HOME/.ccp-claim-$1") 2>/dev/null || exit 125
exec </dev/null >>/ccp/stdout 2>>/ccp/stderr
shell=sh
command -v bash >/dev/null 2>&1 && shell=bash
[ "$piped" = piped ] && exec sh /ccp/piped.sh "$shell" /ccp/entry.sh "$@"
exec "$shell" /ccp/entry.sh "$@"
