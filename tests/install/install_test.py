"""An installed copy, used from outside: the program with its styles, find_package, pkg-config, completion.

Environment: POCHADE_BUILD, the build folder to install from.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("POCHADE_BUILD", REPOSITORY / "build/release"))
STYLE = REPOSITORY / "styles/first_style.onnx"


def run(*command, **options):
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300,
                            stdin=subprocess.DEVNULL, **options)
    if result.returncode != 0:
        raise AssertionError(f"{command} ended with {result.returncode}:\n{result.stdout}\n{result.stderr}")
    return result.stdout


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="pochade install ")
        cls.top = pathlib.Path(cls.temporary.name)
        first = cls.top / "first"
        run("cmake", "--install", BUILD, "--prefix", first)
        cls.prefix = cls.top / "moved later"  # nothing in it may know where it was put
        first.rename(cls.prefix)
        cls.program = cls.prefix / "bin/pochade"
        cls.libraries = next(path.parent for path in cls.prefix.rglob("libpochade.a"))

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def test_program_and_its_styles(self):
        self.assertRegex(run(self.program, "--version"), r"^pochade \d+\.\d+\.\d+\n$")
        self.assertTrue((self.prefix / "share/pochade/styles/first_style.onnx").exists())
        self.assertIn("input", run(self.program, "inspect", self.prefix / "share/pochade/styles/first_style.onnx"))

    def test_only_the_interface_is_installed(self):
        names = sorted(path.name for path in (self.prefix / "include").rglob("*") if path.is_file())
        self.assertEqual(names, ["pochade.h", "pochade.hpp"])

    def test_find_package(self):
        build = self.top / "outside"
        run("cmake", "-G", "Ninja", "-S", REPOSITORY / "tests/install", "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}",
            f"-DEXAMPLES={REPOSITORY / 'examples'}")
        run("cmake", "--build", build)
        for name in ("with_cmake_c", "with_cmake_cpp"):
            self.assertIn("first value", run(build / name, STYLE))

    def test_pkg_config(self):
        environment = dict(os.environ, PKG_CONFIG_PATH=str(self.libraries / "pkgconfig"))
        flags = run("sh", "-c", "pkg-config --cflags --libs pochade | sed 's/\\\\\\\\ /?/g'", env=environment)
        for source, compiler, standard in (("run_model.c", "gcc", "-std=c99"), ("run_model.cpp", "g++", "-std=c++17")):
            program = self.top / f"with_{compiler}"
            run(compiler, standard, "-Wall", "-Wextra", "-Werror", REPOSITORY / "examples" / source, "-o", program,
                *[flag.replace("?", " ") for flag in flags.replace("\\ ", "?").split()])
            self.assertIn("first value", run(program, STYLE))

    def complete(self, *words):
        script = (f"source '{self.prefix}/share/bash-completion/completions/pochade'; COMP_WORDS=(\"$@\"); "
                  "COMP_CWORD=$(($# - 1)); _pochade; printf '%s\\n' \"${COMPREPLY[@]}\"")
        return run("bash", "-c", script, "bash", self.program, *words).split()

    def test_completion(self):
        self.assertIn("inspect", self.complete(""))
        self.assertEqual(self.complete("insp"), ["inspect"])
        self.assertIn("--layers", self.complete("inspect", "--"))
        self.assertIn("--version", self.complete("--v"))
        self.assertEqual(self.complete("inspect", "x"), [])  # a file: the shell's own completion

    def test_completion_of_zsh_is_well_formed(self):
        if not shutil.which("zsh"):
            if os.environ.get("CI") == "true":
                self.fail("zsh is not here, which the check installs")
            self.skipTest("zsh is not here")
        run("zsh", "-n", self.prefix / "share/zsh/site-functions/_pochade")


if __name__ == "__main__":
    unittest.main()
