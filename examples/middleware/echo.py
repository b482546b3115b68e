#!/usr/bin/env python3
"""Gives every message back as it is and says on standard error what came by.

    mirrorball --input-tcp :28020 --middleware ./echo.py --output-http http://staging:3000
"""
import sys

for line in sys.stdin.buffer:
    record = bytes.fromhex(line.decode("ascii"))
    meta, _, http = record.partition(b"\n")
    kind, message_id = meta.split(b" ")[:2]
    start = http.partition(b"\r\n")[0]
    print(kind.decode(), message_id.decode(), start.decode("latin-1"), file=sys.stderr, flush=True)
    sys.stdout.buffer.write((meta + b"\n" + http).hex().encode("ascii") + b"\n")
    # Without this, messages wait here until some thousands of bytes have come together.
    sys.stdout.buffer.flush()
