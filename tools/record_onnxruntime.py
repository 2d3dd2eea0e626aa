#!/usr/bin/env python3
"""Records what ONNX Runtime computes for its own operators (domain com.microsoft), for src/formats/onnx/quant_contrib_test.cc.

Run by hand, in a virtual environment with onnx, onnxruntime and numpy:

    python tools/record_onnxruntime.py [--output tests/references/onnxruntime_ops.txt] [--only WORD] [--seed N]

Each case is a file of one operator with seeded random sizes, scales and values; scales and zero points are constant, as
quantizers write them. ONNX Runtime runs it without optimisations:

    case NAME BASE64-OF-THE-FILE
    in BASE64                  (each input of the file, in its order)
    out BASE64                 (each output)
"""

import argparse
import base64
import pathlib

import numpy
import onnx
import onnx.numpy_helper
import onnxruntime
from onnx import TensorProto, helper

U8, I8 = numpy.uint8, numpy.int8
DOMAIN = "com.microsoft"


class Case:
    """A file of one operator in the making. Each method gives the names of inputs that it added."""

    def __init__(self, random):
        self.random = random
        self.inputs, self.constants, self.feeds = [], [], {}
        self.parts = None  # nodes that ONNX Runtime runs instead

    def constant(self, value):
        name = f"c{len(self.constants)}"
        self.constants.append(onnx.numpy_helper.from_array(numpy.asarray(value), name))
        return [name]

    def given(self, value):
        name = f"x{len(self.inputs)}"
        self.inputs.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape))
        self.feeds[name] = value
        return [name]

    def integers(self, dtype, shape):
        limits = numpy.iinfo(dtype)
        return self.random.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)

    def scale(self, low=0.01, high=0.05):
        return self.constant(numpy.float32(self.random.uniform(low, high)))

    def zero(self, dtype, spread=40):
        middle = 128 if dtype == U8 else 0
        return self.constant(dtype(middle + self.random.integers(-spread, spread + 1)))

    def type_of(self, dtype, zero=True, low=0.01, high=0.05):
        """A scale and a zero point."""
        return self.scale(low, high) + (self.zero(dtype) if zero else [""])

    def quantized(self, dtype, shape, constant=False, zero=True):
        values = self.integers(dtype, shape)
        return (self.constant(values) if constant else self.given(values)) + self.type_of(dtype, zero)

    def file(self, op, inputs, shape, dtype, **attributes):
        while inputs and inputs[-1] == "":
            inputs.pop()
        node = helper.make_node(op, inputs, ["y"], name="node", domain=DOMAIN, **attributes)
        y = helper.make_tensor_value_info("y", helper.np_dtype_to_tensor_dtype(numpy.dtype(dtype)), shape)

        def of(nodes):
            graph = helper.make_graph(nodes, "graph", self.inputs, [y], self.constants)
            opsets = [helper.make_opsetid("", 17), helper.make_opsetid(DOMAIN, 1)]
            return helper.make_model(graph, ir_version=8, opset_imports=opsets).SerializeToString()

        return of([node]), self.feeds, of(self.parts or [node])


def binary(case, op, dtype, a=(2, 5, 7), b=(2, 5, 7), constant=False, zero=True):
    inputs = case.quantized(dtype, a, zero=zero) + case.quantized(dtype, b, constant, zero)
    inputs += case.type_of(dtype, zero, 0.03, 0.1) if op == "QLinearAdd" else case.type_of(dtype, zero, 0.01, 0.04)
    return case.file(op, inputs, numpy.broadcast_shapes(a, b), dtype)


def unary(case, op, dtype, shape=(3, 5, 17), zero=True, y_scale=(0.01, 0.05), **attributes):
    inputs = case.quantized(dtype, shape, zero=zero) + case.type_of(dtype, zero, *y_scale)
    return case.file(op, inputs, shape, dtype, **attributes)


def sigmoid(case, dtype):
    inputs = case.quantized(dtype, (256,)) + case.constant(numpy.float32(1 / 256)) + case.constant(dtype(0 if dtype == U8 else -128))
    return case.file("QLinearSigmoid", inputs, (256,), dtype)


def softmax(case, dtype, axis=-1, opset=13, shape=(2, 3, 9)):
    inputs = case.quantized(dtype, shape) + case.constant(numpy.float32(1 / 256)) + case.constant(dtype(0 if dtype == U8 else -128))
    return case.file("QLinearSoftmax", inputs, shape, dtype, axis=axis, opset=opset)


