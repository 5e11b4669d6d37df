# Runs inside the sandbox: STAGE SCRIPTS MARKS WORKING_FOLDER. Deploy and execute share this shell.
# On TERM the foreground program gets a TERM of its own; the shell leaves once that has ended.
trap 'exit 143' TERM
ccp_stage=$1 ccp_scripts=$2 ccp_marks=$3
readonly ccp_stage ccp_scripts ccp_marks
export PATH="$PATH:$HOME/.local/bin" R_LIBS_USER="$HOME/R"
cd "$4" || exit 125
. "$ccp_scripts/values"
shift 4
if [ "$ccp_stage" = run ]; then
    printf 'deploying\n' >>"$ccp_marks"
    set -e
    . "$ccp_scripts/deploy"
    set +e
fi
printf 'executing\n' >>"$ccp_marks"
. "$ccp_scripts/main"
ccp_code=$?
printf 'executed %s\n' "$ccp_code" >>"$ccp_marks"
exit "$ccp_code"
