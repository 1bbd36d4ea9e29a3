"""Trims a golden group to what the tests read: trim.py IN_DIR GROUP OUT_DIR [--drop PREFIX ...] [--sample N PREFIX ...]

Tensors under a dropped prefix are left out; of a sampled one with more than N elements, N elements are kept at evenly spread
positions ((i * size) // N), in a flat tensor whose name ends in '#sample'. Files are gzipped without a time stamp.
"""
import argparse
import gzip
import json
import pathlib
import struct

WIDTH = {"F32": 4, "F64": 8, "I64": 8, "I32": 4, "U8": 1, "BOOL": 1}


def main():
    a = argparse.ArgumentParser()
    a.add_argument("source", type=pathlib.Path)
    a.add_argument("group")
    a.add_argument("target", type=pathlib.Path)
    a.add_argument("--drop", nargs="*", default=[])
    a.add_argument("--count", type=int, default=512)
    a.add_argument("--sample", nargs="*", default=[])
    a.add_argument("--drop-json", nargs="*", default=["tensors"])
    o = a.parse_args()
    raw = (o.source / f"{o.group}.safetensors").read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header, data = json.loads(raw[8:8 + size]), raw[8 + size:]
    header.pop("__metadata__", None)
    out, body = {}, bytearray()
    for name, h in sorted(header.items(), key=lambda e: (-WIDTH[e[1]["dtype"]], e[0])):
        if any(name.startswith(p) for p in o.drop):
            continue
        begin, end = h["data_offsets"]
        width, values, shape = WIDTH[h["dtype"]], data[begin:end], h["shape"]
        n = len(values) // width
        if n > o.count and any(name.startswith(p) for p in o.sample):
            values = b"".join(values[i * n // o.count * width:][:width] for i in range(o.count))
            name, shape = name + "#sample", [o.count]
        out[name] = {"dtype": h["dtype"], "shape": shape, "data_offsets": [len(body), len(body) + len(values)]}
        body += values
    text = json.dumps(out).encode()
    text += b" " * (-len(text) % 8)
    o.target.mkdir(parents=True, exist_ok=True)
    write(o.target / f"{o.group}.safetensors.gz", struct.pack("<Q", len(text)) + text + bytes(body))
    document = json.loads((o.source / f"{o.group}.json").read_text())
    for key in o.drop_json:
        document.pop(key, None)
    write(o.target / f"{o.group}.json.gz", json.dumps(document).encode())


def write(path, content):
    with open(path, "wb") as file, gzip.GzipFile("", "wb", 9, file, 0) as packed:
        packed.write(content)


main()
