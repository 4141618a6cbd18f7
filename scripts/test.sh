#!/bin/sh
# Every test but the slow ones, with branch coverage and its gates.
set -eu
cd "$(dirname "$0")/.."
bin=.venv/bin
$bin/coverage erase
status=0
$bin/python -m pytest -m "not slow" --cov --cov-report= "$@" || status=$?
$bin/python scripts/check_coverage.py || status=1
exit $status
