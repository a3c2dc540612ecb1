#!/usr/bin/env bash
# Format, vet and test the Go reader. --all adds other processors and systems.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

step() {
    printf '\n== %s\n' "$*"
    env "$@"
}

unformatted=$(gofmt -l .)
if [ -n "$unformatted" ]; then
    printf 'not formatted by gofmt:\n%s\n' "$unformatted" >&2
    exit 1
fi
step go vet ./...
step go test ./...
if [ "${1:-}" = --all ]; then
    step CGO_ENABLED=1 go test -race ./...
    if grep -q avx2 /proc/cpuinfo 2>/dev/null; then
        step GOAMD64=v3 go test ./...  # compilers may fuse multiply and add here
    else
        step GOAMD64=v3 go build ./...
    fi
    case "$(go env GOHOSTOS)/$(go env GOHOSTARCH)" in
        linux/amd64) step GOARCH=386 CGO_ENABLED=0 go test ./... ;;
        *) step GOOS=linux GOARCH=386 go build ./... ;;
    esac
    # For arm64 compilers do fuse; nothing may be where bits are promised.
    listing=$(GOARCH=arm64 go build -a -gcflags='./...=-S' . ./internal/portable 2>&1)
    if grep -E '(historyrule|historydecay|portable)\.go:.*FN?M(ADD|SUB)' <<<"$listing"; then
        echo 'fused multiply and add' >&2
        exit 1
    fi
    for target in linux/arm64 darwin/arm64 darwin/amd64 windows/amd64 linux/s390x; do
        step GOOS="${target%/*}" GOARCH="${target#*/}" CGO_ENABLED=0 go vet ./...
    done
fi
