#!/usr/bin/env bash
# Tries everything a machine with an NVIDIA GPU is needed for, and says at the end what passed.
#
#   checklist.sh OUT [STAGE…]      OUT: folder for logs and figures; without a STAGE all of them, in this order:
#
#   doctor       what is there, and what is missing
#   selftest     every op, the golden models and 20 training steps on the GPU; driver through Panama
#   jcuda        the same through JCuda, ops only
#   kernels      JMH: launches, products, convolutions, RoIAlign, dynamic convolution, attention, losses, matcher, AdamW
#   infer        batch 1 and 8 at 800x1344 in fp32, TF32 and bf16, beside PyTorch where python3 has it
#   train        batch 16 at 800x1344 likewise
#   learn        training on IMAGES, 4 minutes; a folder with coco/ in it (see datasets/README.md), skipped where there is none
#   resume       goes on with it, 3 minutes
#   soak         200 steps of a small model in every precision: memory stays flat
#   memcheck     compute-sanitizer over the ops
#   racecheck    the same for races
#
# Every stage stands alone, has its own time limit and verdict (ok, FAILED, late, skipped), and a stage that fails does not
# stop the next. All of it takes 25 minutes on a machine with 16 cores. The portable distribution is used where this script
# lies in one or one was built; otherwise target/sparse-rcnn.jar with the java on the PATH.
#
# IMAGES=FOLDER for learn and resume; PYTHON=python3 for PyTorch; DEVICE=cuda:0.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[[ $# -ge 1 && $1 != -* ]] || { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 2; }
mkdir -p "$1" || exit 2
out=$(cd "$1" && pwd)
shift
python=${PYTHON:-python3}
device=${DEVICE:-cuda}

if [[ -x $here/../bin/sparse-rcnn ]]; then
    root=$(cd "$here/.." && pwd)
else
    root=$(cd "$here/../.." && pwd)
    archive=$(ls "$root"/target/sparse-rcnn-*-linux-x86_64.tar.xz 2>/dev/null | tail -1)
    if [[ -n $archive ]]; then
        tar -C "$out" -xf "$archive" || exit 2
        root=$(ls -d "$out"/sparse-rcnn-*/ | tail -1)
    fi
fi
if [[ -x $root/bin/sparse-rcnn ]]; then
    java=$root/runtime/bin/java jars=$root/lib peer=$root/gpu/peer configs=$root/configs
else
    java=java jars=$root/target peer=$root/benchmarks/peer configs=$root/configs
    [[ -f $jars/sparse-rcnn.jar ]] || { echo "checklist: neither a distribution nor $jars/sparse-rcnn.jar; run mvn -Pdist package" >&2; exit 2; }
fi
config=$configs/sparsercnn.res50.100pro.3x.yaml
app() { "$java" -Xmx16g -jar "$jars/sparse-rcnn.jar" "$@"; }
has_torch() { "$python" -c 'import torch, sys; sys.exit(not torch.cuda.is_available())' 2>/dev/null; }

stage_doctor() { app doctor --device "$device" --json "$out/doctor.json"; }

stage_selftest() { app selftest --device "$device" --binding panama --json "$out/selftest-panama.json"; }

stage_jcuda() { app selftest --device "$device" --binding jcuda --only ops --json "$out/selftest-jcuda.json"; }

stage_kernels() {
    "$java" -jar "$jars/benchmarks.jar" '(Launch|Gemm|Convolution|RoiAlign|DynamicConv|Attention|LayerNorm|Loss|Matcher|AdamW).*Benchmark' -p deviceName="$device" -p proposals=100 -f 0 -wi 1 -i 3 -w 300ms -r 300ms \
        -rf json -rff "$out/kernels.json"
}

bench() { # mode batch seconds
    local precision status=0
    for precision in fp32 tf32 bf16; do
        app bench --device "$device" --config-file "$config" --mode "$1" --batch "$2" --height 800 --width 1344 \
            --precision $precision --seconds "$3" --json "$out/$1-$2-$precision.json" || status=1
    done
    return $status
}

torch() { # mode batch repeat options…
    "$python" "$peer/bench_torch.py" --mode "$1" --device cuda --batch "$2" --repeat "$3" --warmup 3 "${@:4}" >>"$out/torch.jsonl" ||
        echo "PyTorch failed: ${*:4}"
}

