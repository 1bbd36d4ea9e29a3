#!/usr/bin/env bash
# Requests per second and latencies of `serve` at 1, 8 and 64 clients beside what the model itself does, then mixed.py.
# Needs wrk, python3 and target/sparse-rcnn.jar; run from the repository's root.
#
#   benchmarks/serve/load.sh CONFIG WEIGHTS PICTURE OUT.json [OPTION…]    options are serve's, and bench's: --device, --threads
#
# SIDES="HEIGHT WIDTH" is the network's input for the model's own limit (default 128 128), SECONDS_EACH how long each is measured,
# REQUESTS how many mixed ones follow.
set -euo pipefail
config=$1 weights=$2 picture=$3 out=$4
shift 4
read -r height width <<< "${SIDES:-128 128}"
each=${SECONDS_EACH:-20}
here=$(dirname "$0")
work=$(mktemp -d)
trap 'kill "$server" 2> /dev/null || true; rm -rf "$work"' EXIT

own() { java -jar target/sparse-rcnn.jar bench --config-file "$config" --height "$height" --width "$width" --seconds "$each" --json "$1" "${@:2}" > "$work/bench.log"; }
own "$work/before.json" "$@"

java -jar target/sparse-rcnn.jar serve --config-file "$config" --port 0 "$@" MODEL.WEIGHTS "$weights" > "$work/serve.log" 2> "$work/serve.err" &
server=$!
for _ in $(seq 600); do
    url=$(grep -o 'http://127.0.0.1:[0-9]*' "$work/serve.log" || true)
    [ -n "$url" ] && break
    kill -0 "$server" || { cat "$work/serve.err" >&2; exit 1; }
    sleep 0.1
done
PICTURE=$picture wrk -t1 -c8 -d5s -s "$here/post.lua" "$url/v1/detect" > /dev/null # what is compiled while it runs
for clients in 1 8 64; do
    PICTURE=$picture wrk -t1 -c"$clients" -d"${each}s" --timeout 30s -s "$here/post.lua" "$url/v1/detect" | grep '^{' > "$work/load-$clients.json"
    echo "$clients clients: $(cat "$work/load-$clients.json")"
done
status=0
python3 "$here/mixed.py" --url "$url" --picture "$picture" --requests "${REQUESTS:-10000}" --clients 8 | tee "$work/mixed.txt" || status=$?
kill -TERM "$server"
code=0
wait "$server" || code=$?
own "$work/after.json" "$@"

python3 - "$work" "$out" "$config" "$code" "$@" << 'EOF'
import json, os, pathlib, platform, subprocess, sys, time
work, out, config, code, *options = sys.argv[1:]
work = pathlib.Path(work)
read = lambda name: json.loads((work / name).read_text())
cpu = next(line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))
json.dump({
    "machine": {"cpu": cpu, "cpus": len(os.sched_getaffinity(0)), "kernel": platform.release()},
    "date": time.strftime("%Y-%m-%d"),
    "commit": subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip(),
    "config": pathlib.Path(config).name, "options": options,
    "model_alone": {"before": read("before.json"), "after": read("after.json")},
    "load": {f"{n} clients": read(f"load-{n}.json") for n in (1, 8, 64)},
    "mixed": json.loads((work / "mixed.txt").read_text().splitlines()[-1]),
    "exit_code_after_sigterm": int(code), "stderr": (work / "serve.err").read_text(),
}, open(out, "w"), indent=1)
EOF
exit "$status"
