# Sourced by ./test: real programs that the tests meet, from Debian's packages where we may install.

SLURM="munge slurmctld slurmd slurm-client slurmrestd slurm-wlm-basic-plugins slurm-wlm-jwt-plugin slurmdbd slurm-wlm-mysql-plugin mariadb-server-core mariadb-client-core"
MONO="mono-mcs mono-runtime libmono-system-net-http4.0-cil libmono-system-runtime-serialization4.0-cil libmono-system-xml-linq4.0-cil"
PACKAGES="iptables nginx postgresql busybox chromium r-base-core r-cran-httr r-cran-jsonlite r-cran-rstudioapi docker.io openssh-server docker-registry apache2-utils ruby php-cli php-curl r-cran-httr2 r-cran-openssl jq curl wget unzip octave $MONO mmdebstrap $SLURM"

services() {
    missing=""
    command -v java >/dev/null 2>&1 || PACKAGES="$PACKAGES default-jdk-headless"
    for package in $PACKAGES; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing="$missing $package"
    done
    [ -z "$missing" ] && return 0
    if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" != 0 ]; then
        echo "Not installed, so what needs them is skipped:$missing" >&2
        return 0
    fi
    echo "Installing for the tests:$missing" >&2
    if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } >/dev/null 2>&1; then
        echo "Could not install for the tests:$missing" >&2
        [ "${CI:-}" = true ] && exit 1
    fi
    return 0
}
