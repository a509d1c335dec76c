#!/usr/bin/env python3
"""Checks what the WebAssembly module asks of its host, and its size.

    tools/check-wasm.py MODULE BYTES

Its imports are those of src/crypto/host/import.h and no others; compressed (gzip) it has at most
BYTES. Prints one line about it, or what is wrong, and then fails.
"""
import gzip
import re
import sys
from pathlib import Path

HEADER = Path(__file__).resolve().parent.parent / "src/crypto/host/import.h"
KINDS = ["function", "table", "memory", "global"]


def varint(data, at):
    """An unsigned LEB128 number, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def name(data, at):
    n, at = varint(data, at)
    return data[at:at + n].decode(), at + n


def imports(data):
    """(module, name, kind) of each; the section with the number 2 (WebAssembly 5.5.5)."""
    if data[:8] != b"\0asm\1\0\0\0":
        raise ValueError("not a WebAssembly module")
    at, found = 8, []
    while at < len(data):
        section = data[at]
        size, at = varint(data, at + 1)
        if section == 2:
            count, here = varint(data, at)
            for _ in range(count):
                module, here = name(data, here)
                field, here = name(data, here)
                kind = data[here]
                if kind != 0:
                    raise ValueError(f"imports a {KINDS[kind]}: {module}.{field}")
                _, here = varint(data, here + 1)
                found.append((module, field))
        at += size
    return found


def main():
    path, most = Path(sys.argv[1]), int(sys.argv[2])
    data = path.read_bytes()
    allowed = {("conclave", n) for n in re.findall(r'HOST_IMPORT\("(\w+)"\)', HEADER.read_text())}
    found = imports(data)
    foreign = [f"{m}.{n}" for m, n in found if (m, n) not in allowed]
    size = len(gzip.compress(data, 9))
    print(f"{path}: {len(data)} bytes, {size} compressed, {len(found)} imports")
    if foreign:
        sys.exit(f"{path}: imports what is not in {HEADER.name}: {', '.join(foreign)}")
    if not found:
        sys.exit(f"{path}: imports nothing: not the core")
    if size > most:
        sys.exit(f"{path}: more than {most} bytes compressed")


main()
