#!/usr/bin/env python3
"""Checks the laws of the house that a compiler does not know.

    tools/check-includes.py [ROOT]

Prints one line for each violation, `file:line: what`, and fails if there is any. The laws:

- which module may include which (MAY_INCLUDE below: the one place where an edge is added);
- OpenSSL, the multi-buffer library and system calls each have their one folder;
- modules without I/O include nothing that could do I/O, tell time or draw random numbers, and
  do not log, abort or exit;
- secrets and tags are not compared with memcmp;
- files, functions and lines stay short.
"""
import re
import sys
from pathlib import Path

FILE_LINES, FUNCTION_LINES, COLUMNS = 800, 100, 100

# A module may include itself and what stands here, and everything those may include.
MAY_INCLUDE = {
    "base": [],
    "wire": ["base"],
    "crypto": ["wire"],
    "mls": ["crypto"],
    "sframe": ["crypto"],
    "identity": ["crypto"],
    "signal": ["wire"],
    "meeting": ["mls", "identity", "signal"],
    "participant": ["meeting"],
    "room": ["meeting"],
    "rtc": ["crypto"],
    "sfu": ["rtc"],
    "call": ["rtc", "sframe", "signal"],
    "media": ["wire"],
    "net": ["base"],
    "store": ["base"],
    "service": ["room"],
}
# An edge that brings nothing along: the service puts rooms and the store together; neither knows the
# other.
# Files of media look at frames with the eyes of the payload formats; they know no packets.
AND_DIRECTLY = {"service": {"store"}, "media": {"rtc"}}
UNBOUND = {"cmd", "wasm", "tests"}  # wiring and tests may include anything

# The server's brain follows a group without being in it.
ONLY_THESE = {
    ("room", "mls"): {"mls/public_group.h"},
    ("media", "rtc"): {"rtc/opus.h", "rtc/vp8.h"},
}

WITH_IO = {"net", "store", "service", "cmd", "tests", "examples"}
PURE_HEADERS = {
    "assert.h", "immintrin.h", "inttypes.h", "limits.h", "stdalign.h", "stdarg.h", "stdbool.h",
    "stddef.h", "stdint.h", "stdlib.h", "stdnoreturn.h", "string.h",
}
# Folders that may include more than the pure headers, and what (a prefix).
EXTRA_HEADERS = {
    "src/crypto/openssl/": ("openssl/", "pthread.h", "stdatomic.h", "threads.h", "time.h"),
    "src/crypto/ipsecmb/": ("intel-ipsec-mb.h", "stdatomic.h"),
    "src/base/": ("valgrind/memcheck.h",),
    "src/media/": ("math.h", "ogg/", "opus.h", "vpx/"),
}
ONE_FOLDER = {
    "openssl/": ("src/crypto/openssl/", "tests/"),
    "intel-ipsec-mb.h": ("src/crypto/ipsecmb/", "tests/"),
    "ogg/": ("src/media/", "tests/"),
    "opus.h": ("src/media/", "tests/"),
    "vpx/": ("src/media/", "tests/"),
}
NO_CALLS = re.compile(r"\b(abort|assert|exit|_Exit|getenv|rand|srand|system)\s*\(")
MEMCMP = re.compile(r"\bmemcmp\s*\(")
NO_MEMCMP = ("src/crypto/", "src/mls/", "src/sframe/", "src/rtc/srtp")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
# Comments, strings and characters: text in which nothing is code.
NOT_CODE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def closure(module):
    found, todo = set(), [module]
    while todo:
        at = todo.pop()
        if at not in found:
            found.add(at)
            todo += MAY_INCLUDE.get(at, [])
    return found


def owner_of_public(name):
    """<conclave/mls.h> belongs to mls; a public header named after no module belongs to base."""
    stem = name.split("/")[-1].split(".")[0]
    return stem if stem in MAY_INCLUDE else "base"


def module_of(path):
    parts = path.split("/")
    if parts[0] == "include":
        return owner_of_public(path)
    if parts[0] == "src":
        return parts[1] if len(parts) > 2 else "base"
    return parts[0]


def blank(text):
    """The same text with everything blanked that is not code; lines stay where they are."""
    return NOT_CODE.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def check_edge(path, module, target, header):
    if module in UNBOUND:
        return None
    if module not in MAY_INCLUDE:
        return f"folder {module} is not in the include law"
    if target not in closure(module) | AND_DIRECTLY.get(module, set()):
        return f"{module} may not include {header}"
    allowed = ONLY_THESE.get((module, target))
    if allowed is not None and header not in allowed:
        return f"{module} may include only {', '.join(sorted(allowed))} of {target}"
    return None


def check_system_header(path, module, header):
    for prefix, folders in ONE_FOLDER.items():
        if header.startswith(prefix) and not path.startswith(folders):
            return f"<{header}> belongs into {folders[0]}"
    if module in WITH_IO or header in PURE_HEADERS:
        return None
    for folder, extra in EXTRA_HEADERS.items():
        if path.startswith(folder) and header.startswith(extra):
            return None
    return f"<{header}> in a module that does no I/O"


def check_include(path, module, kind, header):
    if module == "examples":
        if kind == '"':
            return "examples include public headers only"
        return check_system_header(path, module, header)
    if kind == '"':
        if path.startswith("include/"):
            return "a public header includes public headers only"
        if module in UNBOUND:
            return None
        if "/" not in header:
            return f'write "{header}" with its folder, as seen from src'
        return check_edge(path, module, header.split("/")[0], header)
    if header.startswith("conclave/"):
        return check_edge(path, module, owner_of_public(header), f"<{header}>")
    return check_system_header(path, module, header)


def check_functions(code):
    """A function's braces stand in the first column; nothing else's opening brace does."""
    start = None
    for number, line in enumerate(code, 1):
        if line.rstrip() == "{":
            start = number
        elif line.startswith("}") and start is not None:
            length = number - start - 1
            if length > FUNCTION_LINES:
                yield start, f"a function of {length} lines, limit {FUNCTION_LINES}"
            start = None


def check_file(path, text):
    module = module_of(path)
    lines = text.splitlines()
    code = blank(text).splitlines()
    pure = path.startswith("src/") and module not in WITH_IO

    if len(lines) > FILE_LINES:
        yield 1, f"{len(lines)} lines, limit {FILE_LINES}"
    for number, (line, bare) in enumerate(zip(lines, code), 1):
        if len(line) > COLUMNS:
            yield number, f"{len(line)} columns, limit {COLUMNS}"
        # The quoted name is blanked in `bare`; the directive itself is not, unless in a comment.
        found = INCLUDE.match(line) if "include" in bare else None
        wrong = check_include(path, module, *found.groups()) if found else None
        if wrong:
            yield number, wrong
        call = NO_CALLS.search(bare) if pure else None
        if call:
            yield number, f"{call.group(1)}() in a library"
        if path.startswith(NO_MEMCMP) and MEMCMP.search(bare):
            yield number, "memcmp: use ct_equal, or bytes_equal where the data is public"
    yield from check_functions(code)


def main(root):
    count = violations = 0
    for top in ("include", "src", "tests", "examples"):
        for file in sorted((root / top).rglob("*.[ch]")):
            count += 1
            path = file.relative_to(root).as_posix()
            for line, what in check_file(path, file.read_text(encoding="utf-8")):
                print(f"{path}:{line}: {what}")
                violations += 1
    print(f"include law: {count} files, {violations} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent)))
