#!/usr/bin/env python3
"""Report which requirements of the RFCs are cited by code and by tests. See docs/CITATIONS.md."""

import argparse
import pathlib
import re
import sys

LISTS = "tools/citations"
CODE, TESTS = ("src", "include"), ("tests",)
SKIPPED = re.compile("tests/tools/|.*/node_modules/")  # sample data, and what others wrote
SUFFIXES = {".c", ".h", ".in", ".py", ".js", ".mjs", ".ts"}
LEVELS = {"MUST", "MUST NOT", "RULE"}
AWAITED = {"9605": "src/sframe"}  # an RFC that is checked only once this folder exists

# White space that may run over one line break and the comment sign that opens the next line.
GAP = r"[ \t]*(?:\n[ \t]*(?://+|\*(?!/)|#)?[ \t]*)?"
SPACE = rf"(?=\s){GAP}"
ITEM = r"\d+(?:\.\d+)*(?:-\d+(?:\.\.(?:[\d.]+-)?\d+)?)?(?![\d-])"
CITATION = re.compile(
    rf"RFC{GAP}(\d{{4}}),?{SPACE}(?:[Ss]ections?{SPACE})?"
    rf"({ITEM}(?:(?:,{GAP}(?:and{SPACE})?|{SPACE}and{SPACE}){ITEM})*)")
NUMBERED = re.compile(r"([\d.]+)-(\d+)(?:\.\.(?:([\d.]+)-)?(\d+))?")


class Requirement:
    def __init__(self, ident, level, text, reason):
        self.ident, self.level, self.text, self.reason = ident, level, text, reason
        self.code, self.tests = [], []

    def section(self):
        return self.ident.rpartition("-")[0]

    def missing(self):
        return not (self.reason or self.code or self.tests)

    def line(self):
        reason = f"  [{self.reason}]" if self.reason else ""
        return f"  {self.ident:<12} {self.level:<8}  {self.text}{reason}"


def parse_list(path):
    """The requirements of one list by ID; raises ValueError that names the line at fault."""
    found, last = {}, {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = [field.strip() for field in line.split("|")]
        ident = re.fullmatch(r"(\d+(?:\.\d+)*)-(\d+)", fields[0])
        reason = fields[3] if len(fields) == 4 else ""
        if (not ident or len(fields) not in (3, 4) or fields[1] not in LEVELS or not fields[2]
                or len(fields) == 4 and not re.match(r"n/a: \S", reason)):
            raise ValueError(f"{path}:{number}: not 'ID | level | text [| n/a: why]'")
        section, index = ident[1], int(ident[2])
        if index != last.get(section, 0) + 1:
            raise ValueError(f"{path}:{number}: {fields[0]} is out of sequence")
        last[section] = index
        found[fields[0]] = Requirement(*fields[:3], reason)
    return found


def citations(text):
    """Yield (offset, RFC, ID) for each numbered citation; a range yields all of its IDs."""
    for match in CITATION.finditer(text):
        for item in NUMBERED.finditer(match[2]):
            section, first, other, last = item.groups()
            if other not in (None, section) or last and int(last) < int(first):
                yield match.start(), match[1], item[0]  # no such range, hence no such ID
                continue
            for index in range(int(first), int(last or first) + 1):
                yield match.start(), match[1], f"{section}-{index}"


def sources(root, folders):
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            name = path.relative_to(root).as_posix()
            if path.suffix in SUFFIXES and not SKIPPED.match(name) and path.is_file():
                yield name, path.read_text(encoding="utf-8", errors="replace")


def scan(root, lists):
    """Note every citation at its requirement; return complaints about IDs that do not exist."""
    unknown = []
    for kind, folders in (("code", CODE), ("tests", TESTS)):
        for name, text in sources(root, folders):
            for offset, rfc, ident in citations(text):
                place = f"{name}:{text.count(chr(10), 0, offset) + 1}"
                if rfc not in lists:
                    continue
                if ident in lists[rfc]:
                    getattr(lists[rfc][ident], kind).append(place)
                else:
                    unknown.append(f"{place}: RFC {rfc} {ident} does not exist")
    return unknown


def print_some(title, requirements):
    if requirements:
        print(f"{title}:")
        for requirement in requirements:
            print(requirement.line())


def print_report(rfc, requirements, due):
    every = requirements.values()
    missing = [r for r in every if r.missing()]

    def count(attribute):
        return sum(bool(getattr(r, attribute)) for r in every)

    print(f"RFC {rfc}: {len(every)} requirements, {count('code')} cited in code,"
          f" {count('tests')} in tests, {count('reason')} n/a, {len(missing)} nowhere"
          + ("" if due else f" (not due before {AWAITED[rfc]} exists)"))
    if due:
        print_some("Cited nowhere", missing)
        print_some("Rules cited in code but in no test",
                   [r for r in every if r.level == "RULE" and r.code and not r.tests])


def print_section(rfc, requirements, wanted):
    for requirement in requirements.values():
        if wanted == requirement.ident or f"{requirement.section()}.".startswith(f"{wanted}."):
            print(f"RFC {rfc}{requirement.line()}")
            for place in requirement.code + requirement.tests:
                print(f"      {place}")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true",
                        help="exit 1 if a requirement is cited nowhere or a citation is wrong")
    parser.add_argument("--list", metavar="SECTION",
                        help="show the requirements of a section and where they are cited")
    parser.add_argument("--root", type=pathlib.Path, help="the project's folder",
                        default=pathlib.Path(__file__).resolve().parent.parent)
    args = parser.parse_args(argv)
    try:
        lists = {path.stem[3:]: parse_list(path)
                 for path in sorted((args.root / LISTS).glob("rfc*.txt"))}
    except ValueError as fault:
        print(fault, file=sys.stderr)
        return 2
    unknown = scan(args.root, lists)
    failed = bool(unknown)
    for rfc, requirements in lists.items():
        due = rfc not in AWAITED or (args.root / AWAITED[rfc]).is_dir()
        failed |= due and any(r.missing() for r in requirements.values())
        if args.list:
            print_section(rfc, requirements, args.list)
        else:
            print_report(rfc, requirements, due)
    for complaint in unknown:
        print(complaint)
    return 1 if args.check and failed else 0


if __name__ == "__main__":
    sys.exit(main())
