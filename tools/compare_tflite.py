#!/usr/bin/env python3
"""Compares pochade with TensorFlow Lite's reference kernels: on model files, or on generated files of one operator each.

Run by hand, in a virtual environment with ai-edge-litert and numpy:

    python tools/compare_tflite.py ../shared/data/models/*/*.tflite
    python tools/compare_tflite.py --operators [--only CONV_2D] [--keep FOLDER]

Prints one line a file: "exact", the peak signal to noise ratio in dB, or what went wrong; exit status 1 if anything is
worse than 90 dB (floats) or not exact (integers).
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import flatbuffers
import numpy
from flatbuffers import flexbuffers
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

ROOT = pathlib.Path(__file__).resolve().parent.parent
TYPES = {"float32": "FLOAT32", "float16": "FLOAT16", "int32": "INT32", "int64": "INT64", "int8": "INT8", "uint8": "UINT8",
         "int16": "INT16", "bool": "BOOL", "uint32": "UINT32", "uint16": "UINT16", "float64": "FLOAT64"}
LEAST_PSNR = 90.0


def number(kind, name):
    return getattr(kind, name)


class Var:
    """A variable tensor: a state between runs."""

    def __init__(self, shape):
        self.shape = shape


class Case:
    """One operator. Inputs: arrays are fed (or stored, if wrapped in Const), None is left out."""

    def __init__(self, op, inputs, options=None, outputs=("float32",), custom=None, name=""):
        self.op, self.inputs, self.options, self.outputs, self.custom, self.name = op, inputs, options, outputs, custom, name


class Const:
    """Stored in the file; scales (zero points are 0) make it quantized, several along an axis."""

    def __init__(self, array, scales=None, axis=0):
        self.array, self.scales, self.axis = numpy.asarray(array), scales, axis


def build(case):
    """Bytes of a TFLite file, and what to feed."""
    model = schema.ModelT()
    model.version = 3
    model.description = "one operator"
    empty = schema.BufferT()
    model.buffers = [empty]
    graph = schema.SubGraphT()
    graph.name, graph.tensors, graph.inputs, graph.outputs = "main", [], [], []
    feeds = []

    def tensor(name, dtype, shape, data=None, variable=False, scales=None, axis=0):
        out = schema.TensorT()
        out.name, out.shape, out.isVariable = name, list(shape), variable
        out.type = number(schema.TensorType, TYPES[str(dtype)])
        out.buffer = 0
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = numpy.frombuffer(numpy.ascontiguousarray(data).tobytes(), numpy.uint8)
            model.buffers.append(buffer)
            out.buffer = len(model.buffers) - 1
        if scales is not None:
            out.quantization = schema.QuantizationParametersT()
            out.quantization.scale = numpy.asarray(scales, numpy.float32)
            out.quantization.zeroPoint = numpy.zeros(len(scales), numpy.int64)
            out.quantization.quantizedDimension = axis
        graph.tensors.append(out)
        return len(graph.tensors) - 1

    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, [], []
    for i, value in enumerate(case.inputs):
        if value is None:
            operator.inputs.append(-1)
        elif isinstance(value, Var):
            operator.inputs.append(tensor(f"state{i}", "float32", value.shape, variable=True))
        elif isinstance(value, Const):
            operator.inputs.append(tensor(f"constant{i}", value.array.dtype, value.array.shape, value.array,
                                          scales=value.scales, axis=value.axis))
        else:
            value = numpy.asarray(value)
            index = tensor(f"input{i}", value.dtype, value.shape)
            operator.inputs.append(index)
            graph.inputs.append(index)
            feeds.append((f"input{i}", value))
    for i, dtype in enumerate(case.outputs):
        index = tensor(f"output{i}", dtype, [])
        operator.outputs.append(index)
        graph.outputs.append(index)
    if case.options is not None:
        kind = type(case.options).__name__[:-1]
        operator.builtinOptionsType = number(schema.BuiltinOptions, kind)
        operator.builtinOptions = case.options
    graph.operators = [operator]
    model.subgraphs = [graph]
    code = schema.OperatorCodeT()
    value = 32 if case.custom is not None else number(schema.BuiltinOperator, case.op)
    if case.custom is not None:
        code.customCode = case.op
        operator.customOptions = numpy.frombuffer(flexbuffers.Dumps(case.custom), numpy.uint8)
    code.builtinCode, code.deprecatedBuiltinCode, code.version = value, min(value, 127), 1
    model.operatorCodes = [code]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output()), feeds


def options(kind, **fields):
    out = getattr(schema, kind + "T")()
    for name, value in fields.items():
        assert hasattr(out, name), (kind, name)
        setattr(out, name, value)
    return out


def model_feeds(path, seed):
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(path.read_bytes(), 0))
    graph = model.subgraphs[0]
    names = {getattr(schema.TensorType, v): k for k, v in TYPES.items()}
    random = numpy.random.default_rng(seed)
    out = []
    for index in graph.inputs:
        tensor = graph.tensors[index]
        dtype = numpy.dtype(names[tensor.type])
        shape = [int(x) for x in tensor.shape]
        if dtype.kind == "f":
            value = random.uniform(-1, 1, shape).astype(dtype)
        elif dtype.itemsize > 2 or dtype.kind == "b":
            value = random.integers(0, 2, shape).astype(dtype)
        else:
            value = random.integers(numpy.iinfo(dtype).min, numpy.iinfo(dtype).max + 1, shape).astype(dtype)
        out.append((tensor.name.decode(), value))
    return out


def reference(path, feeds):
    try:
        return reference_by(OpResolverType.BUILTIN_REF, path, feeds)
    except (RuntimeError, ValueError) as error:
        if "Didn't find op" not in str(error):
            raise
        return reference_by(OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES, path, feeds)  # it has more operators


def reference_by(resolver, path, feeds):
    interpreter = Interpreter(model_path=str(path), experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    by_name = dict(feeds)
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], by_name[detail["name"]])
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]


def ours(program, path, feeds):
    with tempfile.TemporaryDirectory() as folder:
        command = [str(program), "run", str(path), "--output", f"{folder}/out"]
        for i, (name, value) in enumerate(feeds):
            numpy.save(f"{folder}/{i}.npy", value)
            command += ["--input", f"{name}={folder}/{i}.npy"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip().split("\n")[0])
        index = json.loads(pathlib.Path(folder, "out", "index.json").read_text())
        return [numpy.load(f"{folder}/out/{entry['file']}") for entry in index]


def verdict(got, wanted):
    """(text, whether it is good enough)"""
    texts, good = [], True
    for x, y in zip(got, wanted):
        if x.shape != y.shape or x.dtype != y.dtype:
            return f"gives {x.dtype} {x.shape}, expected {y.dtype} {y.shape}", False
        if numpy.array_equal(x, y, equal_nan=y.dtype.kind == "f"):
            texts.append("exact")
        elif y.dtype.kind == "f":
            error = numpy.sqrt(((x.astype(float) - y.astype(float)) ** 2).mean())
            size = max(float(numpy.abs(y).max()), 1e-30)
            psnr = 20 * numpy.log10(size / error) if error > 0 else numpy.inf
            texts.append(f"{psnr:.1f} dB")
            good &= bool(psnr > LEAST_PSNR)
        else:
            difference = numpy.abs(x.astype(numpy.int64) - y.astype(numpy.int64))
            texts.append(f"{(difference != 0).sum()} of {difference.size} differ, by {difference.max()} at most")
            good = False
    return ", ".join(texts), good


def compare(program, path, feeds):
    try:
        wanted = reference(path, feeds)
    except (RuntimeError, ValueError) as error:
        wanted, text = None, str(error).strip().replace("\n", " ")[:120]
    try:
        got = ours(program, path, feeds)
    except RuntimeError as error:
        return f"not run: {error}", wanted is None
    if wanted is None:
        return f"runs, but the reference does not: {text}", True
    return verdict(got, wanted)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    parser.add_argument("--operators", action="store_true", help="generate files of one operator each")
    parser.add_argument("--only", help="operators whose names contain this")
    parser.add_argument("--keep", type=pathlib.Path, help="write the generated files here")
    parser.add_argument("--pochade", type=pathlib.Path, default=ROOT / "build" / "release" / "bin" / "pochade")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    failures = 0
    for path in args.files:
        text, good = compare(args.pochade, path, model_feeds(path, args.seed))
        failures += not good
        print(f"{'ok  ' if good else 'FAIL'} {path.name}: {text}", flush=True)
    if args.operators:
        from tflite_cases import cases  # beside this file

        folder = args.keep or pathlib.Path(tempfile.mkdtemp())
        folder.mkdir(parents=True, exist_ok=True)
        for number_of_case, case in enumerate(cases(args.seed)):
            if args.only and args.only not in case.op:
                continue
            data, feeds = build(case)
            path = folder / f"{number_of_case:03}_{case.op}.tflite"
            path.write_bytes(data)
            text, good = compare(args.pochade, path, feeds)
            failures += not good
            print(f"{'ok  ' if good else 'FAIL'} {path.stem} {case.name}: {text}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.modules["compare_tflite"] = sys.modules["__main__"]  # tflite_cases imports Case and Const from here
    sys.exit(main())
