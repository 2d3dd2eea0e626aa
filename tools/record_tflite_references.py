#!/usr/bin/env python3
"""Records what TensorFlow Lite's reference kernels compute on the models of ../shared/data, for
tests/models/tflite_test.cc.

Run by hand, in a virtual environment with ai-edge-litert and numpy:

    python tools/record_tflite_references.py [--data ../shared/data] [--output tests/references/tflite_models.txt]

Inputs come from a seed (random_inputs() of src/data/random_input.h makes the same). Of each output the file keeps a hash,
where the result must be the same bit for bit, or values at SAMPLES scattered places.
"""

import argparse
import pathlib
import tempfile

import flatbuffers
import numpy
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

SAMPLES = 64
STEP = 1_000_003  # a prime: place k is k * STEP modulo the number of elements
SEED = 7
# Least signal to noise ratio, in dB, of what has other limits than float models: kws has weights of integers alone, and
# activations that are quantized while it runs, so that a difference in the last bit may become one of a step.
LEAST = {"mlperf_kws_f": 90}
FLOAT_MODELS_LEAST = 95


def splitmix64(seed, count):
    state = numpy.uint64(seed) + numpy.arange(1, count + 1, dtype=numpy.uint64) * numpy.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    return state ^ (state >> numpy.uint64(31))


def random_input(dtype, shape, seed):
    bits = splitmix64(seed, int(numpy.prod(shape)))
    if dtype in (numpy.int8, numpy.uint8):
        return (bits >> numpy.uint64(56)).astype(numpy.uint8).view(dtype).reshape(shape)
    if dtype == numpy.float32:
        return ((bits >> numpy.uint64(11)).astype(numpy.float64) * 2.0**-53).astype(numpy.float32).reshape(shape)
    return (bits & numpy.uint64(1)).astype(dtype).reshape(shape)


def fnv1a(data):
    out = 1469598103934665603
    for byte in data:
        out = (out ^ byte) * 1099511628211 % 2**64
    return out


def readable(path, folder):
    """person_detect_int8 names an axis for its biases that they do not have, and the interpreter refuses that."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(path.read_bytes(), 0))
    for tensor in model.subgraphs[0].tensors:
        quantization = tensor.quantization
        if quantization is not None and quantization.quantizedDimension >= len(tensor.shape):
            quantization.quantizedDimension = 0
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    out = pathlib.Path(folder, path.name)
    out.write_bytes(bytes(builder.Output()))
    return out


def run(path):
    with tempfile.TemporaryDirectory() as folder:
        if path.stem == "person_detect_int8":
            path = readable(path, folder)
        interpreter = Interpreter(model_path=str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
        interpreter.allocate_tensors()
        for i, detail in enumerate(interpreter.get_input_details()):
            interpreter.set_tensor(detail["index"], random_input(detail["dtype"], detail["shape"], SEED + i))
        interpreter.invoke()
        outputs = [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]
        integer = any(t["dtype"] in (numpy.int8, numpy.uint8) and t["quantization_parameters"]["scales"].size
                      for t in interpreter.get_tensor_details()) and path.stem not in LEAST
        return outputs, integer


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, default=root.parent / "shared" / "data")
    parser.add_argument("--output", type=pathlib.Path, default=root / "tests" / "references" / "tflite_models.txt")
    args = parser.parse_args()
    lines = [f"# Recorded by tools/record_tflite_references.py; inputs of seed {SEED}."]
    for path in sorted((args.data / "models").glob("*/*.tflite")):
        outputs, integer = run(path)
        lines.append(f"model {path.parent.name}/{path.name} {SEED} {len(outputs)}")
        for output in outputs:
            shape = "x".join(str(size) for size in output.shape)
            if integer:
                lines.append(f"exact {output.dtype} {shape} {fnv1a(output.tobytes()):016x}")
            else:
                values = output.reshape(-1)[numpy.arange(SAMPLES, dtype=numpy.int64) * STEP % output.size]
                least = LEAST.get(path.stem, FLOAT_MODELS_LEAST)
                largest = float(numpy.abs(output).max())
                lines.append(f"near {output.dtype} {shape} {least} {largest:.9g} " + " ".join(f"{v:.9g}" for v in values))
        print(path.name, "exact" if integer else "near", flush=True)
    args.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
