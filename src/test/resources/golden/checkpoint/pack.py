"""Packs the checkpoint files that the tests read: python pack.py FOLDER WANTED_JSON files.lz.gz

The files repeat each other's tensors at distances no ordinary compressor looks back to, so each is written as literal
bytes and copies from all that was written before. All integers are big-endian:

    int32 files; per file: uint16 length + name, int32 bytes, int32 steps; per step: int32 n, n bytes, int32 from, int32 m

A step appends n literal bytes and then m bytes copied from position `from` of the concatenation of all files.
"""
import gzip, json, os, struct, sys

KEY, STRIDE, SHORTEST = 32, 16, 48


def pack(folder, names):
    everything = bytearray()
    seen = {}
    out = bytearray(struct.pack(">i", len(names)))
    for name in names:
        data = open(os.path.join(folder, name), "rb").read()
        base = len(everything)
        everything += data
        steps, at, literal = [], base, base
        while at + KEY <= len(everything):
            known = seen.get(bytes(everything[at:at + KEY]))
            if known is not None:
                start, source = at, known
                while start > literal and source > 0 and everything[start - 1] == everything[source - 1]:
                    start, source = start - 1, source - 1
                n = at - start + KEY
                while start + n < len(everything) and everything[start + n] == everything[source + n]:
                    n += 1
                n = min(n, start - source)
                if n >= SHORTEST:
                    steps.append((bytes(everything[literal:start]), source, n))
                    at = literal = start + n
                    continue
            if at % STRIDE == 0:
                seen.setdefault(bytes(everything[at:at + KEY]), at)
            at += 1
        steps.append((bytes(everything[literal:]), 0, 0))
        for place in range((base + STRIDE - 1) // STRIDE * STRIDE, len(everything) - KEY, STRIDE):
            seen.setdefault(bytes(everything[place:place + KEY]), place)
        encoded = name.encode()
        out += struct.pack(">H", len(encoded)) + encoded + struct.pack(">ii", len(data), len(steps))
        for text, source, n in steps:
            out += struct.pack(">i", len(text)) + text + struct.pack(">ii", source, n)
    return gzip.compress(bytes(out), 9, mtime=0)


if __name__ == "__main__":
    wanted = json.load(open(sys.argv[2]))["files"]
    open(sys.argv[3], "wb").write(pack(sys.argv[1], list(wanted)))
