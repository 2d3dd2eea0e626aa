"""The program for ARM boards, in an emulator, does what the program of this machine does.

Environment: POCHADE_RUN, the static program; POCHADE, this machine's; POCHADE_EMULATOR, the command that runs the first.
"""

import array
import ast
import json
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
STYLE = REPOSITORY / "styles/first_style.onnx"
PHOTO = REPOSITORY / "docs/images/lighthouse.jpg"
HERE = [os.environ.get("POCHADE", str(REPOSITORY / "build/release/bin/pochade"))]
BOARD = (os.environ.get("POCHADE_EMULATOR", "qemu-aarch64 -cpu max").split() +
         [os.environ.get("POCHADE_RUN", str(REPOSITORY / "build/aarch64/bin/pochade-run"))])


def run(program, *words):
    result = subprocess.run([*program, *[str(word) for word in words]], capture_output=True, text=True, timeout=600,
                            stdin=subprocess.DEVNULL)
    if result.returncode != 0:
        raise AssertionError(f"{program} {words} ended with {result.returncode}:\n{result.stdout}\n{result.stderr}")
    return result.stdout


def read_npy(path):
    data = path.read_bytes()
    length = struct.unpack("<H", data[8:10])[0]
    header = ast.literal_eval(data[10:10 + length].decode())
    assert header["descr"] == "<f4", header
    return header["shape"], array.array("f", data[10 + length:])


class PochadeRun(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.top = pathlib.Path(self.temporary.name)

    def test_it_is_one_static_file(self):
        program = pathlib.Path(BOARD[-1]).read_bytes()
        self.assertEqual(program[:5], b"\x7fELF\x02")
        self.assertNotIn(b"/ld-linux", program[:4096])  # no dynamic loader is asked for

    def test_same_numbers(self):
        results = []
        for name, program in (("here", HERE), ("board", BOARD)):
            folder = self.top / name
            run(program, "run", STYLE, "--random", 1, "--shape", "photo=1x3x64x96", "--output", folder)
            file = json.loads((folder / "index.json").read_text())[0]["file"]
            results.append(read_npy(folder / file))
        (here_shape, here), (board_shape, board) = results
        self.assertEqual(here_shape, board_shape)
        self.assertGreater(max(here) - min(here), 0.1)
        self.assertLess(max(abs(a - b) for a, b in zip(here, board)), 2e-3)

    def test_paints(self):
        out = self.top / "out.png"
        run(BOARD, "paint", PHOTO, "--size", 96, "-o", out)
        data = out.read_bytes()
        self.assertEqual(struct.unpack(">II", data[16:24]), (64, 96))
        self.assertGreater(len(data), 8000)  # strokes do not compress to nothing

    def test_styles_lie_beside_the_program(self):
        program = pathlib.Path(shutil.copy(BOARD[-1], self.top))
        (self.top / "styles").mkdir()
        for kind in (".onnx", ".toml"):
            shutil.copy(STYLE.with_suffix(kind), self.top / "styles" / ("another" + kind))
        run([*BOARD[:-1], str(program)], "paint", PHOTO, "--size", 32, "--style", "another", "-o", self.top / "out.png")
        self.assertTrue((self.top / "out.png").exists())

    def test_bench_says_its_instruction_set(self):
        found = json.loads(run(BOARD, "bench", STYLE, "--shape", "photo=1x3x32x32", "--runs", 1, "--seconds", 0, "--json"))
        self.assertRegex(found["isa"], "^neon")  # by what the emulated CPU has: neon, neon_dotprod, neon_i8mm


if __name__ == "__main__":
    unittest.main()
