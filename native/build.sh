#!/usr/bin/env bash
# Builds the native code into target/; Maven calls it before it compiles Java, and it can be called by hand.
#
#   target/native/linux-x86_64/       libsparsercnn-v3.so, libsparsercnn-v4.so   kernels/*.cu and native/*.cpp for the CPU
#                                     kernels.fatbin                             kernels/*.cu and kernels/tensorcore/*.cu for
#                                                                                the GPU, where nvcc is
#                                     SHA256SUMS                                 of every file there, OpenBLAS included
#   target/test-native/linux-x86_64/  libsparsercnn-emulated.so                  the same kernels with real blocks, on fibers
#                                     libcuda.so.1 and others                    native/standin: NVIDIA's libraries for tests
#
# An object is compiled again when its source, a header, the flags or the compiler changed; two jobs run at a time.
# CXX and NVCC name other compilers; NVCC= (empty) leaves the GPU out.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
shopt -s nullglob
export LC_ALL=C

out=target/native/linux-x86_64
test_out=target/test-native/linux-x86_64
work=target/native-work
CXX=${CXX:-g++}
NVCC=${NVCC-$(command -v nvcc || true)}
glibc_floor=2.34

# Never -ffast-math: it also switches denormals off for the thread that loads the library. These four vectorise sums
# and keep NaN and infinity.
math="-fno-math-errno -fno-trapping-math -fno-signed-zeros -fassociative-math"
common="-std=c++17 -fPIC $math -fvisibility=hidden -ffunction-sections -Wall -Wextra -pthread -Ikernels -Inative"
link="-shared -static-libstdc++ -static-libgcc -pthread -Wl,--no-undefined,--gc-sections,--exclude-libs,ALL,-z,relro,-z,now"
declare -A flags=(
    [v3]="-O3 -march=x86-64-v3 -mno-lzcnt $common"
    [v4]="-O3 -march=x86-64-v4 -mno-lzcnt $common"
    [emulated]="-O1 -DSPARSERCNN_EMULATE $common"
    [standin]="-O1 $common"
)
fatbin=(-fatbin -std=c++17 -O3 -Xfatbin=-compress-all --threads 2 -Ikernels
    -gencode "arch=compute_80,code=[compute_80,sm_80]" -gencode arch=compute_90,code=compute_90
    -gencode arch=compute_90a,code=sm_90a)

fail() {
    echo "native/build.sh: $*" >&2
    exit 1
}
hash_of() { sha256sum | cut -c1-64; }

