#!/usr/bin/env bash
# Format, lint and type the explorer, see that its page is built of these sources, and try it in Chromium.
# The tests run mlcore's commands with $PYTHON, or the checkout's own; and $CHROMIUM, or Debian's.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

step() {
    printf '\n== %s\n' "$*"
    env "$@"
}

step npm ci --no-audit --no-fund
step npx prettier --check .
step npx eslint .
step npx tsc -p .
step node build.mjs --check
step npm test
