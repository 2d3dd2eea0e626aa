#!/usr/bin/env python3
"""The command line from outside: every verb on small models made here, and everything that a user can get wrong.

Each failure must end in one clear line (and at most one line on what to do), with exit status 1 (the job failed) or 2 (wrong
usage), and leave nothing half written."""

import json
import os
import pathlib
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from made_files import attribute, box_finder, colour_classifier, data, integer, model, node, npy, painter, pixels, png, segmenter, slow, tensor, value_info, varint, wav  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build/release/bin/pochade"


class Command(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.at = pathlib.Path(self.folder.name)
        self.write("painter.onnx", painter())
        self.write("photo.png", png(21, 13))

    def write(self, name, content):
        path = self.at / name
        path.write_bytes(content)
        return path

    def run_it(self, *arguments, stdin=b"", env=None):
        return subprocess.run(
            [PROGRAM, *map(str, arguments)], cwd=self.at, input=stdin, capture_output=True, timeout=120,
            env={**os.environ, **(env or {})},
        )

    def good(self, *arguments, **more):
        done = self.run_it(*arguments, **more)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return done

    def bad(self, code, words, *arguments, **more):
        before = sorted(self.at.rglob("*"))
        done = self.run_it(*arguments, **more)
        text = done.stderr.decode()
        self.assertEqual(done.returncode, code, f"{arguments}: {text}")
        self.assertTrue(text.startswith("pochade: "), text)
        self.assertLessEqual(text.count("\n"), 2, text)
        for word in words if isinstance(words, (list, tuple)) else [words]:
            self.assertIn(word, text)
        self.assertEqual(sorted(self.at.rglob("*")), before, "something was left behind")
        return text


class Tasks(Command):
    def setUp(self):
        super().setUp()
        self.write("colours.onnx", colour_classifier())
        self.write("colours.txt", b"red\ngreen\nblue\n")
        for name, pixel in (("red", (250, 9, 9)), ("green", (9, 250, 9)), ("blue", (9, 9, 250))):
            (self.at / "data" / name).mkdir(parents=True)
            for i in range(2):
                self.write(f"data/{name}/{i}.png", png(16, 9, pixel))

    def test_classify(self):
        done = self.good("classify", "colours.onnx", "photo.png", "--labels", "colours.txt", "--preprocess", "unit", "--json",
                         "-o", "named.png")
        (one,) = json.loads(done.stdout)
        self.assertEqual([c["label"] for c in one["classes"]], ["green", "blue", "red"])
        self.assertAlmostEqual(one["classes"][0]["score"], 200 / 255, 3)
        self.assertEqual(pixels((self.at / "named.png").read_bytes())[:2], (21, 13))
        self.assertIn(b"green", self.good("classify", "colours.onnx", "photo.png", "--labels", "colours.txt", "--top", "1").stdout)
        self.bad(2, "written over itself", "classify", "colours.onnx", "photo.png", "-o", "photo.png", "--force")
        self.bad(2, "named.png exists", "classify", "colours.onnx", "photo.png", "-o", "named.png")
        self.bad(1, "unite", "classify", "colours.onnx", "photo.png", "--preprocess", "unite")
        self.write("classes.onnx", segmenter())
        self.bad(1, ["1x8x8", "list of scores"], "classify", "classes.onnx", "photo.png")
        self.bad(1, ["1x3", "mask"], "segment", "colours.onnx", "photo.png")
        self.bad(2, "--shape", "classify", "colours.onnx", "photo.png", "--shape", "x=1x3x8x8")

    def test_a_picture_on_standard_output_stands_there_alone(self):
        done = self.good("classify", "colours.onnx", "-", "-o", "-", "--labels", "colours.txt", stdin=(self.at / "photo.png").read_bytes())
        self.assertEqual(pixels(done.stdout)[:2], (21, 13))
        self.assertIn(b"green", done.stderr)
        self.bad(2, "--json", "classify", "colours.onnx", "photo.png", "-o", "-", "--json")
        self.bad(2, "several", "classify", "colours.onnx", "photo.png", "data/red/0.png", "-o", "-")
        self.write("classes.onnx", segmenter())
        self.assertEqual(pixels(self.good("segment", "classes.onnx", "photo.png", "-o", "-").stdout)[:2], (21, 13))

    def test_a_broken_file_among_good_ones(self):
        self.write("broken.png", png(4, 4)[:40])
        done = self.run_it("classify", "colours.onnx", "broken.png", "photo.png", "--json")
        self.assertEqual(done.returncode, 1)
        broken, good = json.loads(done.stdout)
        self.assertIn("broken.png", broken["error"])
        self.assertEqual(good["classes"][0]["index"], 1)

    def test_eval_by_labels(self):
        self.write("data/red/broken.png", b"no picture")
        evaluate = ("eval", "colours.onnx", "--data", "data", "--json")
        result = json.loads(self.good(*evaluate, "--labels", "colours.txt", "--folds", "2").stdout)
        self.assertEqual((result["top1"], result["top5"], result["n"], result["broken"]), (1, 1, 6, 1))
        self.assertIn("broken.png", result["broken_files"][0])
        self.assertEqual(sum(fold["n"] for fold in result["folds"]), 6)
        self.assertLess(result["ci95"][0], 1)
        self.assertEqual(result["confusion"], {"labels": ["red", "green", "blue"], "matrix": [[2, 0, 0], [0, 2, 0], [0, 0, 2]]})
        # Without names the folders' order counts: blue, green, red.
        self.assertAlmostEqual(json.loads(self.good(*evaluate).stdout)["top1"], 1 / 3)
        self.assertEqual(json.loads(self.good(*evaluate, "--limit", "3").stdout)["n"], 3)

    def test_eval_of_cifar_records(self):
        record = b"\x02" + b"\x00" * 2048 + b"\xc8" * 1024
        self.write("ten.onnx", model([node("Flatten", ["x"], ["y"])], [value_info("x", [1, 3, 32, 32])], [value_info("y", [1, 3072])]))
        self.write("cifar.bin", record * 5)
        result = json.loads(self.good("eval", "ten.onnx", "--data", "cifar.bin", "--json").stdout)
        self.assertEqual(result["n"], 5)
        self.write("cut.bin", record[:-1])
        self.bad(1, "no CIFAR-10 file", "eval", "ten.onnx", "--data", "cut.bin")

    def test_eval_refusals(self):
        self.bad(1, "nowhere", "eval", "colours.onnx", "--data", "nowhere")
        self.bad(2, "no such task", "eval", "colours.onnx", "--data", "data", "--task", "sing")
        self.bad(1, "no PASCAL VOC", "eval", "colours.onnx", "--data", "data", "--task", "detect")
        self.bad(1, "SegmentationClass", "eval", "colours.onnx", "--data", "data", "--task", "segment")
        self.bad(1, "how sound enters", "eval", "colours.onnx", "--data", "data", "--task", "keyword")
        (self.at / "data" / "violet").mkdir()
        self.write("data/violet/0.png", png(8, 8))
        self.bad(1, ["4 classes", "3 outputs"], "eval", "colours.onnx", "--data", "data")

    def test_detect_draws_boxes(self):
        self.write("boxes.onnx", box_finder())
        self.write("boxes.toml", b'[task]\nlabels = ["thing"]\n')
        done = self.good("detect", "boxes.onnx", "photo.png", "-o", "found.png", "--json")
        (one,) = json.loads(done.stdout)
        (box,) = one["detections"]
        self.assertEqual(box["label"], "thing")
        for got, wanted in zip(box["box"], (2.1, 2.6, 10.5, 10.4)):
            self.assertAlmostEqual(got, wanted, 4)
        rows = pixels((self.at / "found.png").read_bytes())[2]
        self.assertNotEqual(rows[3][9:12], bytes((10, 200, 30)))  # the frame
        self.assertEqual(rows[12][-3:], bytes((10, 200, 30)))
        self.assertEqual(len(json.loads(self.good("detect", "boxes.onnx", "photo.png", "--threshold", "0.1", "--json").stdout)[0]["detections"]), 2)
        self.bad(1, "neither boxes nor keypoints", "detect", "colours.onnx", "photo.png")

    def test_segment_colours_the_picture(self):
        self.write("classes.onnx", segmenter())
        (one,) = json.loads(self.good("segment", "classes.onnx", "photo.png", "-o", "mask.png", "--json").stdout)
        self.assertEqual(one["classes"][0]["index"], 1)
        self.assertTrue((self.at / "mask.png").exists())
        # One number a pixel that is no class: the score of a single class would all be background.
        self.write("score.onnx", model([node("ReduceMean", ["x"], ["y"], attributes=data(5, data(1, "axes") + data(8, varint(1)) + integer(20, 7)))],
                                       [value_info("x", [1, 3, 8, 8])], [value_info("y", [1, 1, 8, 8])]))
        self.bad(1, ["the class 0.3", "whole number"], "segment", "score.onnx", "photo.png", "--preprocess", "unit")

    def test_listen(self):
        self.write("hum.onnx", model([node("Flatten", ["x"], ["y"])], [value_info("x", [1, 4, 8])], [value_info("y", [1, 32])]))
        self.write("hum.wav", wav([1000, -1000] * 400))
        self.bad(1, "how sound enters", "listen", "hum.onnx", "hum.wav")
        card = '[audio]\nfront_end = "log_mel"\nwindow = 256\nstride = 128\nframes = 4\nmel_bins = 8\nlow_hz = 0\nhigh_hz = 8000\n'
        self.write("hum.toml", card.encode())
        (one,) = json.loads(self.good("listen", "hum.onnx", "hum.wav", "--json").stdout)
        self.assertEqual(len(one["heard"]), 1)
        self.assertEqual(len(one["heard"][0]["words"]), 3)
        # Four frames are 640 samples: what is left of 1600 behind 0, 320, 640 and 960 is heard; of 1700 it is
        # shorter than a frame.
        for samples, starts in ((1600, [0, 320, 640, 960]), (1700, [0, 320, 640, 960]), (1900, [0, 320, 640, 960, 1260])):
            self.write("long.wav", wav([1000, -1000] * (samples // 2)))
            (one,) = json.loads(self.good("listen", "hum.onnx", "long.wav", "--preprocess", "hum.toml", "--json").stdout)
            self.assertEqual([round(16000 * heard["start"]) for heard in one["heard"]], starts)
        self.write("cut.wav", wav([1000, -1000] * 400)[:50])
        (one,) = json.loads(self.good("listen", "hum.onnx", "cut.wav", "--preprocess", "hum.toml", "--json").stdout)
        self.assertEqual(one["seconds"], 3 / 16000)
        self.write("cut.wav", wav([1000, -1000] * 400)[:40])
        self.bad(1, ["cut.wav", "no samples"], "listen", "hum.onnx", "cut.wav", "--preprocess", "hum.toml")
        self.write("hum.toml", (card + '[task]\nkind = "anomaly"\nthreshold = 1\n').encode())
        (one,) = json.loads(self.good("listen", "hum.onnx", "hum.wav", "--json").stdout)
        self.assertEqual((one["anomaly"], one["anomalous"]), (0, False))
        self.bad(1, "photo.png", "listen", "hum.onnx", "photo.png")
        self.write("hum.toml", card.replace("= 8\n", "= 9\n").encode())
        self.bad(1, "do not fill", "listen", "hum.onnx", "hum.wav")

    def test_verify_on_data(self):
        self.write("same.onnx", colour_classifier())
        result = json.loads(self.good("verify", "colours.onnx", "same.onnx", "--data", "data", "--json").stdout)
        self.assertEqual((result["verdict"], result["top1_agreement"], result["samples"]), ("same", 1, 6))
        less = model(
            [node("GlobalAveragePool", ["x"], ["means"]), node("Neg", ["means"], ["less"]), node("Flatten", ["less"], ["scores"])],
            [value_info("x", [1, 3, 8, 8])], [value_info("scores", [1, 3])])
        self.write("less.onnx", less)
        done = self.run_it("verify", "colours.onnx", "less.onnx", "--data", "data", "--json")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(json.loads(done.stdout)["top1_agreement"], 0)
        self.good("verify", "colours.onnx", "less.onnx", "--data", "data", "--agreement", "0")
        self.bad(2, "--samples", "verify", "colours.onnx", "less.onnx", "--data", "data", "--samples", "9")
        self.bad(2, "--data", "verify", "colours.onnx", "less.onnx", "--limit", "1")
        (self.at / "text").mkdir()
        self.write("text/a.png", b"no picture")
        self.bad(1, ["none of 1 samples", "a.png"], "verify", "colours.onnx", "same.onnx", "--data", "text")


class Interrupted(Command):
    def test_every_verb_ends_with_one_line_and_leaves_nothing(self):
        self.write("scores.onnx", slow([node("GlobalAveragePool", ["t40"], ["m"]), node("Flatten", ["m"], ["y"])], [value_info("y", [1, 64])]))
        self.write("mask.onnx", slow([node("ArgMax", ["t40"], ["y"], attributes=attribute("axis", 1) + attribute("keepdims", 0))],
                                     [value_info("y", [1, 512, 512], 7)]))
        self.write("hum.onnx", model([node("Sigmoid", ["x"], ["y"])], [value_info("x", [1, 4, 8])], [value_info("y", [1, 4, 8])]))
        self.write("hum.toml", b'[audio]\nfront_end = "log_mel"\nwindow = 4096\nstride = 1\nframes = 4\nmel_bins = 8\nlow_hz = 0\nhigh_hz = 8000\n'
                               b'[task]\nkind = "anomaly"\n')
        self.write("hum.wav", wav([1000, -1000] * 400000))
        (self.at / "data" / "a").mkdir(parents=True)
        self.write("data/a/0.png", png(8, 8))
        self.write("photo2.png", png(8, 8))
        commands = [
            ["classify", "scores.onnx", "photo.png", "photo2.png", "-o", "named"], ["detect", "mask.onnx", "photo.png", "-o", "found.png"],
            ["segment", "mask.onnx", "photo.png", "-o", "found.png", "--json"], ["listen", "hum.onnx", "hum.wav", "--json"],
            ["eval", "scores.onnx", "--data", "data"], ["verify", "scores.onnx", "scores.onnx"],
            ["verify", "scores.onnx", "mask.onnx", "--data", "data"], ["run", "scores.onnx", "--random", "1", "--output", "out"],
            ["convert", "scores.onnx", "out.onnx"],
        ]
        before = sorted(self.at.rglob("*"))
        running = [subprocess.Popen([PROGRAM, *command, "--threads", "1"], cwd=self.at, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                   for command in commands]
        time.sleep(3.0)
        for process in running:
            process.send_signal(signal.SIGINT)
        for command, process in zip(commands, running):
            out, text = process.communicate(timeout=110)
            self.assertEqual(process.returncode, 1, (command, text))
            self.assertRegex(text.decode(), r"^pochade: stopped[^\n]*\n$", command)
            self.assertIn(out.count(b"\n"), (0, 1), (command, out))
        self.assertEqual(sorted(self.at.rglob("*")), before)

    def test_the_second_one_ends_what_waits_for_its_input(self):
        self.write("colours.onnx", colour_classifier())
        process = subprocess.Popen([PROGRAM, "classify", "colours.onnx", "-"], cwd=self.at, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(1.0)
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=60), -signal.SIGINT)
        process.stdin.close()
        process.stderr.close()


class FullDisk(Command):
    def test_what_cannot_be_printed_is_no_success(self):
        self.write("colours.onnx", colour_classifier())
        for command in (["classify", "colours.onnx", "photo.png"], ["inspect", "colours.onnx", "--json"], ["knobs"], ["--help"],
                        ["verify", "colours.onnx", "colours.onnx"], ["classify", "colours.onnx", "photo.png", "-o", "-"]):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([PROGRAM, *command], cwd=self.at, stdout=full, stderr=subprocess.PIPE)
            self.assertEqual(done.returncode, 1, command)
            self.assertIn(b"standard output", done.stderr, command)


class Paint(Command):
    def test_negative_has_the_photos_size(self):
        self.good("paint", "photo.png", "--model", "painter.onnx", "-o", "out.png")
        width, height, rows = pixels((self.at / "out.png").read_bytes())
        self.assertEqual((width, height), (21, 13))
        self.assertTrue(all(row == bytes((245, 55, 225)) * 21 for row in rows))

    def test_default_name_force_and_refusal(self):
        self.good("paint", "photo.png", "--model", "painter.onnx")
        self.assertTrue((self.at / "photo.painter.png").exists())
        self.bad(1, "photo.painter.png", "paint", "photo.png", "--model", "painter.onnx")
        self.good("paint", "photo.png", "--model", "painter.onnx", "--force")

    def test_pipes(self):
        done = self.good("paint", "-", "-o", "-", "--model", "painter.onnx", stdin=png(5, 4))
        self.assertEqual(pixels(done.stdout)[:2], (5, 4))

    def test_size_strength_and_folder(self):
        self.write("second.png", png(8, 8))
        (self.at / "photos").mkdir()
        (self.at / "photos/a.png").write_bytes(png(30, 20))
        (self.at / "photos/b.png").write_bytes(png(20, 30))
        self.good("paint", "photos", "-o", "paintings/", "--model", "painter.onnx", "--size", "16x9")
        names = sorted(p.name for p in (self.at / "paintings").iterdir())
        self.assertEqual(len(names), 2)
        for name in names:
            self.assertEqual(pixels((self.at / "paintings" / name).read_bytes())[:2], (16, 9))
        self.good("paint", "photo.png", "-o", "same.png", "--model", "painter.onnx", "--strength", "0")
        self.assertEqual(pixels((self.at / "same.png").read_bytes())[2][0], bytes((10, 200, 30)) * 21)

    def test_our_own_style_is_the_default(self):
        self.write("big.png", png(70, 50))
        first = self.good("paint", "big.png", "-o", "first.png")
        self.assertIn(b"70x50", first.stderr)
        self.good("paint", "big.png", "-o", "second.png", "--threads", "1")
        self.assertEqual((self.at / "first.png").read_bytes(), (self.at / "second.png").read_bytes())

    def test_what_can_go_wrong(self):
        paint = ("paint", "photo.png", "--model", "painter.onnx", "-o", "x.png")
        self.bad(1, "nowhere.png", "paint", "nowhere.png", "--model", "painter.onnx")
        self.bad(1, "nowhere.onnx", "paint", "photo.png", "--model", "nowhere.onnx")
        self.bad(1, "first_style", "paint", "photo.png", "--style", "no_such_style")
        self.bad(2, "--style", "paint", "photo.png", "--style", "first_style", "--model", "painter.onnx")
        self.bad(2, "--strength", *paint, "--strength", "2")
        self.bad(1, "size", *paint, "--size", "0x0")
        self.bad(2, "--channels", *paint, "--channels", "hsv")
        self.bad(1, "preset", *paint, "--preprocess", "no_such_preset")
        self.bad(2, "PHOTO", "paint")
        self.bad(1, "tga", "paint", "photo.png", "--model", "painter.onnx", "-o", "out.tga")
        self.bad(1, "no/such/folder", "paint", "photo.png", "--model", "painter.onnx", "-o", "/proc/no/such/folder/x.png")
        self.write("cut.png", png(64, 64)[:80])
        self.bad(1, "cut.png", "paint", "cut.png", "--model", "painter.onnx")
        self.write("text.png", b"not a picture")
        self.bad(1, "text.png", "paint", "text.png", "--model", "painter.onnx")
        self.write("card.toml", b"[input]\nchanels = 'rgb'\n")
        self.bad(1, ["card.toml", "chanels"], *paint, "--preprocess", "card.toml")

    def test_a_pair_of_networks_paints_like_any_painting(self):
        # The style is the painting's mean colour; the transfer network adds it to the photo.
        self.write("predict.onnx", model(
            [node("ReduceMean", ["p"], ["s"], attributes=data(5, data(1, "axes") + data(8, varint(1) + varint(2)) + integer(20, 7)))],
            [value_info("p", [1, 16, 16, 3])], [value_info("s", [1, 1, 1, 3])]))
        self.write("transfer.onnx", model(
            [node("Add", ["x", "s"], ["y"])],
            [value_info("x", [1, "H", "W", 3]), value_info("s", [1, 1, 1, 3])], [value_info("y", [1, "H", "W", 3])]))
        self.write("like.png", png(9, 7, (100, 0, 50)))
        like = ("paint", "photo.png", "--like", "like.png", "--pair", "predict.onnx", "transfer.onnx")
        self.good(*like, "-o", "out.png")
        self.assertEqual(pixels((self.at / "out.png").read_bytes())[2][0], bytes((110, 200, 80)) * 21)
        self.good(*like)
        self.assertTrue((self.at / "photo.like.png").exists())
        self.bad(2, "--pair", "paint", "photo.png", "--like", "like.png")
        self.bad(2, "--like", "paint", "photo.png", "--pair", "predict.onnx", "transfer.onnx")
        self.bad(2, "excludes", *like, "--model", "painter.onnx")
        self.bad(1, "painter.onnx", "paint", "photo.png", "-o", "x.png", "--like", "like.png", "--pair", "painter.onnx", "predict.onnx")

    def test_a_broken_photo_among_good_ones(self):
        self.write("broken.png", b"\x89PNG\r\n\x1a\n")
        done = self.run_it("paint", "broken.png", "photo.png", "-o", "out/", "--model", "painter.onnx")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"broken.png", done.stderr)
        self.assertEqual(len(list((self.at / "out").iterdir())), 1)

    def test_interrupt_leaves_nothing(self):
        self.write("large.png", png(3000, 2000))
        process = subprocess.Popen([PROGRAM, "paint", "large.png", "-o", "out.png"], cwd=self.at, stderr=subprocess.PIPE)
        time.sleep(1.0)
        process.send_signal(signal.SIGINT)
        _, text = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1, text)
        self.assertIn(b"stopped", text)
        self.assertEqual([p.name for p in self.at.iterdir() if p.name.startswith("out")], [])

    def test_memory_that_is_not_there_is_refused_with_the_figure(self):
        wide = model(
            [node("ConstantOfShape", ["s"], ["c"]), node("Sub", ["c", "x"], ["y"])],
            [value_info("x", [1, 3, "H", "W"])],
            [value_info("y", [1, 3, "H", "W"])],
            [tensor("s", [4], [1, 3, 1 << 20, 1 << 20], dtype=7)],
        )
        self.write("wide.onnx", wide)
        self.bad(1, ["memory", "TB"], "run", "wide.onnx", "--random", "1", "--shape", f"x=1x3x{1 << 20}x{1 << 20}", "--output", "out")


class Models(Command):
    def relu(self, **more):
        return model([node("Relu", ["x"], ["y"])], [value_info("x", ["N", 3])], [value_info("y", ["N", 3])], **more)

    def test_run_writes_arrays_and_an_index(self):
        self.write("relu.onnx", self.relu())
        self.write("x.npy", npy([2, 3], [-1, 2, -3, 4, -5, 6]))
        self.good("run", "relu.onnx", "--input", "x=x.npy", "--output", "out")
        index = json.loads((self.at / "out/index.json").read_text())
        self.assertEqual([(o["name"], o["dtype"], o["shape"]) for o in index], [("y", "float32", [2, 3])])
        file = (self.at / "out" / index[0]["file"]).read_bytes()
        self.assertEqual(struct.unpack("<6f", file[-24:]), (0, 2, 0, 4, 0, 6))

    def test_inspect_shows_the_graph_as_text_and_writes_it_after_each_pass(self):
        self.write("relu.onnx", self.relu())
        self.assertIn(b"Relu(", self.good("inspect", "relu.onnx", "--text").stdout)
        self.good("inspect", "relu.onnx", "--dump", "passes")
        self.assertIn("Relu(", (self.at / "passes/00_imported.txt").read_text())

    def test_inspect_bench_why_and_knobs_as_json(self):
        self.write("relu.onnx", self.relu())
        told = json.loads(self.good("inspect", "relu.onnx", "--json", "--layers").stdout)
        self.assertEqual(told["inputs"], [{"name": "x", "dtype": "float32", "shape": ["N", 3]}])
        self.assertEqual(told["operators"], {"Relu": 1})
        for isa in ("scalar", json.loads(self.good("bench", "relu.onnx", "--json", "--seconds", "0").stdout)["isa"]):
            told = json.loads(self.good("bench", "relu.onnx", "--json", "--seconds", "0", "--isa", isa, "--threads", "1").stdout)
            self.assertEqual((told["isa"], told["threads"]), (isa, 1))
            self.assertLessEqual(told["latency_ms"]["min"], told["latency_ms"]["median"])
            for key in ("p95",):
                self.assertIn(key, told["latency_ms"])
            for key in ("peak_rss_bytes", "arena_bytes", "load_ms", "added_bytes"):
                self.assertIn(key, told)
        layers = json.loads(self.good("why", "relu.onnx", "--json", env={"POCHADE_ISA": "scalar"}).stdout)
        self.assertEqual([layer["isa"] for layer in layers], ["scalar"])
        names = [k["name"] for k in json.loads(self.good("knobs", "--json").stdout)]
        self.assertIn("POCHADE_ISA", names)

    def test_verify_says_same_and_where_two_part(self):
        scaled = lambda factor: model(
            [node("Mul", ["x", "f"], ["m"], "scale"), node("Relu", ["m"], ["y"])],
            [value_info("x", [2, 3])], [value_info("y", [2, 3])], [tensor("f", [1], [factor])],
        )
        self.write("a.onnx", scaled(2.0))
        self.write("b.onnx", scaled(2.5))
        self.assertIn(b"Same", self.good("verify", "a.onnx", "a.onnx").stdout)
        done = self.run_it("verify", "a.onnx", "b.onnx", "--json")
        self.assertEqual(done.returncode, 1)
        told = json.loads(done.stdout)
        self.assertEqual(told["verdict"], "different")
        self.assertEqual(told["first_difference"]["name"], "m")

    def test_rounding_is_told_from_faults(self):
        # Squares of 0 to 16 in steps of 2: every odd one lies in the middle between two integers.
        squares = lambda factor: model(
            [node("QuantizeLinear", ["x", "unit"], ["q"]), node("DequantizeLinear", ["q", "unit"], ["r"]), node("Mul", ["r", "r"], ["m"]),
             node("QuantizeLinear", ["m", "fine"], ["p"]), node("DequantizeLinear", ["p", "fine"], ["y"])],
            [value_info("x", [1, 200])], [value_info("y", [1, 200])], [tensor("unit", [], [2 ** -4]), tensor("fine", [], [factor * 2 ** -7])],
        )
        self.write("square.onnx", squares(1))
        self.write("other.onnx", squares(2))
        told = json.loads(self.good("convert", "square.onnx", "square.tflite", "--json").stdout)
        self.assertEqual((told["verdict"], told["layer_steps"], told["rounding"][0]["steps"]), ("same", 1, 1))
        self.assertIn(b"Same but for rounding", self.good("verify", "square.onnx", "square.tflite").stdout)
        self.assertIn(b"within 1 step", self.good("convert", "square.onnx", "square.tflite").stdout)
        done = self.run_it("verify", "other.onnx", "square.tflite", "--json")
        self.assertEqual((done.returncode, json.loads(done.stdout)["verdict"]), (1, "different"))

    def test_convert_writes_what_computes_the_same(self):
        two = model(
            [node("Dropout", ["x"], ["d"]), node("Mul", ["d", "f"], ["m"], "scale"), node("Relu", ["m"], ["y"])],
            [value_info("x", ["N", "W"])], [value_info("y", ["N", "W"])], [tensor("f", [1], [2.5])],
        )
        self.write("in.onnx", two)
        told = json.loads(self.good("convert", "in.onnx", "out.onnx", "--opset", "13", "--json").stdout)
        self.assertEqual((told["verdict"], told["opset"], told["operators"]), ("same", 13, 3))
        self.assertEqual(json.loads((self.at / "out.onnx.verify.json").read_text()), told)
        self.assertEqual(told["bytes"], (self.at / "out.onnx").stat().st_size)
        told = json.loads(self.good("convert", "in.onnx", "light.onnx", "--simplify", "--json").stdout)
        self.assertEqual((told["operators"], told["before_simplify"]["operators"]), (2, 3))
        inputs = json.loads(self.good("inspect", "light.onnx", "--json").stdout)["inputs"]
        self.assertEqual(inputs, [{"name": "x", "dtype": "float32", "shape": ["N", "W"]}])
        self.assertIn(b"Same", self.good("verify", "in.onnx", "light.onnx", "--shape", "x=2x5").stdout)

    def test_convert_leaves_nothing_that_is_not_proved(self):
        self.write("relu.onnx", self.relu())
        self.bad(2, "--opset", "convert", "relu.onnx", "out.onnx", "--opset", "12")
        self.bad(1, [".onnx", "out.xyz"], "convert", "relu.onnx", "out.xyz")
        self.bad(1, "no/such", "convert", "relu.onnx", "no/such/out.onnx")
        self.bad(1, "nothing.onnx", "convert", "nothing.onnx", "out.onnx")
        mish = model([node("BitwiseNot", ["x"], ["y"], "bits")], [value_info("x", [2], 6)], [value_info("y", [2], 6)], opset=18)
        self.write("bits.onnx", mish)
        self.bad(1, ["bits", "BitwiseNot", "--opset 18"], "convert", "bits.onnx", "out.onnx")
        # No result is within a tolerance below 0: then nothing is written, but with --force all is.
        refused = ("convert", "relu.onnx", "out.onnx", "--tolerance", "-1")
        self.bad(1, ["would not compute", "--force"], *refused)
        done = self.good(*refused, "--force")
        self.assertIn(b"warning", done.stderr)
        self.assertEqual(json.loads((self.at / "out.onnx.verify.json").read_text())["verdict"], "different")

    def test_convert_names_the_nearest_way_and_goes_it(self):
        open_sizes = model([node("Relu", ["x"], ["a"]), node("GlobalAveragePool", ["a"], ["y"])],
                           [value_info("x", ["N", 3, "H", "W"])], [value_info("y", ["N", 3, 1, 1])])
        self.write("open.onnx", open_sizes)
        told = json.loads(self.good("convert", "open.onnx", "fixed.onnx", "--shape", "x=1x3x8x6", "--json").stdout)
        self.assertEqual(told["verdict"], "same")
        self.assertEqual(json.loads(self.good("inspect", "fixed.onnx", "--json").stdout)["inputs"][0]["shape"], [1, 3, 8, 6])
        self.bad(1, ["no input", "photo"], "convert", "open.onnx", "out.onnx", "--shape", "photo=1x3x8x6")
        self.good("convert", "open.onnx", "behind.onnx", "--from", "a", "--shape", "a=1x3x4x4")
        self.assertEqual(json.loads(self.good("inspect", "behind.onnx", "--json").stdout)["inputs"][0]["name"], "a")
        self.bad(1, ["nowhere", "inspect"], "convert", "open.onnx", "out.onnx", "--from", "nowhere")
        self.bad(2, "--states", "convert", "open.onnx", "out.onnx", "--states", "forget")

    def test_convert_that_is_interrupted_leaves_nothing(self):
        style = ROOT / "styles/first_style.onnx"
        process = subprocess.Popen([PROGRAM, "convert", style, "out.onnx", "--samples", "9999"], cwd=self.at, stderr=subprocess.PIPE)
        time.sleep(2.0)
        process.send_signal(signal.SIGINT)
        _, text = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1, text)
        self.assertIn(b"stopped", text)
        self.assertEqual([p.name for p in self.at.iterdir() if p.name.startswith("out")], [])

    def test_files_that_break_the_rules(self):
        whole = self.relu()
        for size in range(0, len(whole), 7):
            self.write("cut.onnx", whole[:size])
            done = self.run_it("inspect", "cut.onnx")
            self.assertIn(done.returncode, (0, 1), done.stderr)
            if done.returncode == 1:
                self.assertTrue(done.stderr.startswith(b"pochade: "), done.stderr)
        self.write("garbage.onnx", os.urandom(3000))
        self.bad(1, "garbage.onnx", "inspect", "garbage.onnx")
        self.write("empty.onnx", b"")
        self.bad(1, "empty.onnx", "inspect", "empty.onnx")

        def refused(words, content):
            self.write("bad.onnx", content)
            self.bad(1, ["bad.onnx", *words], "inspect", "bad.onnx")

        x, y = value_info("x", [2, 3]), value_info("y", [2, 3])
        refused(["cycle"], model([node("Relu", ["b"], ["a"]), node("Relu", ["a"], ["b"])], [x], [value_info("b", [2, 3])]))
        refused(["FancyOp", "my.domain"], model([node("FancyOp", ["x"], ["y"], "fancy", domain="my.domain")], [x], [y]))
        refused(["NoSuchThing"], model([node("NoSuchThing", ["x"], ["y"], "n1")], [x], [y]))
        refused(["missing"], model([node("Relu", ["missing"], ["y"])], [x], [y]))
        refused(["w"], model([node("Add", ["x", "w"], ["y"])], [x], [y], [tensor("w", [1 << 40], [1.0])]))
        refused(["w"], model([node("Add", ["x", "w"], ["y"])], [x], [y], [tensor("w", [-1], [1.0])]))
        refused(["Conv"], model([node("Conv", ["x", "w"], ["y"])], [x], [y], [tensor("w", [1], [1.0])]))
        outside = integer(1, 1) + integer(2, 1) + data(8, "w") + integer(14, 1) + data(13, data(1, "location") + data(2, "../secret"))
        refused(["w"], model([node("Add", ["x", "w"], ["y"])], [x], [y], [outside]))
        refused(["22"], self.relu(opset=99).replace(varint(99), varint(22)))

    def test_nan_weights_are_a_warning(self):
        self.write("nan.onnx", model([node("Sub", ["w", "x"], ["y"])], [value_info("x", [1, 3, "H", "W"])],
                                     [value_info("y", [1, 3, "H", "W"])], [tensor("w", [1], [float("nan")])]))
        done = self.good("paint", "photo.png", "--model", "nan.onnx", "-o", "nan.png")
        self.assertIn(b"warning", done.stderr)

    def test_wrong_usage(self):
        self.write("relu.onnx", self.relu())
        self.bad(2, "", "no-such-verb")
        self.bad(2, "", "inspect")
        self.bad(2, "--isa", "bench", "relu.onnx", "--isa", "sse9")
        self.bad(2, "--shape", "bench", "relu.onnx", "--shape", "x=1xx3")
        self.bad(1, "no input", "bench", "relu.onnx", "--shape", "z=1x3")
        self.bad(1, "1x4", "bench", "relu.onnx", "--shape", "x=1x4")
        self.bad(2, "x", "run", "relu.onnx", "--output", "out")
        self.bad(1, "no.npy", "run", "relu.onnx", "--input", "x=no.npy", "--output", "out")
        self.bad(1, "POCHADE_ISA", "bench", "relu.onnx", env={"POCHADE_ISA": "mmx"})
        self.bad(1, "POCHADE_THREADS", "bench", "relu.onnx", env={"POCHADE_THREADS": "many"})
        self.write("wrong.npy", npy([2, 4], range(8)))
        self.bad(1, ["x", "2x4"], "run", "relu.onnx", "--input", "x=wrong.npy", "--output", "out")


if __name__ == "__main__":
    unittest.main()
