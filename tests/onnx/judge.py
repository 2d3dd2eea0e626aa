#!/usr/bin/env python3
"""Judges ONNX files that Pochade wrote, with packages that know nothing of it: onnx's checker and shape inference, and
ONNX Runtime.

    judge.py nodes DIR     files of `onnx_conformance --round-trip --keep DIR`, against ONNX's own node tests: what
                           ONNX Runtime computes of the original model it must compute of ours
    judge.py cases DIR     NAME.onnx and NAME/{input,output}_N.npy of `export_cases DIR`: PSNR of at least 90 dB

Run it with the Python of an environment that has onnx, onnxruntime and numpy. Its last line is "N passed, N failed, N
skipped"; a file is skipped if ONNX Runtime lacks an operator or a type for it."""

import pathlib
import sys

import numpy
import onnx
import onnx.numpy_helper
import onnxruntime

NODE_TESTS = pathlib.Path("/usr/share/libonnx-testdata/data/node")
LACKS = ("NOT_IMPLEMENTED", "Could not find an implementation", "is not a registered function", "Unrecognized attribute",
         "under development", "Unsupported model IR", "Integer division by zero", "Integer modulo by zero", "size_ % 2 == 1",
         "upsamplebase.h", "upsample.cc", "inconsistent with input spatial", "Unsupported type", "bfloat16")
# Where ONNX Runtime's interpolation is another than that of the standard's reference.
DISPUTED = ("mode=linear coordinates=tf_half_pixel_for_nn", "mode=nearest coordinates=half_pixel_symmetric")


def session(path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def check(path):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)


def differs(got, wanted, least_db=90):
    """Why two results are not the same, or an empty string."""
    got, wanted = numpy.asarray(got), numpy.asarray(wanted)
    if got.dtype != wanted.dtype or got.shape != wanted.shape:
        return f"{got.dtype} {got.shape}, expected {wanted.dtype} {wanted.shape}"
    if not numpy.issubdtype(got.dtype, numpy.floating):
        return "" if numpy.array_equal(got, wanted) else "other integers"
    got, wanted = got.astype(numpy.float64), wanted.astype(numpy.float64)
    if got.size == 0 or numpy.array_equal(got, wanted, equal_nan=True):
        return ""
    finite = numpy.isfinite(wanted)
    if not numpy.array_equal(finite, numpy.isfinite(got)):
        return "infinite or NaN elsewhere"
    got, wanted = got[finite], wanted[finite]
    error = numpy.mean((got - wanted) ** 2)
    if error == 0:
        return ""
    size = max(numpy.ptp(wanted), numpy.max(numpy.abs(wanted)), 1e-30)
    psnr = 20 * numpy.log10(size) - 10 * numpy.log10(error)
    return "" if psnr >= least_db else f"PSNR {psnr:.1f} dB"


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


def main():
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
