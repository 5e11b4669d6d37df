# Runs first in a container: PIPED STAGE SCRIPTS MARKS WORKING_FOLDER. A container that is started
# a second time, by whomever, does nothing: the claim is made once.
piped=$1
shift
(set -C; : >"$HOME/.ccp-claim-$1") 2>/dev/null || exit 125
exec </dev/null >>/ccp/stdout 2>>/ccp/stderr
shell=sh
command -v bash >/dev/null 2>&1 && shell=bash
[ "$piped" = piped ] && exec sh /ccp/piped.sh "$shell" /ccp/entry.sh "$@"
exec "$shell" /ccp/entry.sh "$@"
