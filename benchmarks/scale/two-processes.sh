#!/usr/bin/env bash
# Holds the model of docs/scale.md to a measurement: the step time of two processes that train over MPI, each on a core of its own,
# beside what Scaling computes from the step time of one process on one core and from measured sums. Needs mpirun (Open MPI),
# taskset, python3 and target/*.jar; run from the repository's root with JDK 25's java on the PATH.
#
#   benchmarks/scale/two-processes.sh OUT.json [KEY VALUE…]      OUT.json belongs into benchmarks/results/
#
# The sample pictures are trained on with heads of the published size, so that there are many gradients to sum; KEY VALUE change
# that. Each round takes, in turns: one process alone; two that know nothing of each other, which shows what the cores and the
# memory they share cost; two that train together. CONFIG, ROUNDS (3), STEPS (100) of a run, BATCH (2) of a process, CPUS ("0 1"),
# and MPI_OPTIONS can be set.
set -euo pipefail
[[ $# -ge 1 && $1 != -* ]] || { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 2; }
out=$1
shift
java=$(command -v java) # mpirun may put other folders first
config=${CONFIG:-configs/quickstart.yaml}
rounds=${ROUNDS:-3} steps=${STEPS:-100} batch=${BATCH:-2}
read -r first second <<< "${CPUS:-0 1}"
read -ra mpi <<< "${MPI_OPTIONS:---allow-run-as-root --oversubscribe --bind-to none}"
model=(MODEL.SparseRCNN.HIDDEN_DIM 256 MODEL.FPN.OUT_CHANNELS 256 MODEL.SparseRCNN.DIM_DYNAMIC 64 MODEL.SparseRCNN.DIM_FEEDFORWARD 2048
    MODEL.SparseRCNN.NUM_HEADS 6 "$@")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export DETECTRON2_DATASETS=$work

# A rank of mpirun on its core. Not java itself: Open MPI rewrites the arguments of a program of that name.
pinned='cpus=('$first' '$second'); exec taskset -c "${cpus[$OMPI_COMM_WORLD_LOCAL_RANK]}" "$@"'
train() { # folder, images a step
    printf '%s\0' "$java" -jar target/sparse-rcnn.jar train --config-file "$config" --device cpu --threads 1 "${model[@]}" \
        SOLVER.IMS_PER_BATCH "$2" SOLVER.MAX_ITER "$steps" SOLVER.STEPS '()' SOLVER.BASE_LR 1e-6 SOLVER.CHECKPOINT_PERIOD 1000000 \
        DATASETS.TEST '()' TEST.EVAL_PERIOD 0 DATALOADER.NUM_WORKERS 1 OUTPUT_DIR "$1"
}
on() { # cpu, folder, images
    local command
    mapfile -d '' command < <(train "$2" "$3")
    taskset -c "$1" "${command[@]}" > "$2.log" 2>&1 || { tail -30 "$2.log" >&2; exit 1; }
}

"$java" -jar target/sparse-rcnn.jar quickstart --device cpu --minutes 0.02 --output "$work/made" > "$work/made.log" 2>&1
points=$(mpirun "${mpi[@]}" -np 2 bash -c "$pinned" pinned "$java" --enable-native-access=ALL-UNNAMED -cp target/benchmarks.jar \
    org.sparsercnn.benchmarks.scale.MpiSums)
echo "sums: $points"
for round in $(seq "$rounds"); do
    on "$first" "$work/alone-$round" "$batch"
    on "$first" "$work/left-$round" "$batch" & left=$!
    on "$second" "$work/right-$round" "$batch" & right=$!
    wait "$left"
    wait "$right"
    mapfile -d '' command < <(train "$work/together-$round" $((2 * batch)))
    mpirun "${mpi[@]}" -np 2 bash -c "$pinned" pinned "${command[@]}" > "$work/together-$round.log" 2>&1 ||
        { tail -30 "$work/together-$round.log" >&2; exit 1; }
    echo "round $round of $rounds done"
done

# The median step of all runs of a kind; the first 20 steps of a run, in which the JVM compiles, are left out.
seconds() { python3 - "$@" << 'EOF'
import json, statistics, sys
times = []
for folder in sys.argv[1:]:
    lines = [json.loads(line) for line in open(folder + "metrics.json")]
    times += [line["time"] for line in lines if "time" in line][1:]
print(statistics.median(times))
EOF
}
alone=$(seconds "$work"/alone-*/)
beside=$(seconds "$work"/left-*/ "$work"/right-*/)
together=$(seconds "$work"/together-*/)
predict() { # seconds, report
    "$java" --enable-native-access=ALL-UNNAMED -cp target/benchmarks.jar org.sparsercnn.benchmarks.scale.Scaling --config-file "$config" \
        --size "${SIZE:-128x128}" --gpus 2 --batch "$batch" --step-seconds "$1" --points "$points" --json "$2" "${model[@]}" > "$2.txt"
}
predict "$alone" "$work/from-alone.json"
predict "$beside" "$work/from-beside.json"

python3 - "$work" "$out" "$config" "$batch" "$points" "$alone" "$beside" "$together" "${model[@]}" << 'EOF'
import json, os, pathlib, platform, subprocess, sys, time
work, out, config, batch, points, alone, beside, together, *overrides = sys.argv[1:]
work = pathlib.Path(work)
alone, beside, together = map(float, (alone, beside, together))
cpu = next(line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))
prediction = {name: json.loads((work / f"from-{name}.json").read_text()) for name in ("alone", "beside")}
# A sum of two processes keeps both cores busy, so it cannot hide behind backward.
predicted = {name: p["steps"]["2"]["step_s_without_overlap"] for name, p in prediction.items()}
report = {
    "machine": {"cpu": cpu, "cpus": len(os.sched_getaffinity(0)), "kernel": platform.release()},
    "date": time.strftime("%Y-%m-%d"),
    "commit": subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip(),
    "config": pathlib.Path(config).name, "overrides": overrides, "images_a_process": int(batch), "sums": points,
    "measured_step_s": {"one process": alone, "one of two that do not talk": beside, "two processes": together},
    "predicted_step_s": {"from one process": predicted["alone"], "from two that do not talk": predicted["beside"]},
    "measured_over_predicted": {"from one process": round(together / predicted["alone"], 3),
                                "from two that do not talk": round(together / predicted["beside"], 3)},
    "model": prediction["alone"],
}
pathlib.Path(out).write_text(json.dumps(report, indent=1) + "\n")
print(f"one process alone          {alone:.3f} s a step")
print(f"one of two, without sums   {beside:.3f} s")
print(f"two processes, predicted   {predicted['alone']:.3f} s from the first, {predicted['beside']:.3f} s from the second")
print(f"two processes, measured    {together:.3f} s: {together / predicted['alone']:.2f} and {together / predicted['beside']:.2f} times that")
EOF
