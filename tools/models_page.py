#!/usr/bin/env python3
"""Writes docs/models.md: the models of ../shared/data/models, one a row, as the program of build/release reads, runs and converts them.

    tools/models_page.py [--rivals FILE.json] [--program PROGRAM]

FILE.json is what `bench/rivals --json FILE.json` measured; without it the page has no times. Conversions are made anew; what a model
finds, and how closely it computes as its reference, is what the tests named in the page assert: HERE names both.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "bench" / "rival"))
import report  # noqa: E402
PAGE = ROOT / "docs" / "models.md"
TFLITE = ROOT / "tests" / "references" / "tflite_models.txt"

# Model | task | result | beside what that is asserted, if not beside TFLite's reference kernels. An accuracy is that of 500 pictures.
HERE = """
audio/arm_kws_pb/DS_CNN_S.pb                         | listen          | "yes", "no" of the two clips   | TensorFlow: 0.0001
audio/micro_speech_q.tflite                          | listen          | "yes", "no" of the two clips
audio/mlperf_ad01.h5                                 | anomaly         | reads, runs
audio/mlperf_ad01_f.tflite                           | anomaly         | the recorded output
audio/mlperf_ad01_q.tflite                           | anomaly         | the recorded output
audio/mlperf_kws_f.tflite                            | listen          | "yes", "no" of the two clips
audio/mlperf_kws_q.tflite                            | listen          | "yes", "no" of the two clips
audio/mlperf_kws_savedmodel                          | listen          | the recorded output            | TensorFlow: 0.00001
classify/fer2013_mini_XCEPTION.102-0.66.hdf5         | emotions        | reads, runs
classify/mbnet128_0.25.h5                            | classify        | as its .tflite                 | its .tflite: 90 dB
classify/mbnet128_0.25_f.tflite                      | classify        | 46.2 %
classify/mbnet128_0.25_q.tflite                      | classify        | 36.4 %
classify/mlperf_resnet8_cifar10.h5                   | classify        | as its .tflite                 | its .tflite: 90 dB
classify/mlperf_resnet8_cifar10_f.tflite             | classify        | 76.2 %
classify/mlperf_resnet8_cifar10_q.tflite             | classify        | 75.0 %
classify/mlperf_vww_96.h5                            | person or not   | as its .tflite                 | its .tflite: 90 dB
classify/mlperf_vww_96_f.tflite                      | person or not   | the recorded output
classify/mnist.onnx                                  | classify        | digits                         | ONNX Runtime: 0.0001
classify/mobilenet_v1_0.75_192_quant.tflite          | classify        | 80.0 %
classify/mobilenet_v2_1.0_224_quant.tflite           | classify        | 85.6 %
classify/person_detect_int8.tflite                   | person or not   | the recorded output
classify/squeezenet_v1.1_fp16.onnx                   | classify        | 57.2 %; top 5 of 20 pictures   | ONNX Runtime: 0.01
classify/tf2_mobilenet_v2_1.0_224_ptq.tflite         | classify        | 84.8 %
detect/blazeface_full_range_sparse.tflite            | faces           | the recorded output
detect/blazeface_short_range.tflite                  | faces           | the recorded output
detect/movenet_single_pose_lightning_ptq.tflite      | pose            | the recorded output
detect/version-RFB-320.onnx                          | faces           | the faces of 17.jpg            | ONNX Runtime: 0.001
detect/version-RFB-320_without_postprocessing.tflite | faces           | the faces of 17.jpg
paint/FSRCNN-small_x2.pb                             | enlarge         | the recorded output            | TensorFlow: 0.00001
paint/FSRCNN_x2.pb                                   | enlarge         | the recorded output            | TensorFlow: 0.00001
paint/candy.onnx                                     | paint           | paintings of three photos      | ONNX Runtime
paint/first_style.onnx                               | paint           | a painting                     | ONNX Runtime
paint/magenta_style_predict_int8.tflite              | paint --like    | the style of The Great Wave
paint/magenta_style_transfer_int8.tflite             | paint --like    | a painting like The Great Wave
paint/mosaic.onnx                                    | paint           | paintings of three photos      | ONNX Runtime
paint/starry_night_256x256_025.h5                    | paint           | reads, runs
paint/starry_night_640x480_025.tflite                | paint           | the recorded output
paint/starry_night_640x480_025_optimized.pb          | paint           | the recorded output            | TensorFlow
segment/deeplabv3_mnv2_dm05_pascal_quant.tflite      | segment         | the recorded output
sequence/hello_world_sine_f.tflite                   | sine            | the recorded output
sequence/hello_world_sine_q.tflite                   | sine            | the recorded output
sequence/mnist_lstm_f.tflite                         | digits, by rows | the recorded output
"""


def here():
    """Of each model: task, result, and beside what it is asserted."""
    out = {}
    for line in HERE.strip().splitlines():
        model, task, result, *beside = (cell.strip() for cell in line.split("|"))
        out[model] = (task, result, *beside, "")[:3]
    return out


def sources(folder):
    """Of each model: repository and licence, by the path under models/."""
    out = {}
    for line in (folder.parent / "SOURCES.tsv").read_text().splitlines()[1:]:
        fields = line.split("\t")
        if fields[0].startswith("models/"):
            out[fields[0].removeprefix("models/")] = (fields[1], fields[4])
    return out


def tflite_agreement():
    """Of each TFLite model: "bit exact", or the least decibels that its test allows."""
    out, name = {}, ""
    for line in TFLITE.read_text().splitlines():
        words = line.split()
        if words[:1] == ["model"]:
            name = words[1]
        elif words[:1] == ["exact"]:
            out[name] = "bit exact"
        elif words[:1] == ["near"]:
            out[name] = f"{words[3]} dB"
    return out


def run(program, *words):
    done = subprocess.run([str(word) for word in (program, *words)], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr.strip()


def converted(program, model, extension, scratch):
    """How the conversion goes, in words."""
    words = ["convert", model, scratch / f"x{extension}", "--samples", 1, "--json"]
    status, out, error = run(program, *words)
    how = ""
    if status != 0 and (way := re.search(r"--(?:shape|from|states) \S+", error)):
        how = f"with `{way.group()}`"
        status, out, error = run(program, *words, *way.group().split())
    if status != 0:
        return "refused: " + error.splitlines()[0]
    verdict = json.loads(out)
    if "rounding" in verdict:
        least = min((o["psnr_db"] for o in verdict["rounding"] if o["psnr_db"] is not None), default=None)
        steps = max((round(o["steps"], 2) for o in verdict["rounding"] if o["steps"] is not None), default=None)
        counted = "" if steps is None else f"{steps:g} step{'' if steps == 1 else 's'}, "
        how = ", ".join(filter(None, [how, f"ONNX's rounding: {counted}{least:.0f} dB" if least is not None else "exact"]))
    else:
        how = ", ".join(filter(None, [how, "exact" if all(o["max_abs"] == 0 for o in verdict["outputs"]) else "same"]))
    return how


def size(path):
    total = sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) if path.is_dir() else path.stat().st_size
    return f"{total / 1e3:.0f} kB" if total < 1e6 else f"{total / 1e6:.2f} MB"


def memory(program, model):
    words = ["bench", model, "--threads", 1, "--seconds", 0.05, "--runs", 1, "--json"]
    status, out, _ = run(program, *words)
    if status != 0:  # open sizes
        return ""
    bytes_of = json.loads(out)["arena_bytes"]
    return f"{bytes_of / 1e3:.0f} kB" if bytes_of < 1e6 else f"{bytes_of / 1e6:.2f} MB"


def times(path):
    """Of each model and number of threads: ours, the best rival's, and its name."""
    out = {}
    for row in json.loads(path.read_text())["rows"] if path else []:
        sides = {name: side["latency_ms"] for name, side in row["sides"].items() if "error" not in side}
        ours = sides.pop("Pochade", None)
        sides.pop("our f32", None)
        if ours is None or not sides:
            continue
        best = min(sides, key=sides.get)
        out[row["model"], row["threads"]] = f"{report.latency_text(ours)} / {report.latency_text(sides[best])} ({best})"
    return out