stage_infer() {
    local status=0
    bench infer 1 5 || status=1
    bench infer 8 5 || status=1
    app bench --device "$device" --config-file "$config" --mode infer --batch 1 --height 800 --width 1344 --precision bf16 --graph off \
        --seconds 5 --json "$out/infer-1-bf16-no-graph.json" || status=1
    if has_torch; then
        local batch
        for batch in 1 8; do
            torch infer $batch 20 --precision fp32
            torch infer $batch 20 --precision tf32
            torch infer $batch 20 --precision bf16
            torch infer $batch 20 --precision bf16 --channels-last
            torch infer $batch 20 --precision bf16 --channels-last --compile --compile-mode reduce-overhead
        done
    else
        echo "no PyTorch with CUDA in $python: figures without a peer"
    fi
    return $status
}

stage_train() {
    local status=0
    bench train 16 8 || status=1
    if has_torch; then
        torch train 16 5 --precision fp32
        torch train 16 5 --precision tf32
        torch train 16 5 --precision bf16
        torch train 16 5 --precision bf16 --channels-last
    else
        echo "no PyTorch with CUDA in $python: figures without a peer"
    fi
    return $status
}

learning() { # seconds options…
    [[ -n ${IMAGES:-} ]] || return 77
    local code
    DETECTRON2_DATASETS=$IMAGES timeout -s INT "$1" "$java" -Xmx16g -jar "$jars/sparse-rcnn.jar" train --device "$device" \
        --config-file "$configs/${CONFIG:-sparsercnn.res50.100pro.3x.yaml}" "${@:2}" OUTPUT_DIR "$out/learn" SOLVER.AMP.ENABLED True \
        TEST.EVAL_PERIOD 0 SOLVER.IMS_PER_BATCH 16 MODEL.WEIGHTS "" DATALOADER.NUM_WORKERS 12
    code=$?
    # SIGINT at the end of its time is how it should end: saved, exit code 130 (timeout says 124 instead).
    [[ $code == 0 || $code == 130 || $code == 124 ]] && compgen -G "$out/learn/model_*" >/dev/null
}
stage_learn() { learning 230; }
stage_resume() { [[ -d $out/learn ]] || return 77; learning 170 --resume; }

stage_soak() { app selftest --device "$device" --only soak --json "$out/soak.json"; }

sanitizer() {
    command -v compute-sanitizer >/dev/null || return 77
    compute-sanitizer --tool "$1" --error-exitcode 9 --target-processes all --log-file "$out/$1.txt" \
        "$java" -Xmx8g -jar "$jars/sparse-rcnn.jar" selftest --device "$device" --only ops --time-limit 60
    local code=$?
    if grep -q 'Device not supported\|Unable to\|unsupported' "$out/$1.txt" 2>/dev/null; then return 77; fi
    return $code
}
stage_memcheck() { sanitizer memcheck; }
stage_racecheck() { sanitizer racecheck; }

declare -A limit=([doctor]=30 [selftest]=200 [jcuda]=80 [kernels]=150 [infer]=210 [train]=210 [learn]=245 [resume]=185 [soak]=40
    [memcheck]=75 [racecheck]=75)
all=(doctor selftest jcuda kernels infer train learn resume soak memcheck racecheck)
wanted=("${@:-${all[@]}}")
for s in "${wanted[@]}"; do
    [[ -v limit[$s] ]] || { echo "checklist: there is no stage $s; one of ${all[*]}" >&2; exit 2; }
done
export out java jars peer configs config python device IMAGES CONFIG
export -f app bench torch has_torch learning sanitizer "${all[@]/#/stage_}"

summary=()
bad=0
for s in "${wanted[@]}"; do
    printf '\n== %s (at most %d s)\n' "$s" "${limit[$s]}"
    begin=$SECONDS
    timeout -k 10 "${limit[$s]}" bash -c "set -uo pipefail; stage_$s" 2>&1 | tee "$out/$s.log"
    code=${PIPESTATUS[0]}
    case $code in
        0) verdict=ok ;;
        77) verdict=skipped ;;
        124 | 137) verdict=late; bad=1 ;;
        *) verdict="FAILED ($code)"; bad=1 ;;
    esac
    summary+=("$(printf '%-10s %-12s %4d s' "$s" "$verdict" $((SECONDS - begin)))")
done
{
    printf '\n== summary, %s\n' "$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null | head -1)"
    printf '%s\n' "${summary[@]}"
} | tee "$out/summary.txt"
exit $bad