# Prints a job for every source whose object is out of date. An object's key stands beside it and is written after it.
outdated() { # variant source...
    local variant=$1 source key object
    for source in "${@:2}"; do
        object=$work/$variant/${source//\//_}.o
        key=$(printf '%s' "$compiler" "${flags[$variant]}" "${headers[$variant]}" "$(<"$source")" | hash_of)
        [[ -f $object && -f $object.key && $(<"$object.key") == "$key" ]] && continue
        printf '%s\n' "$source|$object|$key|${flags[$variant]}"
    done
}
compile() { # a job
    local source object key flags
    IFS='|' read -r source object key flags <<<"$1"
    rm -f "$object.key"
    # shellcheck disable=SC2086  # flags are words
    $CXX $flags -x c++ -c "$source" -o "$object" && printf '%s' "$key" >"$object.key"
}
export -f compile
export CXX

link_library() { # variant library source...
    local variant=$1 library=$2 source key needs objects=()
    for source in "${@:3}"; do objects+=("$work/$variant/${source//\//_}.o"); done
    key=$(printf '%s' "$link" "${objects[@]}" "$(cat "${objects[@]/%/.key}")" | hash_of)
    [[ -f $library && -f $work/$variant/key && $(<"$work/$variant/key") == "$key" ]] && return
    # shellcheck disable=SC2086
    $CXX "${objects[@]}" $link -o "$library.part"
    needs=$(readelf -V "$library.part" | grep -o 'GLIBC_[0-9.]*' | cut -c7- | sort -Vu | tail -1)
    # the emulator stays on the machine that built it
    [[ $variant == emulated || $(printf '%s\n' "$needs" "$glibc_floor" | sort -V | tail -1) == "$glibc_floor" ]] ||
        fail "$library would need GLIBC $needs; $glibc_floor is what we promise"
    mv "$library.part" "$library"
    printf '%s' "$key" >"$work/$variant/key"
}

# A library for tests that answers in place of one of NVIDIA's, whose soname it has.
build_standin() { # soname source
    local library=$test_out/$1 object=$work/standin/${2//\//_}.o key
    key=$(printf '%s' "$link" "$1" "$(<"$object.key")" | hash_of)
    [[ -f $library && -f $work/standin/$1.key && $(<"$work/standin/$1.key") == "$key" ]] && return
    # shellcheck disable=SC2086
    $CXX "$object" $link -Wl,-soname,"$1" -o "$library.part"
    mv "$library.part" "$library"
    printf '%s' "$key" >"$work/standin/$1.key"
}

# One module from one file that includes every kernel, so that the host finds a kernel by its name alone.
build_fatbin() {
    local key
    key=$(printf '%s' "$("$NVCC" --version)" "${fatbin[*]}" "${headers[gpu]}" "$(cat "${gpu[@]}")" | hash_of)
    [[ -f $out/kernels.fatbin && -f $work/kernels.key && $(<"$work/kernels.key") == "$key" ]] && return
    printf '#include "%s"\n' "${gpu[@]#kernels/}" >"$work/kernels.cu"
    "$NVCC" "${fatbin[@]}" -o "$work/kernels.fatbin.part" "$work/kernels.cu" || return
    mv "$work/kernels.fatbin.part" "$out/kernels.fatbin"
    printf '%s' "$key" >"$work/kernels.key"
}

command -v "$CXX" >/dev/null || fail "no C++ compiler: install g++ 11 or newer (Debian: apt-get install g++), or set CXX"
compiler=$($CXX --version | head -1)
"$CXX" -march=x86-64-v4 -E -x c++ /dev/null >/dev/null 2>&1 ||
    fail "$compiler does not know -march=x86-64-v4; g++ 11 or newer is needed (set CXX)"

kernels=(kernels/*.cu)
cpu=("${kernels[@]}" native/*.cpp)
gpu=("${kernels[@]}" kernels/tensorcore/*.cu)
emulated=()
[[ ! -d native/emulator ]] || emulated=("${gpu[@]}" native/emulator/*.cpp)
portable=$(cat kernels/*.cuh kernels/*.h native/*.h | hash_of)
tensorcore=$(cat kernels/tensorcore/*.cuh | hash_of)
declare -A headers=([v3]=$portable [v4]=$portable [gpu]=$portable$tensorcore
    [emulated]=$portable$tensorcore$(cat native/emulator/*.h /dev/null | hash_of)
    [standin]=$(cat native/standin/*.h | hash_of))
mkdir -p "$out" "$test_out" "$work"/{v3,v4,emulated,standin}

fatbin_job=
if [[ -z $NVCC ]]; then
    echo "native/build.sh: no nvcc, so the jar gets no GPU kernels (CPU only)"
    rm -f "$out/kernels.fatbin" "$work/kernels.key"
else
    build_fatbin &
    fatbin_job=$!
fi

mapfile -t jobs < <(
    outdated v3 "${cpu[@]}"
    outdated v4 "${cpu[@]}"
    outdated emulated "${emulated[@]}"
    outdated standin native/standin/*.cpp
)
if ((${#jobs[@]})); then
    echo "native/build.sh: compiling ${#jobs[@]} objects"
    printf '%s\0' "${jobs[@]}" | xargs -0 -n 1 -P 2 bash -c 'compile "$1"' compile || fail "compilation failed (see above)"
fi
link_library v3 "$out/libsparsercnn-v3.so" "${cpu[@]}"
link_library v4 "$out/libsparsercnn-v4.so" "${cpu[@]}"
((${#emulated[@]} == 0)) || link_library emulated "$test_out/libsparsercnn-emulated.so" "${emulated[@]}"
build_standin libcuda.so.1 native/standin/cuda.cpp
build_standin libnvidia-ml.so.1 native/standin/nvml.cpp
build_standin libnccl.so.2 native/standin/nccl.cpp
build_standin libcublasLt.so.13 native/standin/cublaslt.cpp
build_standin libcublas.so.12 native/standin/cublas.cpp
build_standin libcudnn.so.9 native/standin/cudnn.cpp
[[ -z $fatbin_job ]] || wait "$fatbin_job" || fail "nvcc failed (see above; NVCC= builds without it)"

# The jar's list of native files, by which an unpacked copy is checked and after which its folder is named.
(cd "$out" && find . -type f ! -name SHA256SUMS ! -name '*.part' -printf '%f\n' | sort | xargs sha256sum) >"$work/SHA256SUMS"
cmp -s "$work/SHA256SUMS" "$out/SHA256SUMS" || cp "$work/SHA256SUMS" "$out/SHA256SUMS"
