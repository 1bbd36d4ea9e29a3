#!/usr/bin/env python3
"""Loads a server of this project on this machine and writes benchmarks/results/<machine>-serve-<date>.json.

    python benchmarks/serve/load.py --config output/quickstart/config.yaml --weights output/quickstart/model_final.safetensors \\
        --picture datasets/quickstart/val/000001.png

First the model's own limit: `bench` with the picture's size, in a process of its own, before and after. Then wrk (Debian's package)
posts the picture from 1, 8 and 64 connections at 127.0.0.1, on the same CPUs as the server, so that they share them. At last
--mixed requests from 16 clients, about half of them broken in turn: damaged and empty pictures, texts, pictures that claim to be
huge, bodies over the limit, unknown paths and methods, foreign hosts and origins, clients that leave in the middle. Each must get
the answer that it should get; the server's resident memory is noted on the way.
"""
import argparse
import collections
import datetime
import json
import os
import pathlib
import platform
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import urllib.request
import zlib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HERE = pathlib.Path(__file__).resolve().parent


def resident_mb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return round(int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024, 1)


def files_and_threads(pid):
    return len(os.listdir(f"/proc/{pid}/fd")), len(os.listdir(f"/proc/{pid}/task"))


def png_that_claims(width, height):
    """A PNG whose header promises more than the rest holds."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b""))


class Server:
    def __init__(self, options, *more):
        self.log = tempfile.NamedTemporaryFile("w+", suffix=".log")
        self.process = subprocess.Popen([options.java, "-jar", options.jar, "serve", "--config-file", options.config, "--device", options.device,
                                         "--port", "0", *more, "MODEL.WEIGHTS", options.weights], stdout=self.log, stderr=subprocess.STDOUT)
        while not (found := re.search(r"http://127\.0\.0\.1:(\d+)/", pathlib.Path(self.log.name).read_text())):
            if self.process.poll() is not None:
                sys.exit(pathlib.Path(self.log.name).read_text())
            threading.Event().wait(0.1)
        self.port = int(found.group(1))
        # Under an older java the launcher goes on in a process of its own.
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        self.pid = int(children[0]) if children else self.process.pid
        self.address = f"http://127.0.0.1:{self.port}/"

    def metrics(self):
        return urllib.request.urlopen(self.address + "metrics").read().decode()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def model_limit(options, size):
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        subprocess.run([options.java, "-jar", options.jar, "bench", "--config-file", options.config, "--device", options.device, "--height", str(size[1]),
                        "--width", str(size[0]), "--seconds", "8", "--json", out.name], check=True, capture_output=True)
        report = json.load(open(out.name))
    return {"device": report["device"], "images_per_s": round(report["images_per_second"], 1), "p50_ms": round(report["latency_ms"]["p50"], 2)}


def wrk(server, options, clients):
    done = subprocess.run(["wrk", "-t1", f"-c{clients}", f"-d{options.seconds}s", "--timeout", "30s", "-s", str(HERE / "post.lua"),
                           server.address + "v1/detect?threshold=0.3"], env={**os.environ, "PICTURE": options.picture}, capture_output=True, text=True, check=True)
    return {"clients": clients, **json.loads(re.search(r"JSON (\{.*\})", done.stdout).group(1))}


def exchange(port, request, leave=False):
    """Sends bytes on a connection of its own and gives the status of the answer; None where the client left without one."""
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        connection.sendall(request)
        if leave:
            return None
        answer = b""
        while b"\r\n" not in answer:
            part = connection.recv(4096)
            if not part:
                raise ConnectionError("no answer")
            answer += part
        status = int(answer.split(b" ", 2)[1])
        while connection.recv(65536):
            pass
        return status


def http(port, method="POST", path="/v1/detect", body=b"", host=None, length=None, more=""):
    return (f"{method} {path} HTTP/1.1\r\nHost: {host or f'127.0.0.1:{port}'}\r\nContent-Length: {len(body) if length is None else length}\r\n"
            f"Connection: close\r\n{more}\r\n").encode() + body


def kinds(port, picture):
    """Name, request, statuses it may get (none: the client leaves). Good ones come as often as all others together."""
    bad = [
        ("truncated", http(port, body=picture[:len(picture) // 2]), {400}),
        ("empty", http(port), {400, 411}),
        ("text", http(port, body=b"this is no picture" * 10), {400}),
        ("claims 60000x60000", http(port, body=png_that_claims(60000, 60000)), {400}),
        ("too large a body", http(port, body=b"x" * 1024, length=1 << 30), {413}),
        ("bad parameter", http(port, path="/v1/detect?threshold=7", body=picture), {400}),
        ("unknown path", http(port, method="GET", path="/../../etc/passwd"), {400, 404}),
        ("wrong method", http(port, method="PUT", body=picture), {405}),
        ("foreign host", http(port, body=picture, host="example.com"), {403}),
        ("foreign origin", http(port, body=picture, more="Origin: http://example.com\r\n"), {403}),
        ("leaves in the body", http(port, body=picture[:100], length=len(picture)), None),
        ("leaves before the answer", http(port, body=picture), None),
    ]
    good = [("good", http(port, body=picture), {200, 503})] * len(bad)
    return [kind for pair in zip(good, bad) for kind in pair]


def mixed(server, options, picture, clients=16):
    all_kinds = kinds(server.port, picture)
    counts, wrong, memory = collections.Counter(), [], []
    lock, turn = threading.Lock(), iter(range(options.mixed))

    def client():
        while True:
            with lock:
                i = next(turn, None)
            if i is None:
                return
            name, request, wanted = all_kinds[i % len(all_kinds)]
            try:
                status = exchange(server.port, request, leave=wanted is None)
            except OSError as e:
                status = str(e)
            with lock:
                counts[f"{name}: {'left' if wanted is None else status}"] += 1
                if wanted is not None and status not in wanted:
                    wrong.append((name, status))
                if sum(counts.values()) % (options.mixed // 10) == 0:
                    memory.append(resident_mb(server.pid))

    begin = datetime.datetime.now()
    threads = [threading.Thread(target=client) for _ in range(clients)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    seconds = (datetime.datetime.now() - begin).total_seconds()
    return {"requests": sum(counts.values()), "seconds": round(seconds, 1), "wrong_or_lost": wrong[:20], "outcomes": dict(sorted(counts.items())),
            "resident_mb": memory}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--picture", required=True, help="a PNG")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--jar", default=str(ROOT / "target/sparse-rcnn.jar"))
    parser.add_argument("--java", default="java")
    parser.add_argument("--seconds", type=int, default=20, help="for each number of clients")
    parser.add_argument("--mixed", type=int, default=10000)
    parser.add_argument("--output", help="instead of benchmarks/results/<machine>-serve-<date>.json")
    options = parser.parse_args()
    picture = pathlib.Path(options.picture).read_bytes()
    size = struct.unpack(">II", picture[16:24])

    before = model_limit(options, size)
    server = Server(options)
    wrk(server, options, 8)  # warm
    load = [wrk(server, options, clients) for clients in (1, 8, 64)]
    for row in load:
        print(row)
    mixed(server, options, picture)  # the JVM's heap grows to what it wants
    resources = files_and_threads(server.pid)
    outcome = mixed(server, options, picture)
    outcome["open_files_before_after"], outcome["threads_before_after"] = zip(resources, files_and_threads(server.pid))
    print(json.dumps(outcome, indent=1))
    left = server.metrics()
    code = server.stop()
    after = model_limit(options, size)
    cpu = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text()).group(1)
    date = datetime.date.today().isoformat()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    result = {"machine": {"cpu": cpu, "cpus": len(os.sched_getaffinity(0)), "kernel": platform.release()}, "date": date, "commit": commit,
              "picture": list(size), "model_alone_before_and_after": [before, after], "load": load, "mixed": outcome, "exit_code": code,
              "queue_at_the_end": [line for line in left.splitlines() if "queue" in line and not line.startswith("#")]}
    name = re.sub(r"[^a-z0-9]+", "-", cpu.lower()).strip("-")
    file = pathlib.Path(options.output or ROOT / f"benchmarks/results/{name}-{result['machine']['cpus']}-cpus-serve-{date}.json")
    file.write_text(json.dumps(result, indent=1) + "\n")
    print(file)
    sys.exit(1 if outcome["wrong_or_lost"] else 0)


if __name__ == "__main__":
    main()