def concat(case, dtype, parts=2, axis=1):
    inputs, shape = case.type_of(dtype, True, 0.03, 0.06), [2, 0, 5]
    for i in range(parts):
        inputs += case.quantized(dtype, (2, i + 2, 5))
        shape[1] += i + 2
    return case.file("QLinearConcat", inputs, shape, dtype, axis=axis)


def where(case, dtype, a=(2, 3, 9), b=(2, 3, 9)):
    inputs = case.given(case.random.integers(0, 2, (2, 3, 9)).astype(bool))
    inputs += case.quantized(dtype, a) + case.quantized(dtype, b) + case.type_of(dtype, True, 0.03, 0.06)
    return case.file("QLinearWhere", inputs, (2, 3, 9), dtype)


def cube_pool(case, dtype):
    inputs = case.quantized(dtype, (1, 3, 5, 6, 7)) + case.type_of(dtype)
    return case.file("QLinearAveragePool", inputs, (1, 3, 4, 5, 6), dtype, kernel_shape=(2, 2, 2))


def average_pool(case, dtype, last=False, pads=(0, 0, 0, 0), kernel=(3, 2), strides=(2, 1), out=(3, 6), **attributes):
    shape = (2, 8, 7, 5) if last else (2, 5, 8, 7)
    size = (2, *out, 5) if last else (2, 5, *out)
    inputs = case.quantized(dtype, shape) + case.type_of(dtype)
    return case.file("QLinearAveragePool", inputs, size, dtype, kernel_shape=kernel, strides=strides, pads=pads,
                     channels_last=int(last), **attributes)


def global_pool(case, dtype, last=False, size=(8, 7)):
    shape = (2, *size, 5) if last else (2, 5, *size)
    inputs = case.quantized(dtype, shape) + case.type_of(dtype, True, 0.002, 0.01)
    return case.file("QLinearGlobalAveragePool", inputs, (2, 1, 1, 5) if last else (2, 5, 1, 1), dtype, channels_last=int(last))


def reduce_mean(case, dtype, axes=(2,), keep=1):
    """ONNX Runtime defines it and cannot run it: what it is defined as runs instead."""
    inputs = case.quantized(dtype, (2, 5, 7)) + case.type_of(dtype)
    shape = numpy.zeros((2, 5, 7)).mean(axis=axes, keepdims=bool(keep)).shape
    case.parts = [
        helper.make_node("DequantizeLinear", inputs[:3], ["real"]),
        helper.make_node("ReduceMean", ["real"], ["mean"], axes=axes, keepdims=keep),
        helper.make_node("QuantizeLinear", ["mean", *inputs[3:]], ["y"]),
    ]
    return case.file("QLinearReduceMean", inputs, shape, dtype, axes=axes, keepdims=keep)


def gemm(case, dtype, w_dtype=None, turn_a=0, turn_b=0, by_column=False, bias=True, real=False, alpha=1.0, bias_rank=1, zero=True):
    w_dtype = w_dtype or dtype
    m, k, n = 4, 19, 11
    inputs = case.given(case.integers(dtype, (k, m) if turn_a else (m, k)))
    inputs += case.type_of(dtype, zero)
    inputs += case.constant(case.integers(w_dtype, (n, k) if turn_b else (k, n)))
    count = (n,) if by_column else ()
    scales = case.random.uniform(0.005, 0.02, count).astype(numpy.float32)
    inputs += case.constant(scales)
    inputs += case.constant(numpy.zeros(count, w_dtype) if by_column else w_dtype(128 if w_dtype == U8 else 0))
    shape = (n,) if bias_rank == 1 else (1, n)
    inputs += case.constant(case.random.integers(-5000, 5000, shape).astype(numpy.int32)) if bias else [""]
    if not real:
        inputs += case.type_of(dtype, True, 0.1, 0.3)
    return case.file("QGemm", inputs, (m, n), numpy.float32 if real else dtype, transA=turn_a, transB=turn_b, alpha=alpha)


def product_scale(case, by_column, n):
    return case.constant(case.random.uniform(0.005, 0.02, (n,) if by_column else ()).astype(numpy.float32))


def integer_to_float(case, dtype, w_dtype, by_column=False, zero=True, w_zero=True, bias=True, batch=()):
    m, k, n = 4, 19, 11
    inputs = case.given(case.integers(dtype, (*batch, m, k))) + case.constant(case.integers(w_dtype, (k, n)))
    inputs += case.scale() + product_scale(case, by_column, n)
    inputs += case.zero(dtype) if zero else [""]
    inputs += case.constant(case.random.integers(110, 140, (n,) if by_column else ()).astype(U8).astype(w_dtype)) if w_zero else [""]
    inputs += case.constant(case.random.uniform(-1, 1, n).astype(numpy.float32)) if bias else [""]
    return case.file("MatMulIntegerToFloat", inputs, (*batch, m, n), numpy.float32)


