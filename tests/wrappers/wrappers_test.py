"""./pochade as a user meets it: a toy program in a folder of its own, and a package manager that only pretends."""

import fcntl
import os
import pathlib
import pty
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
TOY_CMAKE = """cmake_minimum_required(VERSION 3.25)
project(toy C)
file(GLOB sources CONFIGURE_DEPENDS src/*.c)
add_executable(pochade-cli ${sources})
set_target_properties(pochade-cli PROPERTIES OUTPUT_NAME pochade RUNTIME_OUTPUT_DIRECTORY bin)
"""
TOY_MAIN = """#include <stdio.h>
int main(int count, char** words) {
  for (int i = 1; i < count; ++i) printf("[%s]", words[i]);
  puts("TEXT");
  return count == 2 && words[1][0] == '7' ? 7 : 0;
}
"""
FAKE_DPKG_QUERY = """#!/bin/bash
for package in "$@"; do
  case $package in -*|*'$'*) ;; *)
    if [[ $package != libpng-dev || -e $FAKE/installed ]]; then echo "$package installed"; fi ;;
  esac
done
"""
FAKE_APT_GET = """#!/bin/bash
echo "apt-get $*" >>"$FAKE/log"
case " $* " in
  *" --assume-no "*)
    if [[ -e $FAKE/no_lists ]]; then echo "E: Unable to locate package" >&2; exit 100; fi
    echo "Need to get 1,234 kB of archives."
    echo "After this operation, 5.5 MB of additional disk space will be used."
    exit 1 ;;
  *" update "*) rm -f "$FAKE/no_lists" ;;
  *" install "*)
    if [[ -e $FAKE/broken ]]; then echo "E: no space left"; exit 100; fi
    touch "$FAKE/installed"
    echo "Setting up libpng-dev" ;;
esac
"""
FAKE_SUDO = """#!/bin/bash
echo "sudo $1" >>"$FAKE/log"
if [[ $1 == -n ]]; then shift; fi
exec "$@"
"""


class Wrapper(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="pochade wrapper ")
        self.addCleanup(self.temporary.cleanup)
        self.top = pathlib.Path(self.temporary.name)
        self.root = self.top / "check out"
        (self.root / "tools").mkdir(parents=True)
        (self.root / "src").mkdir()
        for name in ("pochade", "CMakePresets.json", "tools/setup.sh", "tools/packages.txt"):
            shutil.copy(REPOSITORY / name, self.root / name)
        (self.root / "CMakeLists.txt").write_text(TOY_CMAKE)
        self.write_main("hello")
        self.fake = self.top / "fake"
        self.fake.mkdir()
        (self.fake / "installed").touch()
        self.add_command("dpkg-query", FAKE_DPKG_QUERY)
        self.add_command("apt-get", FAKE_APT_GET)
        self.environment = dict(os.environ, FAKE=str(self.fake), PATH=f"{self.fake}:{os.environ['PATH']}",
                                CCACHE_DISABLE="1")
        self.environment.pop("POCHADE_INSTALL", None)

    def add_command(self, name, text):
        path = self.fake / name
        path.write_text(text)
        path.chmod(0o755)

    def become_user(self, user_id):
        self.add_command("id", f"#!/bin/bash\necho {user_id}\n")

    def write_main(self, text):
        (self.root / "src/main.c").write_text(TOY_MAIN.replace("TEXT", text))

    def forget_package(self):
        (self.fake / "installed").unlink()

    def log(self):
        path = self.fake / "log"
        return path.read_text() if path.exists() else ""

    def run_it(self, *arguments, command=None, cwd="/", **environment):
        return subprocess.run([str(command or self.root / "pochade"), *arguments], cwd=cwd, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
                              env=dict(self.environment, **environment))

    def run_on_terminal(self, answer):
        """Runs it on a terminal, types `answer` at the question, and returns (exit status, all that was shown)."""
        child, terminal = pty.fork()
        if child == 0:
            os.execve(self.root / "pochade", ["pochade"], self.environment)
        shown, answered, end = b"", False, time.monotonic() + 120
        while time.monotonic() < end:
            if select.select([terminal], [], [], 1)[0]:
                try:
                    data = os.read(terminal, 4096)
                except OSError:  # the other side has ended
                    data = b""
                if not data:
                    break
                shown += data
            if b"[Y/n]" in shown and not answered:
                os.write(terminal, answer)
                answered = True
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.close(terminal)
        return status, shown.decode()


