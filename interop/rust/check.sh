#!/usr/bin/env bash
# Format, lint, build, document and test the Rust reader, and run the suite against its program.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

step() {
    printf '\n== %s\n' "$*"
    env "$@"
}

python=../../.venv/bin/python
[ -x "$python" ] || python=python3

step cargo fmt --check
step cargo clippy --release --all-targets -- -D warnings
step cargo clippy --release --lib --no-default-features -- -D warnings
step cargo build --release
step cargo test --release --quiet
step RUSTDOCFLAGS='-D warnings' cargo doc --no-deps --quiet
step PYTHONPATH=../.. "$python" -m interop.tools.run --adapter "$PWD/target/release/mlcore"
