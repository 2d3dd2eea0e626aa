"""tools/check_includes.py catches what it is there for, and nothing else."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "tools/check_includes.py"


class CheckIncludes(unittest.TestCase):
    def check(self, **files):
        """Runs the script on files given as folder__name="text"; returns (exit status, lines)."""
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                folder_name, file_name = name.split("__")
                stem, suffix = file_name.rsplit("_", 1)
                path = pathlib.Path(folder) / folder_name / f"{stem}.{suffix}"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            result = subprocess.run([sys.executable, SCRIPT, folder], capture_output=True, text=True)
            return result.returncode, result.stdout.splitlines()

    def test_downward_and_own_folder_pass(self):
        status, lines = self.check(base__file_h="", graph__graph_h='#include "base/file.h"\n#include <vector>\n',
                                   graph__graph_cc='#include "graph/graph.h"\n')
        self.assertEqual((status, lines), (0, []))

    def test_upward_include_is_caught(self):
        status, lines = self.check(
            graph__graph_h="", base__file_cc='#include "base/file.h"\n  #  include "graph/graph.h"  // why\n', base__file_h="")
        self.assertEqual(status, 1)
        self.assertEqual(lines, ['src/base/file.cc:2: base/ includes "graph/graph.h", which stands below it'])

    def test_unknown_folder_and_relative_names_are_caught(self):
        status, lines = self.check(misc__a_h="", base__b_h='#include "c.h"\n#include "../base/c.h"\n', base__c_h="")
        self.assertEqual(status, 1)
        self.assertEqual(len(lines), 3)

    def test_kernels_stay_alone(self):
        status, lines = self.check(base__a_h="", kernels__k_h="", kernels__k_simd_cc=(
            '#include <stdint.h>\n#include <algorithm>\n#include "base/a.h"\n#include "kernels/k.h"\n'))
        self.assertEqual(status, 1)
        self.assertEqual([line.split(": ")[1] for line in lines],
                         ["a kernel includes <algorithm>", 'a kernel includes "base/a.h"'])

    def test_missing_folder_is_an_error(self):
        self.assertNotEqual(subprocess.run([sys.executable, SCRIPT, "/no/such"], capture_output=True).returncode, 0)


if __name__ == "__main__":
    unittest.main()