class Running(Wrapper):
    def test_builds_then_passes_everything_through(self):
        result = self.run_it("a b", "", "$x", "--", "--no-install")
        self.assertEqual(result.stdout, "[a b][][$x][--][--no-install]hello\n", result.stderr)
        self.assertEqual(result.returncode, 0)
        self.assertEqual(self.run_it("7").returncode, 7)

    def test_runs_from_anywhere_through_links(self):
        link = self.top / "link"
        link.symlink_to("check out/pochade")
        other = self.top / "other"
        other.symlink_to("link")
        self.assertEqual(self.run_it(command=other, cwd=self.top).stdout, "hello\n")
        self.assertEqual(self.run_it(command="./link", cwd=self.top).stdout, "hello\n")

    def test_unchanged_needs_no_build_tool(self):
        self.assertEqual(self.run_it().stdout, "hello\n")
        for name in ("cmake", "ninja", "dpkg-query", "apt-get"):
            self.add_command(name, "#!/bin/bash\nexit 99\n")
        result = self.run_it("x")
        self.assertEqual((result.stdout, result.stderr), ("[x]hello\n", ""))

    def test_no_stale_program(self):
        self.assertEqual(self.run_it().stdout, "hello\n")
        self.write_main("changed")
        os.utime(self.root / "src/main.c", (1e9, 1e9))  # an old date must not hide the change
        self.assertEqual(self.run_it().stdout, "changed\n")
        (self.root / "src/more.c").write_text("#error broken\n")
        self.assertEqual(self.run_it().returncode, 1)
        (self.root / "src/more.c").unlink()
        self.assertEqual(self.run_it().stdout, "changed\n")

    def test_moved_checkout_builds_anew(self):
        self.assertEqual(self.run_it().stdout, "hello\n")
        moved = self.top / "moved"
        self.root.rename(moved)
        self.root = moved
        self.write_main("from the new place")
        self.assertEqual(self.run_it().stdout, "from the new place\n")

    def test_shows_the_compilers_lines(self):
        self.assertEqual(self.run_it().returncode, 0)
        (self.root / "src/main.c").write_text("int main(void) { return missing_name; }\n")
        result = self.run_it()
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn("missing_name", result.stderr)
        self.assertIn("the build failed", result.stderr)
        self.assertNotIn("-o CMakeFiles", result.stderr)
        self.write_main("repaired")
        self.assertEqual(self.run_it().stdout, "repaired\n")

    def test_configure_error_is_shown(self):
        (self.root / "CMakeLists.txt").write_text(TOY_CMAKE + "message(FATAL_ERROR no-such-thing)\n")
        result = self.run_it()
        self.assertEqual(result.returncode, 1)
        self.assertIn("no-such-thing", result.stderr)

    def test_second_call_waits_with_a_message(self):
        (self.root / "build").mkdir()
        with open(self.root / "build/.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            threading.Timer(0.5, lambda: fcntl.flock(lock, fcntl.LOCK_UN)).start()
            result = self.run_it()
        self.assertIn("waiting for another build", result.stderr)
        self.assertEqual(result.stdout, "hello\n")

    def test_interrupt_ends_the_build_and_the_next_call_repairs(self):
        (self.root / "src/main.c").write_text(
            "#include <stdio.h>\n" + "".join(f"int f{i}(int x) {{ return x * {i}; }}\n" for i in range(150000)) +
            'int main(void) { puts("slow"); return 0; }\n')
        process = subprocess.Popen([str(self.root / "pochade")], env=self.environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
                                   # a shell cannot trap what it was started to ignore, as in the background
                                   preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        ninja_file = self.root / "build/release/.ninja_log"
        for _ in range(300):
            if ninja_file.exists():
                break
            time.sleep(0.05)
        time.sleep(0.3)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, out), (130, ""), err)
        self.assertIn("interrupted", err)
        self.write_main("after")
        self.assertEqual(self.run_it().stdout, "after\n")

    def test_folder_that_cannot_be_written(self):
        (self.root / "build").write_text("a file is in the way")
        result = self.run_it()
        self.assertEqual(result.returncode, 1)
        self.assertIn("cannot write to", result.stderr)


