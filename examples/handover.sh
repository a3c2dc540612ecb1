#!/usr/bin/env bash
# The whole life of a model, as one person hands it to another: extract, preprocess, split, train, gate, publish, serve
# in Go, call, retrain, diff, roll back. Usage, in an empty folder: handover.sh
# Needs DuckDB (pip install '.[local]'), Go 1.24 and curl. Nothing here is special to the generated data.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
run() { python -m "cli.$1" "${@:2}"; }
say() { printf '\n== %s\n' "$*"; }

say "the raw log, as a shop has it: who did what, with a weight for each action"
run generate --users 300 --items 200 --interactions 3000 --seed 2 --out generated.csv --items-out items.csv
awk -F, 'BEGIN { OFS = "," } NR == 1 { print "user_id,item_id,action,timestamp"; next }
    { print $1, $2, ($3 > 2 ? "buy" : "view"), $4 }' generated.csv >log.csv
printf 'action,weight\nview,1\nbuy,3\n' >actions.csv

# --- the modeller --------------------------------------------------------------------------------

prepare() { # prepare FOLDER END_TIME: extract up to a time, clean, hold out each user's last item
    mkdir "$1"
    run run_sql --query extract_events --engine duckdb --table raw_events=log.csv --table action_weights=actions.csv \
        --param begin_time=0 --param "end_time=$2" --out "$1/events.csv"
    run preprocess --interactions "$1/events.csv" --min-user-interactions 2 --out "$1/clean.csv"
    run split --interactions "$1/clean.csv" --strategy last-n --n 1 --train-out "$1/train.csv" --test-out "$1/test.csv"
}
lists() { # lists FOLDER NAME OPTION...: train on what was before the test, list for its users
    run train --interactions "$1/train.csv" --out-dir "$1/$2" "${@:3}"
    run predict --model-dir "$1/$2" --users "$1/test.csv" --top-n 10 --fill popularity --out "$1/$2.jsonl"
}
gate() { # gate FOLDER: better than popular items for everybody, or the end
    lists "$1" candidate
    lists "$1" popular --set min_cooccurrence=1000000000
    run compare --baseline "$1/popular.jsonl" --candidate "$1/candidate.jsonl" --ground-truth "$1/test.csv" \
        --fail-if-worse ndcg@10 --out "$1/gate.json" | tail -n 2
}

middle=$(cut -d, -f4 generated.csv | tail -n +2 | sort -n | sed -n 2400p)
say "extract, preprocess, split: the first four fifths of the log"
prepare monday "$middle"
say "train, and pass the gate"
gate monday
say "the model to serve has all events; the catalogue lets requests filter"
run train --interactions monday/clean.csv --attributes items.csv --out-dir monday/model

# --- the engineer --------------------------------------------------------------------------------

say "publish: a verified copy beside the link, then one switch"
run publish --model-dir monday/model --to current
first=$(readlink current)
go -C "$here/../interop/go" build -o "$PWD/mlcore" ./cmd/mlcore
./mlcore serve --model-dir current --listen 127.0.0.1:0 --reload-interval 100ms 2>serve.log &
server=$!
trap 'kill $server' EXIT

field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" serve.log | tail -n 1; }
serves() { # serves COPY: wait until the server has this copy
    for _ in $(seq 100); do
        [ "$(field dir)" = "$1" ] && [ -n "$(field address)" ] && return
        sleep 0.1
    done
    echo "the server does not serve $1" >&2
    return 1
}
call() { curl --silent --show-error --fail "http://$(field address)/v1/users/$1/recommendations?n=3"; }

say "call: over HTTP the items and scores of Python"
serves "$first"
call u0091
run predict --model-dir monday/model --all-users --top-n 3 --out - --format jsonl 2>/dev/null | grep u0091

say "retrain on the whole log; the same gate"
prepare tuesday 4102444800
gate tuesday
run train --interactions tuesday/clean.csv --attributes items.csv --out-dir tuesday/model
say "diff: what would change, and whether that is too much"
run diff --model-dir monday/model --model-dir tuesday/model \
    --fail-if 'items_gone_share>0.1' --fail-if 'popularity_shift>0.3' --out diff.json | sed -n 1,6p
run publish --model-dir tuesday/model --to current
serves "$(readlink current)"
call u0091

say "roll back: publish the copy that served before"
run publish --model-dir "$first" --to current
serves "$(readlink current)"
call u0091
cmp "$first/manifest.json" current/manifest.json && say "the first model serves again"
