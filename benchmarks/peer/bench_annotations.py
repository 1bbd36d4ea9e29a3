"""Times pycocotools on an annotation file: COCO(file), which reads and indexes it. Prints JSON.

    python bench_annotations.py file.json
"""
import contextlib
import io
import json
import resource
import sys
import time

from pycocotools.coco import COCO

start = time.perf_counter()
with contextlib.redirect_stdout(io.StringIO()):
    truth = COCO(sys.argv[1])
seconds = time.perf_counter() - start
print(json.dumps(dict(engine="pycocotools", images=len(truth.imgs), boxes=len(truth.anns), seconds=round(seconds, 3),
                      cpu_s=round(time.process_time(), 3), peak_resident_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)))
