"""Records how the PyTorch peer learns: record.py MODEL_JSON DEPTH OUT.json [--size HxW] [--images N] [--batch N]

MODEL_JSON is a golden model's description (its weights' portable generator and config). One fixed batch is trained
on for 20 steps with AdamW or SGD, gradient norm clipped at 1, no warm-up. Recorded: the total loss of every step, and for
every trained tensor the norm of its change after the last one, and the same once more in fp64 (tiny) or
on one thread (r50), which shows how much of it is rounding.

Two of the model's weights are replaced (they are recorded too), so that boxes stay inside the image: RoIAlign jumps where a sample
leaves it, and the golden models' wild boxes would make training chaotic. benchmarks/peer must be on PYTHONPATH.
"""
import argparse
import gzip
import json
import pathlib

import numpy as np
import torch
from torch_sparse_rcnn import Config, SparseRcnn, set_loss

MASK = (1 << 64) - 1
MEAN = np.array([123.675, 116.28, 103.53], np.float32)
STD = np.array([58.395, 57.12, 57.375], np.float32)


def stream(name, seed, n):
    key = 0xCBF29CE484222325
    for byte in name.encode():
        key = ((key ^ byte) * 0x100000001B3) & MASK
    key ^= (seed * 0xD1B54A32D192ED03) & MASK
    z = (np.uint64(key) + (np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)))
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def uniform(name, seed, n, a, c):
    t = (stream(name, seed, n) >> np.uint64(40)).astype(np.float32) * np.float32(2.0 ** -23) - np.float32(1)
    a, c = np.resize(np.array(a, np.float32), n), np.resize(np.array(c, np.float32), n)
    return np.where(c == 0, a * t, a * t + c).astype(np.float32)


def batch(index, images, height, width, classes):
    """Images and objects of one batch; 3 objects an image, at least 16 pixels a side, wholly inside."""
    pictures, targets = [], []
    for i in range(images):
        name = f"batch{index}.image{i}"
        bytes_ = (stream(name, 0, 3 * height * width) >> np.uint64(56)).astype(np.float32).reshape(height, width, 3)
        pictures.append(((bytes_ - MEAN) / STD).transpose(2, 0, 1))
        u = uniform(name + ".boxes", 0, 12, 0.5, 0.5).reshape(3, 4).astype(np.float64)
        x0, y0 = u[:, 0] * (width - 17), u[:, 1] * (height - 17)
        x1, y1 = x0 + 16 + u[:, 2] * (width - 16 - x0), y0 + 16 + u[:, 3] * (height - 16 - y0)
        labels = (stream(name + ".classes", 0, 3) % np.uint64(classes)).astype(np.int64)
        targets.append((torch.from_numpy(labels), torch.from_numpy(np.stack([x0, y0, x1, y1], 1).astype(np.float32))))
    return torch.from_numpy(np.stack(pictures).astype(np.float32)), targets


def tame(name, spec):
    """Proposals in the middle of the image, deltas a twentieth of the recorded ones."""
    if name.startswith("init_proposal_boxes"):
        return dict(spec, a=[0.15, 0.15, 0.1, 0.1], c=[0.5, 0.5, 0.35, 0.35])
    return dict(spec, a=float(np.float32(spec["a"] / 20)), c=float(np.float32(spec["c"] / 20)))


def run(cfg, weights, seed, kind, lr, images, targets, dtype):
    model = SparseRcnn(cfg)
    state = model.state_dict()
    for name, spec in weights.items():
        state[name] = torch.from_numpy(uniform(name, seed, int(np.prod(spec["shape"])), spec["a"], spec["c"])).reshape(spec["shape"])
    model.load_state_dict(state)
    model, images, targets = model.to(dtype), images.to(dtype), [(c, b.to(dtype)) for c, b in targets]
    trained = {n: p for n, p in model.named_parameters() if p.requires_grad}
    before = {n: p.detach().clone() for n, p in trained.items()}
    if kind == "adamw":
        optimizer = torch.optim.AdamW(trained.values(), lr, weight_decay=1e-4)
    else:
        optimizer = torch.optim.SGD(trained.values(), lr, momentum=0.9, weight_decay=1e-4)
    losses = []
    for _ in range(20):
        sizes = torch.tensor([images.shape[2:]] * len(images))
        total = sum(set_loss(cfg, *model(images, sizes), sizes, targets).values())
        optimizer.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(trained.values(), 1.0)
        optimizer.step()
        losses.append(total.item())
    return dict(losses=losses, update_norms={n: (p.detach() - before[n]).norm().item() for n, p in trained.items()})


def main():
    a = argparse.ArgumentParser()
    a.add_argument("model", type=pathlib.Path)
    a.add_argument("config", choices=("tiny", "r50"))
    a.add_argument("out", type=pathlib.Path)
    a.add_argument("--size", default="96x128")
    a.add_argument("--images", type=int, default=2)
    a.add_argument("--batch", type=int, default=0, help="which batch: one on which fp32 and fp64 stay together")
    o = a.parse_args()
    torch.set_num_threads(2)
    document = json.loads(o.model.read_text())
    cfg = Config() if o.config == "r50" else Config(
        res2_channels=32, stem_channels=16, bottleneck_channels=8, fpn_channels=32, classes=5, proposals=20, hidden=32,
        dynamic=8, attention_heads=4, feedforward=64, stages=3)
    height, width = map(int, o.size.split("x"))
    replaced = {n: tame(n, w) for n, w in document["weights"].items() if n.startswith("init_proposal_boxes") or "bboxes_delta" in n}
    weights = {**document["weights"], **replaced}
    result = dict(torch=torch.__version__, model=o.model.stem, size=[height, width], images=o.images, batch=o.batch, weights=replaced)
    for kind, lr in (("adamw", 1e-4), ("sgd", 0.002)):
        learn = lambda dtype: run(cfg, weights, document["portable_seed"], kind, lr,
                                  *batch(o.batch, o.images, height, width, cfg.classes), dtype)
        result[kind] = dict(learn(torch.float32), lr=lr)
        if o.config == "tiny":
            again = learn(torch.float64)
        else:  # fp64 would take an hour; another order of sums shows rounding as well
            torch.set_num_threads(1)
            again = learn(torch.float32)
            torch.set_num_threads(2)
        noise = max(abs(x - y) / y for x, y in zip(result[kind]["losses"], again["losses"]))
        result[kind].update(noise=noise, update_norms_again=again["update_norms"])
        print(kind, noise, [round(v, 4) for v in result[kind]["losses"]], flush=True)
    with open(o.out, "wb") as file, gzip.GzipFile("", "wb", 9, file, 0) as packed:
        packed.write(json.dumps(result).encode())


main()
