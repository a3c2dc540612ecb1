#!/usr/bin/env bash
# Retrain on the newest events, pass the release gate, publish: for cron, or as one task of a scheduler.
# Usage: retrain.sh EVENTS LINK FOLDER [CONFIG]
#   EVENTS  table of events up to now; LINK  symbolic link that the servers follow
#   FOLDER  for the runs and their logs; CONFIG  configuration (default: that of the served model, or the default one)
# Exit code: 0 published, 1 refused by the gate or failed (what is served stays), 75 another run is at work.
set -euo pipefail

events=$1 link=$2 folder=$3
mkdir -p "$folder"
exec 9>"$folder/lock"
flock --nonblock 9 || { echo "retrain: another run is at work" >&2; exit 75; }

night=$folder/$(date -u +%Y%m%dT%H%M%S)
mkdir "$night"
step() { python -m "cli.$1" "${@:2}"; }

if [ -n "${4:-}" ]; then cp "$4" "$night/config.json"
elif [ -e "$link" ]; then cp "$link/config.json" "$night/config.json"
else step config >"$night/config.json"; fi

step preprocess --interactions "$events" --min-user-interactions 2 --out "$night/clean.csv"
step split --interactions "$night/clean.csv" --strategy last-n --n 1 --train-out "$night/train.csv" --test-out "$night/test.csv"

# The gate compares configurations trained on the same rows: the served model has seen the test.
lists() { # lists NAME CONFIG [OPTION...]: train on the rows before the test, and list for its users
    step train --interactions "$night/train.csv" --config "$2" --out-dir "$night/$1" "${@:3}"
    step predict --model-dir "$night/$1" --users "$night/test.csv" --top-n 10 --fill popularity --out "$night/$1.jsonl"
}
lists candidate "$night/config.json"
lists popular "$night/config.json" --set min_cooccurrence=1000000000
baselines=popular
if [ -e "$link" ]; then
    lists served "$link/config.json"
    baselines+=" served"
fi
for baseline in $baselines; do
    step compare --baseline "$night/$baseline.jsonl" --candidate "$night/candidate.jsonl" \
        --ground-truth "$night/test.csv" --fail-if-worse ndcg@10 --out "$night/against-$baseline.json"
done

# The model to serve has all events. A jump against what is served is a broken input sooner than a new taste.
step train --interactions "$night/clean.csv" --config "$night/config.json" --out-dir "$night/model"
if [ -e "$link" ]; then
    step diff --model-dir "$link" --model-dir "$night/model" \
        --fail-if 'items_gone_share>0.1' --fail-if 'popularity_shift>0.3' --out "$night/diff.json"
fi
step publish --model-dir "$night/model" --to "$link" --keep 7
