"""Good and broken requests in a random order at a running server; each must be answered as it should be, and the server's
memory must stay flat. Prints one line of JSON for every 1,000 requests and one for the whole.

python benchmarks/serve/mixed.py --url http://127.0.0.1:8080 --picture FILE --requests 10000 --clients 8
"""
import argparse
import collections
import concurrent.futures
import http.client
import json
import random
import socket
import struct
import threading
import time
import urllib.parse
import urllib.request
import zlib


def claiming(side):
    """A PNG whose header says it is side x side pixels."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


class Client(threading.local):
    """One connection a thread, kept open as long as the server does."""
    connection = None

    def ask(self, at, method, path, body=None, headers=None):
        self.connection = self.connection or http.client.HTTPConnection(at.hostname, at.port, timeout=60)
        try:
            self.connection.request(method, path, body, headers or {})
            answer = self.connection.getresponse()
            answer.read()
            if answer.will_close:
                self.drop()
            return answer.status
        except Exception:
            self.drop()
            raise

    def drop(self):
        self.connection.close()
        self.connection = None


def broken_off(at, picture):
    """Half a body, then the connection is closed: no answer is due."""
    with socket.create_connection((at.hostname, at.port)) as s:
        s.sendall(b"POST /v1/detect HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(picture) + picture[:len(picture) // 2])


def deaf(at, picture):
    """A whole request, and nobody who waits for the answer."""
    with socket.create_connection((at.hostname, at.port)) as s:
        s.sendall(b"POST /v1/detect HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(picture) + picture)


def resident(url):
    text = urllib.request.urlopen(url + "/metrics").read().decode()
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {"resident_mb": round(float(values["process_resident_memory_bytes"]) / 1e6, 1),
            "in_flight": int(values["sparsercnn_in_flight"]), "queue": int(values["sparsercnn_queue_length"]),
            "device_bytes": int(values["sparsercnn_device_bytes_in_use"])}


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--url", required=True)
    args.add_argument("--picture", required=True)
    args.add_argument("--requests", type=int, default=10000)
    args.add_argument("--clients", type=int, default=8)
    args = args.parse_args()
    at = urllib.parse.urlsplit(args.url)
    with open(args.picture, "rb") as f:
        picture = f.read()
    form = b'--xyz\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n' + picture + b"\r\n--xyz--\r\n"
    client = Client()
    # Share of the mix, name, what is asked, the status that is due; None: none is due.
    mix = [
        (50, "good", lambda: client.ask(at, "POST", "/v1/detect", picture), 200),
        (10, "form", lambda: client.ask(at, "POST", "/v1/detect", form, {"Content-Type": "multipart/form-data; boundary=xyz"}), 200),
        (8, "truncated", lambda: client.ask(at, "POST", "/v1/detect", picture[:len(picture) // 2]), 400),
        (4, "text", lambda: client.ask(at, "POST", "/v1/detect", b"hello"), 400),
        (4, "claims 60000x60000", lambda: client.ask(at, "POST", "/v1/detect", claiming(60000)), 400),
        (4, "empty", lambda: client.ask(at, "POST", "/v1/detect", b""), 400),
        (2, "too large", lambda: client.ask(at, "POST", "/v1/detect", bytes(17_000_000)), 413),
        (4, "wrong method", lambda: client.ask(at, "GET", "/v1/detect"), 405),
        (4, "wrong path", lambda: client.ask(at, "GET", "/v1/../../etc/passwd"), 400),
        (4, "other origin", lambda: client.ask(at, "POST", "/v1/detect", picture, {"Origin": "http://evil.example"}), 403),
        (3, "broken off", lambda: broken_off(at, picture), None),
        (3, "deaf", lambda: deaf(at, picture), None),
    ]
    random.seed(0)
    order = random.choices(range(len(mix)), [m[0] for m in mix], k=args.requests)
    outcomes = collections.Counter()
    memory = [{"after": 0, **resident(args.url)}]
    begin = time.time()

    def one(i):
        _, name, ask, due = mix[i]
        try:
            status = ask()
        except Exception as e:
            return name, "no answer: " + type(e).__name__, due is None
        return name, status or "none due", status == due

    wrong = []
    with concurrent.futures.ThreadPoolExecutor(args.clients) as pool:
        for start in range(0, len(order), 1000):
            for name, status, right in pool.map(one, order[start:start + 1000]):
                outcomes[f"{name}: {status}"] += 1
                if not right:
                    wrong.append(f"{name}: {status}")
            memory.append({"after": min(start + 1000, len(order)), **resident(args.url)})
            print(json.dumps(memory[-1]), flush=True)
    time.sleep(2)
    print(json.dumps({"requests": len(order), "clients": args.clients, "seconds": round(time.time() - begin - 2, 1), "answered_wrongly_or_not": len(wrong),
                      "examples": wrong[:10], "outcomes": dict(sorted(outcomes.items())), "memory": memory, "at_the_end": resident(args.url)}))
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
