#!/usr/bin/env python3
"""Judges TFLite files that Pochade wrote, with LiteRT, which knows nothing of it.

    judge.py cases DIR               NAME.tflite and NAME/VALUE.npy of `export_cases --tflite DIR`
    judge.py models PROGRAM DIR [WORD]
                                     every model in DIR (whose name contains WORD) as `PROGRAM convert` writes it, by the nearest way
                                     where that is needed: LiteRT's reference kernels must make of it what our program makes, and what they make of the original
                                     if that is a TFLite file; its optimised kernels must run it

Integers must be equal, floats agree to 90 dB, but where LiteRT's MEAN adds up many large numbers in float32, one after the other: see
LEAST_DB. Run it with the Python of an environment that has ai-edge-litert and numpy. Its last line
is "N passed, N failed, N skipped"; a case is skipped if LiteRT lacks a type or a rank for it."""

import pathlib
import sys

import numpy
from ai_edge_litert.interpreter import Interpreter, OpResolverType

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from judging import differs, judge_files, judge_models, largest_input, ours, random_values  # noqa: E402

# What LiteRT's kernels say of types and ranks that they do not compute.
LACKS = ("not supported", "unsupported", "not yet supported", "Only supports", "only supports", "only support", "Type ", "type ", "NumDimensions",
         "dims <= ", "failed to prepare", "<= 5", "<= 4", "Didn't find op",
         "zero_point was not true", "Division by 0")
# Casts of floats beyond int32, which are undefined there; and sums of int8 and int16, which its reference kernels leave out
# (docs/quantization.md).
DISPUTED = ("quantize_ties", "Quantized.sum_int")

LARGE = 1000000  # numbers of an input
# Of instance normalisation, beside 90 for all else. Pictures of 720x720: candy 89.4 dB with LiteRT's reference kernels and with its optimised
# ones; ONNX Runtime agrees with ours to 117 dB there, so that what is left are the sums of 518,400 numbers in float32. `large_mean`: numbers
# around 1000 that deviate by 0.3: 74.3 dB; in float64 the written operators give 165 dB, and 79 dB if the sum of the mean alone is float32's.
LEAST_DB = {"large picture": 85, "large_mean": 70}


def opened(path, reference=True, shapes=None):
    resolver = OpResolverType.BUILTIN_REF if reference else OpResolverType.AUTO
    runner = Interpreter(model_path=str(path), num_threads=1, experimental_op_resolver_type=resolver)
    for detail in runner.get_input_details():
        wanted = (shapes or {}).get(detail["name"])
        if wanted is not None and list(wanted) != list(detail["shape"]):
            runner.resize_tensor_input(detail["index"], wanted)
    runner.allocate_tensors()
    return runner


def litert(runner, feeds):
    """What LiteRT makes of inputs, by name."""
    for detail in runner.get_input_details():
        runner.set_tensor(detail["index"], feeds[detail["name"]])
    runner.invoke()
    return {detail["name"]: runner.get_tensor(detail["index"]) for detail in runner.get_output_details()}


def judge_case(path):
    if any(words in path.name for words in DISPUTED):
        return None
    values = {file.stem: numpy.load(file) for file in path.with_suffix("").glob("*.npy")} if path.with_suffix("").exists() else {}
    got = litert(opened(path, shapes={name: value.shape for name, value in values.items()}), values)
    least_db = LEAST_DB["large_mean"] if "large_mean" in path.name else 90
    for name, mine in got.items():
        if text := differs(mine, values[name], least_db):
            return f"output {name}: {text}"
    return ""


def judge_model(program, model, written, way, scratch):
    runner = opened(written)
    feeds = {detail["name"]: random_values(detail["shape"], detail["dtype"], largest_input(model)) for detail in runner.get_input_details()}
    got, wanted = litert(runner, feeds), ours(program, written, feeds, scratch)
    is_large = any(value.size > LARGE for value in feeds.values())
    for name, value in wanted.items():
        if name not in got:
            return f"it has no output {name}"
        if text := differs(got[name], value, LEAST_DB["large picture"] if is_large and value.dtype == numpy.float32 else 90):
            return f"output {name}: {text}"
    if model.suffix == ".tflite" and not way:
        try:
            original = opened(model)
        except Exception:  # what LiteRT does not run cannot be asked
            original = None
        if original:
            first = litert(original, {d["name"]: feeds[d["name"]] for d in original.get_input_details()})
            for mine, theirs in zip(got.values(), first.values()):
                if text := differs(mine, theirs):
                    return f"as the original computes: {text}"
    litert(opened(written, reference=False), feeds)
    return ""


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "cases":
        sys.exit(judge_files(judge_case, sorted(pathlib.Path(sys.argv[2]).glob("*.tflite")), LACKS))
    if len(sys.argv) in (4, 5) and sys.argv[1] == "models":
        sys.exit(judge_models(judge_model, ".tflite", *sys.argv[2:]))
    sys.exit(__doc__)
