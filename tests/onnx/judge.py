#!/usr/bin/env python3
"""Judges ONNX files that Pochade wrote, with packages that know nothing of it: onnx's checker and shape inference, and
ONNX Runtime.

    judge.py nodes DIR     files of `onnx_conformance --round-trip --keep DIR`, against ONNX's own node tests: what
                           ONNX Runtime computes of the original model it must compute of ours
    judge.py cases DIR     NAME.onnx and NAME/{input,output}_N.npy of `export_cases DIR`: PSNR of at least 90 dB
    judge.py models PROGRAM DIR
                           every model in DIR as `PROGRAM convert` writes it, by the nearest way where that is needed: what ONNX Runtime
                           makes of it is what our program makes, to 90 dB (75 of large pictures, whose means it adds up in float32); to 20 dB where integers go through float, since a step more
                           in one layer may be many in the last

Run it with the Python of an environment that has onnx, onnxruntime and numpy. Its last line is "N passed, N failed, N
skipped"; a file is skipped if ONNX Runtime lacks an operator or a type for it."""

import pathlib
import sys

import numpy
import onnx
import onnx.numpy_helper
import onnxruntime

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from judging import differs, judge_models, ours, random_values  # noqa: E402

NODE_TESTS = pathlib.Path("/usr/share/libonnx-testdata/data/node")
LACKS = ("NOT_IMPLEMENTED", "Could not find an implementation", "is not a registered function", "Unrecognized attribute",
         "under development", "Unsupported model IR", "Integer division by zero", "Integer modulo by zero", "size_ % 2 == 1",
         "upsamplebase.h", "upsample.cc", "inconsistent with input spatial", "Unsupported type", "bfloat16")
# Where ONNX Runtime's interpolation is another than that of the standard's reference.
DISPUTED = ("mode=linear coordinates=tf_half_pixel_for_nn", "mode=nearest coordinates=half_pixel_symmetric")

LARGE = 1000000  # numbers of an input


def session(path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def check(path):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)


def judge_node(path):
    folder = NODE_TESTS / path.stem
    inputs = [onnx.numpy_helper.to_array(onnx.load_tensor(str(folder / "test_data_set_0" / f"input_{i}.pb")))
              for i in range(len(list((folder / "test_data_set_0").glob("input_*.pb"))))]

    def run(file):
        runner = session(file)
        return runner.run(None, {given.name: value for given, value in zip(runner.get_inputs(), inputs)})

    try:
        wanted = run(folder / "model.onnx")
    except Exception:  # the original is too much for it: then only the checker judges
        return ""
    got = run(path)
    for i, (mine, theirs) in enumerate(zip(got, wanted)):
        if text := differs(mine, theirs):
            return f"output {i}: {text}"
    return ""


def judge_case(path):
    folder = path.with_name(path.name.removesuffix(".onnx"))
    if any(words in path.name for words in DISPUTED):
        return None
    runner = session(path)
    inputs = {given.name: numpy.load(folder / f"{given.name}.npy") for given in runner.get_inputs()}
    for output, mine in zip(runner.get_outputs(), runner.run(None, inputs)):
        wanted = numpy.load(folder / f"{output.name}.npy")
        db = 50 if wanted.dtype == numpy.float16 else 90
        if text := differs(mine, wanted, db):
            return f"output {output.name}: {text}"
    return ""


def judge_model(program, _model, written, _way, scratch):
    check(written)
    runner = session(written)
    feeds = {}
    for given in runner.get_inputs():
        shape = [size if isinstance(size, int) else 1 if axis == 0 else 64 for axis, size in enumerate(given.shape)]
        dtype = {"float": "float32", "double": "float64"}.get(given.type[7:-1], given.type[7:-1])
        feeds[given.name] = random_values(shape, numpy.dtype("float16" if dtype == "float16" else dtype))
    got = dict(zip([output.name for output in runner.get_outputs()], runner.run(None, feeds)))
    wanted = ours(program, written, feeds, scratch)
    is_large = any(value.size > LARGE for value in feeds.values())
    is_quantized = any(node.op_type == "QuantizeLinear" for node in onnx.load(written).graph.node)
    for name, value in wanted.items():
        db = 20 if is_quantized else 50 if value.dtype == numpy.float16 else 75 if is_large else 90
        if text := differs(got[name], value, db):
            return f"output {name}: {text}"
    return ""


def main():
    if len(sys.argv) == 4 and sys.argv[1] == "models":
        return judge_models(judge_model, sys.argv[2], sys.argv[3], ".onnx")
    if len(sys.argv) != 3 or sys.argv[1] not in ("nodes", "cases"):
        sys.exit(__doc__)
    judge = judge_node if sys.argv[1] == "nodes" else judge_case
    passed = failed = skipped = 0
    for path in sorted(pathlib.Path(sys.argv[2]).glob("*.onnx")):
        try:
            check(path)
            text = judge(path)
        except Exception as error:
            text = " ".join(str(error).split()) or repr(error)
            if any(word in text for word in LACKS):
                skipped += 1
                print(f"skipped {path.name}: {text[:300]}")
                continue
            text = text[:300]
        if text is None:
            skipped += 1
        elif text:
            failed += 1
            print(f"FAILED {path.name}: {text}")
        else:
            passed += 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
