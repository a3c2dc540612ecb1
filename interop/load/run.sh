#!/bin/sh
# Measures `mlcore serve` under load while new models are published: requests per second, latencies,
# errors, reloads. Needs wrk, go, curl and the .venv of `make setup`; uses the loopback only, and writes
# to a temporary folder that it removes.
#
#   interop/load/run.sh [SECONDS]     default: 60
#
# PUBLISH_EVERY=5      seconds between the starts of two publications; 0 publishes nothing
# CONNECTIONS=16       of wrk, which has two threads
# QUERY=               of the requests for users, such as 'n=100&fill=popularity'
set -eu

seconds=${1:-60}
publish_every=${PUBLISH_EVERY:-5}
connections=${CONNECTIONS:-16}
root=$(cd "$(dirname "$0")/../.." && pwd)
python=$root/.venv/bin/python
work=$(mktemp -d)
server= publisher=

clean_up() {
    for process in $publisher $server; do
        kill "$process" 2>/dev/null || true
        wait "$process" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

cd "$root"
(cd interop/go && go build -o "$work/mlcore" ./cmd/mlcore)
"$python" -m cli.generate --users 10000 --items 5000 --interactions 1000000 --seed 1 --out "$work/events.csv"
echo '{"similarity": {"name": "cosine"}}' >"$work/0.json"
echo '{"similarity": {"name": "dice"}}' >"$work/1.json"
for model in 0 1; do
    "$python" -m cli.train --interactions "$work/events.csv" --config "$work/$model.json" --out-dir "$work/$model"
done
"$python" -m cli.publish --model-dir "$work/0" --to "$work/current"

# Each thread asks for its own sequence of users. Requests are made beforehand, or Lua would be what is
# measured.
cat >"$work/users.lua" <<'LUA'
local count = 0
function setup(thread)
  count = count + 1
  thread:set("number", count)
end
function init(arguments)
  math.randomseed(number)
  requests = {}
  for line in io.lines(arguments[1]) do
    local id = line:match("^%d+,(.+)$")
    if id then
      requests[#requests + 1] = wrk.format("GET", "/v1/users/" .. id .. "/recommendations?" .. (arguments[2] or ""))
    end
  end
end
function request() return requests[math.random(#requests)] end
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    "requests %d\nrequests/s %.0f\np50 %.2f ms\np99 %.2f ms\np99.9 %.2f ms\nmax %.2f ms\n" ..
    "errors: status %d, connect %d, read %d, write %d, timeout %d\n",
    summary.requests, summary.requests / summary.duration * 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency:percentile(99.9) / 1e3, latency.max / 1e3,
    errors.status, errors.connect, errors.read, errors.write, errors.timeout))
end
LUA

"$work/mlcore" serve --model-dir "$work/current" --listen 127.0.0.1:0 2>"$work/log" &
server=$!
url=
for _ in $(seq 100); do
    url=$(sed -n 's/.*"msg":"listening","address":"\([^"]*\)".*/http:\/\/\1/p' "$work/log")
    [ -n "$url" ] && break
    sleep 0.1
done
[ -n "$url" ] || { cat "$work/log" >&2; exit 1; }

publish() {
    turn=0
    while [ ! -e "$work/enough" ]; do
        sleep "$publish_every" &
        turn=$((1 - turn))
        "$python" -m cli.publish --model-dir "$work/$turn" --to "$work/current" >>"$work/published"
        wait $!
    done
}
: >"$work/published"
if [ "$publish_every" != 0 ]; then
    publish &
    publisher=$!
fi

wrk --threads 2 --connections "$connections" --duration "${seconds}s" --timeout 5s --latency \
    --script "$work/users.lua" "$url" -- "$work/current/users.csv" "${QUERY:-}"

touch "$work/enough"
[ -z "$publisher" ] || wait "$publisher"
publisher=
sleep 2 # the last publication is seen within a second
echo "models published $(wc -l <"$work/published"), cores $(nproc), load average $(cut -d ' ' -f 1 /proc/loadavg)"
curl --silent --show-error --fail "$url/metrics" >"$work/metrics"
grep -E '^mlcore_(reloads|models_open|last_reload|requests_total.*users.*(200|500|503))' "$work/metrics"
# What wrk measures has the waiting for a core in it, which wrk and all others here want as well.
awk -F '[" ]' '/duration_seconds_bucket.*users/ { within[$4] = $NF; total = $NF }
    END { for (le in within) if (le + 0 >= 0.0001 && le + 0 <= 0.01)
        printf "within %g ms by the clock of the server: %.3f %%\n", 1000 * le, 100 * within[le] / total }' \
    "$work/metrics" | sort -k 2 -n
grep -c '"level":"ERROR"' "$work/log" | sed 's/^/errors logged /'
grep VmHWM "/proc/$server/status" || true
kill "$server"
wait "$server" # fails unless it ended in order
server=
