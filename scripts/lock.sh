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
# what benchmarks are compared with, each for an environment of its own (tests/benchmarks/peers.py)
for peer in rlms==0.1.3 dspy==3.4.1 minrlm==0.1.5; do
    # shellcheck disable=SC2086
    echo "$peer" | .venv/bin/uv pip compile $options - --output-file "requirements/peers-${peer%%==*}.txt"
done