def page(folder, program, rivals):
    origin, agreement, measured = sources(folder), tflite_agreement(), times(rivals)
    head = ["model", "from", "task", "result", "agrees with", "ONNX", "TFLite", "file", "arena"]
    if measured:
        head[5:5] = ["ms, 1 thread", "ms, 2 threads"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    with tempfile.TemporaryDirectory() as name:
        for model, (task, result, beside) in here().items():
            path = folder / model
            known = origin.get(model) or next(value for key, value in origin.items() if key.startswith(model + "/"))
            licence = re.sub(r" \(.*\)|^model: |^its metadata: ", "", known[1])
            cells = [path.name, f"{known[0]}, {licence}", task, result, beside or agreement.get(model, "-"),
                     converted(program, path, ".onnx", pathlib.Path(name)), converted(program, path, ".tflite", pathlib.Path(name)), size(path),
                     memory(program, path)]
            if measured:
                cells[5:5] = [measured.get((path.name, count), "") for count in (1, 2)]
            print(path.name, file=sys.stderr, flush=True)
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


TEXT = """# Models

<!-- Written by `tools/models_page.py{argument}`; do not edit. -->

Well-known models that the tests read, run and convert. Where they come from is in the second column; none of them is part of Pochade.

- **result**: what the tests of tests/models assert (`tasks_test.cc`, `reference_test.cc`, `tensorflow_test.cc`); of networks that classify,
  how often they are right on 500 pictures. `the recorded output`: on random input, what the engine in the next column computed.
- **agrees with**: TFLite's reference kernels (`bit exact`, or at least so many decibels), or what the column names, with the largest difference.
- **ONNX**, **TFLite**: what `pochade convert` makes of it, run beside the original on random input. `exact`: the same bits; `same`: within
  0.001 of the largest value. TFLite's integers go through float in ONNX: steps and decibels are what the other rounding makes of the outputs.
{timed}- **arena**: memory of the inner values of one run.

{table}
"""
TIMED = """- **ms**: ours / the fastest other engine (LiteRT, ONNX Runtime, OpenVINO), as `bench/rivals --json` measured them in turn ({cpu}, {date});
  docs/performance.md has all of them. On a busy machine two threads wait for each other: compare the two numbers, not the rows.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rivals", type=pathlib.Path, metavar="FILE.json")
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build" / "release" / "bin" / "pochade")
    args = parser.parse_args()
    folder = ROOT.parent / "shared" / "data" / "models"
    if not folder.exists():
        sys.exit("tools/models_page.py: ../shared/data/models is not here")
    table = page(folder, args.program, args.rivals)
    timed = ""
    if args.rivals:
        measured = json.loads(args.rivals.read_text())
        timed = TIMED.format(cpu=measured["cpu"], date=measured["date"])
    argument = " --rivals FILE.json" if args.rivals else ""
    PAGE.write_text(TEXT.format(argument=argument, table=table, timed=timed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
