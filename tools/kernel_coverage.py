#!/usr/bin/env python3
"""Asserts that the unit tests reach every path of every kernel, on every instruction set.

  tools/kernel_coverage.py PROGRAM PROFILE.profraw...

PROGRAM was built with the preset fuzz, whose kernels count their regions (clang's source-based coverage); the profiles
are what its runs left. A region that no run entered fails, for each instruction set apart, unless its line says
"not reached:" and why. Where an instruction set decides by itself, a line that says "by ISA", and a function that is
never called there, must be reached on another one. The last line is "N passed, N failed, N skipped"; one test is one
kernel file on one instruction set, skipped if this CPU lacks that.
"""

import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile

CODE = 0  # kind of region
ALLOWED = "// not reached:"
BY_ISA = "// by ISA"


def export(program, profiles):
    """Every function of the kernels: [{name, filenames, regions}]."""
    with tempfile.TemporaryDirectory() as folder:
        merged = pathlib.Path(folder) / "merged.profdata"
        subprocess.run(["llvm-profdata-19", "merge", "-sparse", "-o", merged, *profiles], check=True)
        text = subprocess.run(["llvm-cov-19", "export", program, f"-instr-profile={merged}", "-skip-expansions"],
                              check=True, capture_output=True, text=True).stdout
    return json.loads(text)["data"][0]["functions"]


def isa_of(name):
    """The kernels of an instruction set are in the namespace pochade::ISA, which a mangled name spells 7pochade6avx512."""
    found = re.search(r"7pochade(\d+)", name)
    return name[found.end():found.end() + int(found.group(1))] if found else None


def main():
    program, profiles = sys.argv[1], sys.argv[2:]
    counts = collections.defaultdict(lambda: collections.defaultdict(int))  # (isa, file) -> region -> count
    of_any = collections.defaultdict(int)  # (file, region) -> count on all instruction sets
    unused = set()  # (isa, file, region) of functions that this instruction set never calls
    for function in export(program, profiles):
        isa, file = isa_of(function["name"]), pathlib.Path(function["filenames"][0])
        if isa is None or "kernels" not in file.parts:
            continue
        for *region, count, file_id, _, kind in function["regions"]:
            if kind == CODE and file_id == 0:
                counts[isa, file][tuple(region)] += count
                of_any[file, tuple(region)] += count
                if function["count"] == 0:
                    unused.add((isa, file, tuple(region)))
    reached = {isa for (isa, _), regions in counts.items() if any(regions.values())}
    passed = failed = skipped = 0
    for (isa, file), regions in sorted(counts.items()):
        if isa not in reached:
            skipped += 1
            continue
        text = file.read_text().splitlines()
        missed = []
        for region, count in sorted(regions.items()):
            line = text[region[0] - 1]
            elsewhere = of_any[file, region] > 0 and ((isa, file, region) in unused or BY_ISA in line)
            if count == 0 and not elsewhere and ALLOWED not in line:
                missed.append(region)
        passed, failed = passed + (not missed), failed + bool(missed)
        for line, column, _, _ in missed:
            print(f"{file}:{line}:{column}: no test reaches this on {isa}: {text[line - 1].strip()}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
