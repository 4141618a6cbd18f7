#!/bin/sh
# Compile the lock files: hashes, no addresses. `--check` compares instead of writing.
set -eu
cd "$(dirname "$0")/.."
options="--quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header"
compile() {  # target, then extra arguments
    target=$1; shift
    # shellcheck disable=SC2086
    .venv/bin/uv pip compile $options "$@" pyproject.toml --output-file "$target"
}
compile requirements/base.txt
compile requirements/dev.txt --extra dev
