#!/usr/bin/env python3
"""Times this project beside its Python peers on one machine, in turns, and writes benchmarks/results/<machine>-<date>.json.

    mvn -q package                                        # makes target/benchmarks.jar
    python benchmarks/compare.py --python venv/bin/python # venv: torch, numpy, scipy, pycocotools

Tasks: infer (R50-100, one 480x640 image), train (R50-100, two 256x320 images, AdamW, clipping), coco (5,000 images x 100
detections against pycocotools), annotations (reading a file of the size of COCO's train2017, ours with 300 MB of heap, against
pycocotools' COCO()), loader (decode, flip, resize of a folder of photos beside Pillow in torch's DataLoader, with as many workers as
CPUs; needs --images). Every figure comes from a fresh process pinned to as many CPUs as it has threads. Both sides do
the same work: normalised tensor in; raw logits and boxes out, or losses and updated weights. A round runs ours, then the peer,
and before each of them a probe (a 1024x1024 matrix product), so that a machine that gives half its speed for a while can be told
from a slow program.

The peer pools boxes with torchvision where that is installed, else with plain indexing, which is slower than it need be. So it is
timed a second time with pooling replaced by next to nothing: "ratio_without_pooling" counts our pooling and none of the peer's.

OPENBLAS_* variables in the environment make OpenBLAS take other kernels than the processor's own. Where they are set, ours runs
twice, without them ("native") and with them ("inherited").

    --rounds 5 --tasks infer train coco --threads 1 2     the defaults
    --tasks loader --images photos
    --classpath A:B --jvm-arg=-D…                         instead of target/benchmarks.jar
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PEER = ROOT / "benchmarks" / "peer"
SHAPES = {"infer": dict(batch=1, size="480x640", warmup=3, repeat=6), "train": dict(batch=2, size="256x320", warmup=2, repeat=4)}


def openblas_variables():
    return {k: v for k, v in os.environ.items() if k.startswith("OPENBLAS_")}


class Runner:
    """Starts processes on the first CPUs of this process and gives back the JSON line they print."""

    def __init__(self, options):
        self.options = options
        self.cpus = sorted(os.sched_getaffinity(0))
        self.java = [options.java, *options.jvm_arg, "--enable-native-access=ALL-UNNAMED", "-cp", options.classpath]

    def run(self, command, threads, environment="native", cwd=ROOT):
        env = {k: v for k, v in os.environ.items() if environment == "inherited" or not k.startswith("OPENBLAS_")}
        env.update(OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads), OMP_PROC_BIND="true")
        cpus = set(self.cpus[:threads])
        start = time.perf_counter()
        done = subprocess.run([str(c) for c in command], cwd=cwd, env=env, capture_output=True, text=True,
                              preexec_fn=lambda: os.sched_setaffinity(0, cpus))
        if done.returncode:
            sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        return dict(json.loads(lines[-1]) if lines else {}, process_s=round(time.perf_counter() - start, 3),
                    load_average=os.getloadavg()[0])

    def ours(self, threads, environment="native", **arguments):
        words = [w for k, v in arguments.items() for w in (f"--{k}", v)]
        return self.run([*self.java, "org.sparsercnn.benchmarks.EndToEnd", "--threads", threads, *words], threads, environment)

    def probe(self, threads):
        return self.ours(threads, mode="probe")["gflops"]

    def peer(self, script, threads, *words):
        return self.run([self.options.python, PEER / script, *words], threads)


def model_task(runner, task, threads, rounds):
    environments = ["native"] + (["inherited"] if openblas_variables() else [])
    runs = []
    for number in range(rounds):
        for environment in environments:
            probe = runner.probe(threads)
            runs.append(dict(runner.ours(threads, environment, mode=task, **SHAPES[task]), environment=environment, probe_gflops=probe,
                             round=number))
        probe, shape = runner.probe(threads), SHAPES[task]
        result = runner.peer("bench_torch.py", threads, "--device", "cpu", "--mode", task, "--threads", threads, "--without-pooling",
                             *(w for k, v in shape.items() for w in (f"--{k}", v)))
        runs.append(dict(result, engine="pytorch", probe_gflops=probe, round=number))
        print(f"{task}, {threads} thread(s), round {number + 1}: " + ", ".join(
            f"{r['engine']}{'/' + r['environment'] if 'environment' in r else ''} {r['median_ms']:.0f} ms (probe {r['probe_gflops']:.0f})"
            for r in runs[-1 - len(environments):]), flush=True)
    peer = [r for r in runs if r["engine"] == "pytorch"]
    return [dict(summary([r for r in runs if r.get("environment") == e], peer), task=task, threads=threads, environment=e)
            for e in environments], runs


def summary(ours, peer):
    """Ratios above 1 say how many times slower we are; each is the median over rounds of neighbours in time."""
    def over(key, of_peer=None):
        return round(statistics.median(o[key] / p[of_peer or key] for o, p in zip(ours, peer)), 3)

    def middle(runs, key):
        return round(statistics.median(r[key] for r in runs), 2)

    return dict(ratio=over("median_ms"), ratio_min=over("min_ms"), ratio_cpu_time=over("cpu_ms"),
                ratio_without_pooling=over("median_ms", "without_pooling_ms"),
                ratio_cpu_time_without_pooling=over("cpu_ms", "without_pooling_cpu_ms"),
                ours_median_ms=middle(ours, "median_ms"), peer_median_ms=middle(peer, "median_ms"),
                ours_min_ms=min(r["min_ms"] for r in ours), peer_min_ms=min(r["min_ms"] for r in peer),
                ours_cpu_ms=middle(ours, "cpu_ms"), peer_cpu_ms=middle(peer, "cpu_ms"),
                peer_without_pooling_ms=middle(peer, "without_pooling_ms"),
                ours_peak_resident_mb=max(r["peak_resident_mb"] for r in ours),
                peer_peak_resident_mb=max(r["peak_resident_mb"] for r in peer),
                ours_probe_gflops=middle(ours, "probe_gflops"), peer_probe_gflops=middle(peer, "probe_gflops"))


def coco_task(runner, threads, folder):
    """Whole processes on both sides: start, read the JSON, match, accumulate, print. pycocotools uses one thread whatever it is given."""
    peer = runner.peer("bench_cocoeval.py", threads, "--out", folder)
    numbers = pathlib.Path(folder) / "numbers.json"
    probe = runner.probe(threads)
    ours = [runner.run([*runner.java, "org.sparsercnn.cli.Main", "coco-eval", "--gt", f"{folder}/gt.json", "--dt", f"{folder}/dt.json",
                        "--json", numbers, "--threads", threads], threads)["process_s"] for _ in range(3)]
    stats = json.loads(numbers.read_text())["stats"]
    return dict(task="coco", threads=threads, ours_s=statistics.median(ours), peer_s=peer["total_s"], probe_gflops=probe,
                times_faster=round(peer["total_s"] / statistics.median(ours), 1), ours_times_s=ours, peer=peer,
                largest_difference=max(abs(a - b) for a, b in zip(stats, peer["stats"])))


def annotations_task(runner, threads, folder, rounds):
    """A made-up file of 118,000 images and 860,000 boxes with outlines, 0.47 GB, read by fresh processes in turns."""
    java, file = [*runner.java, "org.sparsercnn.benchmarks.AnnotationLoading"], pathlib.Path(folder) / "train.json"
    if not file.exists():
        runner.run([*java, file, "--write"], threads)
    ours, peer = [], []
    for number in range(rounds):
        ours.append(runner.run([java[0], "-Xmx300m", *java[1:], file], threads))
        peer.append(runner.peer("bench_annotations.py", threads, file))
        print(f"annotations, {threads} thread(s), round {number + 1}: {ours[-1]['seconds']:.1f} s, pycocotools {peer[-1]['seconds']:.1f} s", flush=True)

    def middle(runs, key):
        return round(statistics.median(r[key] for r in runs), 2)

    return dict(task="annotations", threads=threads, ours_s=middle(ours, "seconds"), peer_s=middle(peer, "seconds"),
                times_faster=round(statistics.median(p["seconds"] / o["seconds"] for o, p in zip(ours, peer)), 1),
                ours_cpu_s=middle(ours, "cpu_s"), peer_cpu_s=middle(peer, "cpu_s"), ours=ours, peer=peer)


def loader_task(runner, threads, rounds, images):
    """Pictures a second. The checksums say that both sides made the same pixels. "imageio" is ours without libturbojpeg."""
    engines = {
        "ours": lambda: loader_run(runner, threads, images),
        "imageio": lambda: loader_run(runner, threads, images, "-Dsparsercnn.turbojpeg=off"),
        "peer": lambda: runner.peer("bench_loader.py", threads, "--images", images, "--workers", threads)}
    runs = []
    for number in range(rounds):
        found = {name: dict(run(), task="loader", round=number) for name, run in engines.items()}
        if len({r["checksum"] for r in found.values()}) != 1:
            sys.exit(f"the pixels differ: {found}")
        runs.append(found)
        print(f"loader, {threads} CPU(s), round {number + 1}: " + ", ".join(f"{n} {r['images_per_s']:.0f}/s" for n, r in found.items()), flush=True)

    def middle(value):
        return round(statistics.median(value(r) for r in runs), 2)

    return dict(task="loader", threads=threads, jpeg=runs[0]["ours"]["jpeg"], pillow=runs[0]["peer"]["pillow"], same_pixels=True,
                times_faster=middle(lambda r: r["ours"]["images_per_s"] / r["peer"]["images_per_s"]),
                times_less_cpu=middle(lambda r: r["peer"]["cpu_ms"] / r["ours"]["cpu_ms"]),
                times_faster_with_imageio=middle(lambda r: r["imageio"]["images_per_s"] / r["peer"]["images_per_s"]),
                **{f"{name}_{key}": middle(lambda r: r[name][key]) for name in engines for key in ("images_per_s", "cpu_ms")}), runs


def loader_run(runner, threads, images, *jvm_args):
    return runner.run([*runner.java, *jvm_args, "org.sparsercnn.benchmarks.InputPipeline", "--images", images, "--workers", threads], threads)


def machine():
    info = pathlib.Path("/proc/cpuinfo").read_text()
    memory = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())[1]) // 1024
    return dict(cpu=re.search(r"model name\s*:\s*(.*)", info)[1], cpus=len(os.sched_getaffinity(0)), memory_mb=memory,
                avx512="avx512f" in info, kernel=platform.release())


def version(*command):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True).stdout.strip()


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--python", default=sys.executable, help="with torch, numpy, scipy and pycocotools")
    a.add_argument("--java", default="java", help="JDK 25 or newer")
    a.add_argument("--classpath", default=str(ROOT / "target" / "benchmarks.jar"))
    a.add_argument("--jvm-arg", action="append", default=[])
    a.add_argument("--tasks", nargs="+", default=["infer", "train", "coco"], choices=["infer", "train", "coco", "annotations", "loader"])
    a.add_argument("--images", help="a folder of JPEG photos, for the task loader")
    a.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    a.add_argument("--rounds", type=int, default=5)
    a.add_argument("--output", help="default: benchmarks/results/<machine>-<date>.json")
    o = a.parse_args()
    if "loader" in o.tasks and not o.images:
        a.error("the task loader needs --images FOLDER")
    runner, found, runs = Runner(o), [], []
    for task in o.tasks:
        with tempfile.TemporaryDirectory() as folder:
            for threads in o.threads:
                if task == "coco":
                    found.append(coco_task(runner, threads, folder))
                elif task == "annotations":
                    found.append(annotations_task(runner, threads, folder, o.rounds))
                elif task == "loader":
                    line, details = loader_task(runner, threads, o.rounds, pathlib.Path(o.images).resolve())
                    found.append(line)
                    runs += details
                else:
                    lines, details = model_task(runner, task, threads, o.rounds)
                    found += lines
                    runs += details
                print(json.dumps([f for f in found if f["threads"] == threads and f["task"] == task], indent=1), flush=True)
    about, today = machine(), datetime.date.today().isoformat()
    name = re.sub(r"\W+", "-", f"{about['cpu']} {about['cpus']} cpus".lower()).strip("-")
    document = dict(machine=about, date=today, commit=version("git", "-C", ROOT, "rev-parse", "--short", "HEAD"),
                    torch=version(o.python, "-c", "import torch; print(torch.__version__)"), openblas_environment=openblas_variables(),
                    summary=found, runs=runs)
    output = pathlib.Path(o.output) if o.output else ROOT / "benchmarks" / "results" / f"{name}-{today}.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(document, indent=1) + "\n")
    print(output)


if __name__ == "__main__":
    main()
