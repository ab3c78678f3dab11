"""Value to text and back through the Python package: prints both medians in microseconds."""

import json
import logging
import statistics
import sys
import time

import inngest
from inngest_encryption import EncryptionMiddleware

payload = json.loads(open(sys.argv[1]).read())
seconds = float(sys.argv[2])
client = inngest.Inngest(app_id="bench", logger=logging.getLogger("bench"))
middleware = EncryptionMiddleware(client, None, "a passphrase of the benchmark")


def median(work):
    figures, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(figures) < 3:
        started = time.perf_counter()
        work()
        figures.append((time.perf_counter() - started) * 1e6)
    return statistics.median(figures)


text = json.dumps(middleware._encrypt(payload))
assert middleware._decrypt(json.loads(text)) == payload
print(median(lambda: json.dumps(middleware._encrypt(payload))))
print(median(lambda: middleware._decrypt(json.loads(text))))