def dynamic(case, w_dtype, by_column=False, w_zero=True, bias=True, batch=()):
    m, k, n = 4, 19, 11
    inputs = case.given(case.random.uniform(-2, 3, (*batch, m, k)).astype(numpy.float32)) + case.constant(case.integers(w_dtype, (k, n)))
    inputs += product_scale(case, by_column, n)
    inputs += case.constant(case.random.integers(-9, 9, (n,) if by_column else ()).astype(w_dtype)) if w_zero else [""]
    inputs += case.constant(case.random.uniform(-1, 1, n).astype(numpy.float32)) if bias else [""]
    return case.file("DynamicQuantizeMatMul", inputs, (*batch, m, n), numpy.float32)


def quantize(case, dtype, axis=None):
    shape = (3, 4, 7)
    values = case.random.uniform(-6, 6, shape).astype(numpy.float32)
    values[0, 0] = [-1e9, 1e9, 0, 0.5, -0.5, 1.5, 2.5]
    count = () if axis is None else (shape[axis],)
    inputs = case.given(values) + case.constant(case.random.uniform(0.01, 0.05, count).astype(numpy.float32))
    inputs += case.constant(case.random.integers(0, 20, count).astype(dtype))
    return case.file("QuantizeLinear", inputs, shape, dtype, **({} if axis is None else {"axis": axis}))


def dequantize(case, dtype, axis=None):
    shape = (3, 4, 7)
    count = () if axis is None else (shape[axis],)
    inputs = case.given(case.integers(dtype, shape)) + case.constant(case.random.uniform(0.01, 0.05, count).astype(numpy.float32))
    inputs += case.constant(case.random.integers(0, 20, count).astype(dtype))
    return case.file("DequantizeLinear", inputs, shape, numpy.float32, **({} if axis is None else {"axis": axis}))


def gelu(case):
    values = case.random.uniform(-6, 6, (5, 33)).astype(numpy.float32)
    return case.file("Gelu", case.given(values), (5, 33), numpy.float32)


