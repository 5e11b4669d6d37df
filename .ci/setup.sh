# Sourced by ./run and ./test: brings the locked packages into .venv, quick when repeated.

find_python() {
    for name in ${PYTHON:-} python3.11 python3.12 python3.13 python3.14 python3; do
        if command -v "$name" >/dev/null 2>&1 &&
            "$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    echo "OpenCCP needs Python 3.11 or newer with venv (Debian: apt-get install python3 python3-venv)." >&2
    exit 1
}

setup() { # setup run|dev
    locks="requirements/run.txt"
    [ "$1" = dev ] && locks="$locks requirements/dev.txt"
    for tier in dev "$1"; do
        [ "$(cat ".venv/.$tier-stamp" 2>/dev/null)" = "$(_stamp "$tier")" ] && return 0
    done
    python="$(find_python)" || exit 1
    echo "Setting up (once) ..." >&2
    .venv/bin/python -m pip --version >/dev/null 2>&1 || "$python" -m venv --clear .venv
    if ! { .venv/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9 &&
        .venv/bin/uv pip install --quiet --python .venv/bin/python --require-hashes $(printf -- '-r %s ' $locks) &&
        .venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --editable .; }; then
        echo "OpenCCP could not get its packages: check that this machine reaches a Python package registry." >&2
        exit 1
    fi
    _stamp "$1" >".venv/.$1-stamp"
}

# The tier's locks and the place: a moved checkout or a new lock is set up anew.
_stamp() {
    files="pyproject.toml requirements/run.txt"
    [ "$1" = dev ] && files="$files requirements/dev.txt"
    echo "$(pwd) $(cat $files | cksum)"
}
