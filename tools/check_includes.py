#!/usr/bin/env python3
"""Checks the order of the folders: a file of src/ includes only from its own folder and from folders above it.

Usage: check_includes.py [SOURCE_FOLDER]     prints each include that goes upward; exit status 1 if there is one.
"""

import pathlib
import re
import sys

# The one place for the order (docs/architecture.md explains it): each folder sees those before it.
ORDER = (
    "base tensor graph kernels plan ops passes engine formats media data tasks compress train targets delivery "
    "paint studio api cli"
).split()

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')
# A kernel is compiled once for each instruction set: an inline function of the standard library in it could become
# the copy that the linker keeps for everyone. So kernels include these, intrinsics, and kernels/, nothing else.
KERNEL_SYSTEM_HEADERS = {"stddef.h", "stdint.h", "immintrin.h", "arm_neon.h", "arm_acle.h"}


def faults(source):
    """Yields (path, line number, what is wrong) for every include that breaks the rules."""
    rank = {folder: position for position, folder in enumerate(ORDER)}
    for path in sorted(source.rglob("*")):
        if path.suffix not in (".h", ".hpp", ".cc", ".inc"):
            continue
        inside = path.relative_to(source)
        folder = inside.parts[0]
        if folder not in rank:
            yield inside, 0, f'the folder "{folder}" has no place in the order (tools/check_includes.py)'
            continue
        is_kernel = path.name.endswith("_simd.cc")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            bracket, name = match.groups()
            if bracket == "<":
                if is_kernel and name not in KERNEL_SYSTEM_HEADERS:
                    yield inside, number, f"a kernel includes <{name}>"
                continue
            target = name.split("/")[0]
            if "/" not in name or target in (".", "..") or not (source / name).exists():
                yield inside, number, f'"{name}" is not written from src/'
            elif target not in rank:
                yield inside, number, f'"{target}" has no place in the order'
            elif rank[target] > rank[folder]:
                yield inside, number, f'{folder}/ includes "{name}", which stands below it'
            elif is_kernel and target != "kernels":
                yield inside, number, f'a kernel includes "{name}"'


def main():
    source = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[1] / "src"
    if not source.is_dir():
        sys.exit(f"{source} is not a folder")
    found = list(faults(source))
    for path, number, text in found:
        print(f"src/{path}:{number}: {text}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
