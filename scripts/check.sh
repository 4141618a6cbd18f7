#!/bin/sh
# Everything that needs no test run, each check named; all run, the exit code says whether any failed.
set -u
cd "$(dirname "$0")/.."
. scripts/clean-environment.sh
bin=.venv/bin
failed=""

check() {  # name, command…
    name=$1; shift
    started=$(date +%s)
    if output=$("$@" 2>&1); then
        printf '  ok    %-22s %3ss\n' "$name" $(($(date +%s) - started))
    else
        printf '  FAIL  %-22s\n%s\n' "$name" "$output"
        failed="$failed $name"
    fi
}

echo "Checks"
check "ruff" $bin/ruff check .
check "ruff format" $bin/ruff format --check .
check "mypy" $bin/mypy
check "import-linter" $bin/lint-imports
check "djlint" $bin/djlint --quiet --lint templates
check "deptry" $bin/deptry .
check "lock files" $bin/python scripts/check_lock.py
check "django" $bin/python manage.py check --deploy --fail-level ERROR
check "migrations" $bin/python manage.py makemigrations --check --dry-run

[ -z "$failed" ] || { echo "Failed:$failed"; exit 1; }