class Packages(Wrapper):
    COMMAND = "apt-get update && apt-get install --no-install-recommends libpng-dev"

    def test_no_install_prints_the_command(self):
        self.forget_package()
        self.become_user(0)
        for arguments in (["--no-install", "paint"], ["paint", "--no-install"]):
            result = self.run_it(*arguments)
            self.assertEqual((result.returncode, result.stdout), (1, ""))
            self.assertIn("libpng-dev (1,234 kB to download, 5.5 MB on disk", result.stderr)
            self.assertIn("\n" + self.COMMAND + "\n", result.stderr)
        self.assertNotIn("-y", self.log())
        self.assertNotIn("update", self.log())

    def test_no_install_with_everything_there_just_runs(self):
        self.assertEqual(self.run_it("--no-install", "x").stdout, "[x]hello\n")

    def test_root_without_terminal_installs(self):
        self.forget_package()
        self.become_user(0)
        (self.fake / "no_lists").touch()  # a fresh machine: sizes are known only after an update
        result = self.run_it()
        self.assertEqual((result.returncode, result.stdout), (0, "hello\n"), result.stderr)
        self.assertIn("1,234 kB", result.stderr)
        self.assertIn("-y install --no-install-recommends libpng-dev", self.log())
        self.assertNotIn("Setting up", result.stdout + result.stderr)

    def test_user_without_terminal_is_told(self):
        self.forget_package()
        self.become_user(1000)
        self.add_command("sudo", FAKE_SUDO)
        result = self.run_it()
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn("POCHADE_INSTALL=yes", result.stderr)
        self.assertIn("sudo apt-get install --no-install-recommends libpng-dev", result.stderr)
        self.assertNotIn("sudo", self.log())

    def test_user_with_consent_goes_through_sudo(self):
        self.forget_package()
        self.become_user(1000)
        self.add_command("sudo", FAKE_SUDO)
        result = self.run_it(POCHADE_INSTALL="yes")
        self.assertEqual((result.returncode, result.stdout), (0, "hello\n"), result.stderr)
        self.assertIn("sudo -n", self.log())  # never a password prompt where nobody can type

    def test_user_without_sudo(self):
        self.forget_package()
        self.become_user(1000)
        keep = self.top / "keep"
        keep.mkdir()
        for folder in ("/usr/bin", "/bin"):
            for name in os.listdir(folder):
                if name != "sudo" and not (keep / name).exists():
                    (keep / name).symlink_to(f"{folder}/{name}")
        result = self.run_it(POCHADE_INSTALL="yes", PATH=f"{self.fake}:{keep}")
        self.assertEqual(result.returncode, 1)
        self.assertIn("no sudo here", result.stderr)

    def test_failed_install_says_why(self):
        self.forget_package()
        self.become_user(0)
        (self.fake / "broken").touch()
        result = self.run_it()
        self.assertEqual(result.returncode, 1)
        self.assertIn("no space left", result.stderr)
        self.assertIn("could not be installed", result.stderr)

    def test_terminal_is_asked(self):
        self.forget_package()
        self.become_user(0)
        status, shown = self.run_on_terminal(b"n\n")
        self.assertEqual(status, 1, shown)
        self.assertIn(self.COMMAND, shown)
        self.assertNotIn("-y install", self.log())
        status, shown = self.run_on_terminal(b"\n")
        self.assertEqual(status, 0, shown)
        self.assertTrue(shown.endswith("hello\r\n"), shown)
        self.assertIn("-y install", self.log())

    def test_another_system_goes_on(self):
        for name in ("dpkg-query", "apt-get"):
            (self.fake / name).unlink()
        keep = self.top / "keep"
        keep.mkdir()
        for name in os.listdir("/usr/bin"):
            if name not in ("dpkg-query", "apt-get"):
                (keep / name).symlink_to(f"/usr/bin/{name}")
        result = self.run_it(PATH=f"{self.fake}:{keep}")
        self.assertEqual(result.stdout, "hello\n", result.stderr)
        self.assertIn("tools/packages.txt", result.stderr)

    def test_every_line_of_the_list_is_a_group_and_a_package(self):
        seen = set()
        for line in (REPOSITORY / "tools/packages.txt").read_text().splitlines():
            if line and not line.startswith("#"):
                group, package = line.split()
                self.assertIn(group, ("build", "media", "keras", "check", "full", "arm"))
                self.assertNotIn((group == "arm", package), seen)
                seen.add((group == "arm", package))


if __name__ == "__main__":
    unittest.main()
