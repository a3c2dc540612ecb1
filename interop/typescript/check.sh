#!/usr/bin/env bash
# Format, lint, build and test the TypeScript reader; Chromium where it is installed.
# --all runs the adapter on all cases; the tests have them all in one process.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
cases='[!i]*' # those of valid models
if [ "${1:-}" = --all ]; then cases='*'; fi

step() {
    printf '\n== %s\n' "$*"
    "$@"
}

step npm ci --no-audit --no-fund
step npx prettier --check .
step npm run build
step npx eslint .
step npm test
cd ../..
python=python3
if [ -x .venv/bin/python ]; then python=.venv/bin/python; fi
step "$python" -m interop.tools.run --adapter "node interop/typescript/dist/cli.js" --only "$cases"