def cases():
    for op in ("QLinearAdd", "QLinearMul"):
        for dtype in (U8, I8):
            name = f"{op}_{dtype.__name__}"
            yield name, binary, {"op": op, "dtype": dtype}
            yield f"{name}_row", binary, {"op": op, "dtype": dtype, "b": (7,)}
            yield f"{name}_single", binary, {"op": op, "dtype": dtype, "b": (1,), "constant": True}
            yield f"{name}_both", binary, {"op": op, "dtype": dtype, "a": (2, 1, 7), "b": (5, 1)}
            yield f"{name}_constant", binary, {"op": op, "dtype": dtype, "b": (2, 5, 7), "constant": True}
    for dtype in (U8, I8):
        name = dtype.__name__
        yield f"QLinearLeakyRelu_{name}", unary, {"op": "QLinearLeakyRelu", "dtype": dtype, "alpha": 0.2}
        yield f"QLinearLeakyRelu_usual_{name}", unary, {"op": "QLinearLeakyRelu", "dtype": dtype}
        yield f"QLinearSigmoid_{name}", sigmoid, {"dtype": dtype}
        yield f"QLinearSigmoid_wide_{name}", unary, {"op": "QLinearSigmoid", "dtype": dtype}
        yield f"QLinearSoftmax_{name}", softmax, {"dtype": dtype}
        yield f"QLinearSoftmax_axis_{name}", softmax, {"dtype": dtype, "axis": 1}
        yield f"QLinearSoftmax_first_{name}", softmax, {"dtype": dtype, "axis": 0}
        yield f"QLinearSoftmax_to_end_{name}", softmax, {"dtype": dtype, "axis": 1, "opset": 11}
        yield f"QLinearSoftmax_classes_{name}", softmax, {"dtype": dtype, "shape": (1, 300)}
        yield f"QLinearConcat_{name}", concat, {"dtype": dtype}
        yield f"QLinearConcat_three_{name}", concat, {"dtype": dtype, "parts": 3, "axis": -2}
        yield f"QLinearWhere_{name}", where, {"dtype": dtype}
        yield f"QLinearWhere_row_{name}", where, {"dtype": dtype, "a": (9,), "b": (3, 1)}
        yield f"QLinearAveragePool_{name}", average_pool, {"dtype": dtype}
        yield f"QLinearAveragePool_last_{name}", average_pool, {"dtype": dtype, "last": True}
        yield f"QLinearAveragePool_pads_{name}", average_pool, {"dtype": dtype, "pads": (1, 0, 1, 1), "out": (4, 7)}
        yield f"QLinearAveragePool_pads_counted_{name}", average_pool, {
            "dtype": dtype, "pads": (1, 0, 1, 1), "out": (4, 7), "count_include_pad": 1}
        yield f"QLinearAveragePool_ceil_{name}", average_pool, {"dtype": dtype, "out": (4, 6), "ceil_mode": 1}
        yield f"QLinearAveragePool_cube_{name}", cube_pool, {"dtype": dtype}
        yield f"QLinearGlobalAveragePool_{name}", global_pool, {"dtype": dtype}
        yield f"QLinearGlobalAveragePool_last_{name}", global_pool, {"dtype": dtype, "last": True}
        yield f"QLinearGlobalAveragePool_large_{name}", global_pool, {"dtype": dtype, "size": (33, 31)}
        yield f"QLinearReduceMean_{name}", reduce_mean, {"dtype": dtype}
        yield f"QLinearReduceMean_dropped_{name}", reduce_mean, {"dtype": dtype, "axes": (0, 2), "keep": 0}
        for w_dtype in (U8, I8):
            if dtype == I8 and w_dtype == U8:
                continue
            both = {"dtype": dtype, "w_dtype": w_dtype}
            name = f"{dtype.__name__}_{w_dtype.__name__}"
            yield f"QGemm_{name}", gemm, both
            yield f"QGemm_turned_{name}", gemm, {**both, "turn_b": 1}
            yield f"QGemm_real_{name}", gemm, {**both, "real": True}
            yield f"QGemm_without_bias_{name}", gemm, {**both, "bias": False}
            yield f"QGemm_alpha_{name}", gemm, {**both, "alpha": 0.5}
            yield f"QGemm_bias_row_{name}", gemm, {**both, "bias_rank": 2}
            yield f"QGemm_both_turned_{name}", gemm, {**both, "turn_a": 1, "turn_b": 1}
            if w_dtype == I8:
                yield f"QGemm_columns_{name}", gemm, {**both, "by_column": True}
                yield f"QGemm_columns_turned_{name}", gemm, {**both, "by_column": True, "turn_b": 1, "alpha": 2.0}
            yield f"MatMulIntegerToFloat_{name}", integer_to_float, both
            yield f"MatMulIntegerToFloat_columns_{name}", integer_to_float, {**both, "by_column": True, "batch": (3,)}
            yield f"MatMulIntegerToFloat_plain_{name}", integer_to_float, {**both, "zero": False, "w_zero": False, "bias": False}
    for dtype in (U8, I8):
        name = dtype.__name__
        yield f"DynamicQuantizeMatMul_{name}", dynamic, {"w_dtype": dtype}
        yield f"DynamicQuantizeMatMul_columns_{name}", dynamic, {"w_dtype": dtype, "by_column": True, "batch": (2,)}
        yield f"DynamicQuantizeMatMul_plain_{name}", dynamic, {"w_dtype": dtype, "w_zero": False, "bias": False}
    for dtype in (U8, I8, numpy.uint16, numpy.int16):
        name = dtype.__name__
        yield f"QuantizeLinear_{name}", quantize, {"dtype": dtype}
        yield f"QuantizeLinear_axis_{name}", quantize, {"dtype": dtype, "axis": 2}
        yield f"DequantizeLinear_{name}", dequantize, {"dtype": dtype}
        yield f"DequantizeLinear_axis_{name}", dequantize, {"dtype": dtype, "axis": 0}
    yield "Gelu", gelu, {}


def text(array):
    return base64.b64encode(numpy.ascontiguousarray(array).tobytes()).decode() or "-"


def run(content, feeds):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"]).run(None, feeds)


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=pathlib.Path, default=root / "tests" / "references" / "onnxruntime_ops.txt")
    parser.add_argument("--only", default="")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    lines = [f"# Recorded by tools/record_onnxruntime.py --seed {arguments.seed} with ONNX Runtime {onnxruntime.__version__}"]
    for index, (name, make, fields) in enumerate(cases()):
        if arguments.only not in name:
            continue
        content, feeds, runs = make(Case(numpy.random.default_rng([arguments.seed, index])), **fields)
        try:
            results = run(runs, feeds)
        except Exception as error:
            print(f"{name} is refused: {' '.join(str(error).split())[:200]}")
            continue
        lines.append(f"case {name} {text(numpy.frombuffer(content, numpy.uint8))}")
        lines += [f"in {text(value)}" for value in feeds.values()]
        lines += [f"out {text(value)}" for value in results]
    arguments.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
