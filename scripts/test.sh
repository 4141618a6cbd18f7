#!/bin/sh
# Every test but the slow ones, with branch coverage and its floors. The browser's driver keeps an event loop running in
# its process, so browser tests have one of their own.
set -eu
cd "$(dirname "$0")/.."
bin=.venv/bin
$bin/coverage erase
status=0
$bin/coverage run -m pytest -m "not slow and not browser" "$@" || status=$?
$bin/coverage run -m pytest -m "browser and not slow" "$@" || status=$?
$bin/python scripts/check_coverage.py || status=1
exit $status
