#!/usr/bin/env bash
# Format, lint, build and test the TypeScript reader; Chromium where it is installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

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
step "$python" -m interop.tools.run --adapter "node interop/typescript/dist/cli.js"
