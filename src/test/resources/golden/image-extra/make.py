"""Pictures of rarer kinds and the SHA-256 of the RGB bytes Pillow 12.3 makes of them (upright, convert("RGB")).

Run in this folder: python make.py. Bytes of some encoders change between Pillow versions; the picture files and
expected.json belong together.
"""
import hashlib
import io
import json
import struct
import warnings
import zlib

import numpy as np
from PIL import Image, ImageFilter

warnings.simplefilter("ignore")
rng = np.random.default_rng(0)
files = {}


def scene(w, h):
    noise = Image.fromarray(rng.integers(0, 256, (h, w, 3), dtype=np.uint8)).filter(ImageFilter.GaussianBlur(2))
    return Image.fromarray(((np.asarray(noise).astype(int) - 128) * 4 + 128).clip(0, 255).astype(np.uint8))


def put(name, image, **options):
    out = io.BytesIO()
    image.save(out, name.split(".")[1].replace("jpg", "jpeg").replace("tif", "tiff"), **options)
    files[name] = out.getvalue()
    return files[name]


def without(jpeg, marker):
    at = jpeg.index(bytes([0xFF, marker]))
    return jpeg[:at] + jpeg[at + 2 + struct.unpack(">H", jpeg[at + 2:at + 4])[0]:]


small = scene(31, 23)
# JPEG: sizes that are no multiple of a block, sampling 4:1:1, restart markers, colour decisions, orientation containers
for w, h in ((1, 1), (2, 1), (1, 3), (9, 17), (33, 16)):
    put(f"size_{w}x{h}.jpg", scene(w, h), quality=80)
put("s411.jpg", small, subsampling="4:1:1")
put("s411_progressive.jpg", small, subsampling="4:1:1", progressive=True)
put("restart.jpg", small, restart_marker_blocks=2)
jfif = put("s444.jpg", small, subsampling="4:4:4")
plain = files["no_marker_444.jpg"] = without(jfif, 0xE0)
for transform in (0, 1, 2):
    files[f"adobe_{transform}.jpg"] = plain[:2] + b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes([transform]) + plain[2:]
put("rgb_components.jpg", small, keep_rgb=True)
put("icc_garbage.jpg", small, icc_profile=b"garbage" * 40)
inks = Image.fromarray(rng.integers(0, 256, (20, 21, 4), dtype=np.uint8), "CMYK").filter(ImageFilter.GaussianBlur(1))
cmyk = put("cmyk_adobe.jpg", inks)
files["cmyk_no_marker.jpg"] = without(cmyk, 0xEE)
at = cmyk.index(b"Adobe") + 11
files["ycck.jpg"] = cmyk[:at] + b"\x02" + cmyk[at + 1:]
# 4:2:2 and 4:4:0 have as many blocks per unit: another frame header makes one of the other (the picture is scrambled)
wide = io.BytesIO()
scene(32, 32).save(wide, "jpeg", subsampling="4:2:2")
frame = wide.getvalue().index(b"\xff\xc0")
for w, h in ((32, 32), (29, 31), (26, 18)):
    j = bytearray(wide.getvalue())
    j[frame + 5:frame + 9] = struct.pack(">HH", h, w)
    j[frame + 11] = 0x12
    files[f"s440_{w}x{h}.jpg"] = bytes(j)
files["trailing_bytes.jpg"] = jfif + b"junk" * 30
xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
put("xmp_orientation_6.jpg", small, xmp=xmp)
put("exif_long_3.jpg", small, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x04\0\0\0\x01\0\0\0\x03\0\0\0\0")
put("exif_damaged.jpg", small, exif=b"Exif\0\0MM\0*\0\0\0\xf8\0\x01\x01\x12\0\x03\0\0\0\x01\0\x03\0\0\0\0\0\0")
exif = Image.Exif()
exif[0x112] = 8
put("exif_8.png", small, exif=exif)
# PNG
for mode in ("1", "L", "LA", "P", "RGB", "RGBA"):
    picture = small.convert(mode)
    if mode in ("LA", "RGBA"):
        picture.putalpha(Image.fromarray(rng.integers(0, 256, (23, 31), dtype=np.uint8)))
    put(f"mode_{mode}.png", picture)
for bits in (1, 2, 4):
    put(f"palette_{bits}bit.png", small.quantize(2 ** bits), bits=bits)
put("palette_transparent.png", small.convert("P"), transparency=5)
put("grey_transparent.png", small.convert("L"), transparency=5)
put("rgb_transparent.png", small, transparency=(1, 2, 3))
put("grey16.png", Image.fromarray(rng.integers(0, 400, (20, 30)).astype(np.uint16)))


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def raw_png(name, bits, colour, channels, extra=b""):
    w, h = 13, 9
    rows = b"".join(b"\0" + rng.integers(0, 256, (w * bits * channels + 7) // 8, dtype=np.uint8).tobytes() for _ in range(h))
    files[name] = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, bits, colour, 0, 0, 0)) + extra
                   + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


raw_png("grey_2bit.png", 2, 0, 1)
raw_png("grey_4bit.png", 4, 0, 1)
raw_png("rgb16.png", 16, 2, 3)
raw_png("la16.png", 16, 4, 2)
raw_png("rgba16.png", 16, 6, 4)
raw_png("gamma.png", 8, 2, 3, chunk(b"gAMA", struct.pack(">I", 100000)))
# the others
for mode in ("1", "L", "P", "RGB", "RGBA"):
    put(f"mode_{mode}.bmp", small.convert(mode))
for mode in ("L", "RGB"):
    put(f"mode_{mode}.gif", small.convert(mode))
for mode in ("1", "L", "RGB", "RGBA"):
    put(f"mode_{mode}.tif", small.convert(mode))
put("lzw.tif", small, compression="tiff_lzw")

TURN = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
expected = {}
for name, content in sorted(files.items()):
    open(name, "wb").write(content)
    picture = Image.open(io.BytesIO(content))
    try:
        turn = TURN.get(picture.getexif().get(0x112))
    except Exception:
        turn = None
    picture = (picture if turn is None else picture.transpose(turn)).convert("RGB")
    expected[name] = {"width": picture.width, "height": picture.height,
                      "sha256": hashlib.sha256(picture.tobytes()).hexdigest()}
json.dump(expected, open("expected.json", "w"), indent=1)
