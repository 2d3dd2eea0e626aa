#!/usr/bin/env python3
"""Records what TFLite's reference kernels compute on single quantized operators, for src/ops/quant/quantized_test.cc.

Run by hand, in a virtual environment with ai-edge-litert, flatbuffers and numpy:

    python tools/record_quantization.py [--output tests/references/quantized_ops.txt] [--only WORD] [--seed N]

Each case is a model of one operator with seeded random shapes, scales and values, run by OpResolverType.BUILTIN_REF. The
file holds the operator as ours (fields, weights transposed to our layout) and the integers that went in and came out:

    case NAME OPERATOR key=value ...
    in|out DTYPE DIMS SCALES ZERO_POINTS AXIS BASE64
"""

import argparse
import base64
import pathlib

import flatbuffers
import numpy
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

TYPES = {"float32": (schema.TensorType.FLOAT32, numpy.float32), "int8": (schema.TensorType.INT8, numpy.int8),
         "uint8": (schema.TensorType.UINT8, numpy.uint8), "int16": (schema.TensorType.INT16, numpy.int16),
         "int32": (schema.TensorType.INT32, numpy.int32), "int64": (schema.TensorType.INT64, numpy.int64),
         "bool": (schema.TensorType.BOOL, numpy.bool_)}
ACTIVATIONS = {"none": 0, "relu": 1, "relu_n1_to_1": 2, "relu6": 3}
WIDTHS = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}


class Value:
    """A tensor of TFLite, and how ours sees it: `ours` is the array in our layout, None if ours has no such input."""

    def __init__(self, dtype, shape, scale=None, zero=0, axis=-1, data=None, constant=False, ours=True, ours_axis=None,
                 variable=False):
        self.dtype, self.shape, self.axis, self.constant, self.variable = dtype, tuple(shape), axis, constant, variable
        self.scale = None if scale is None else numpy.atleast_1d(numpy.asarray(scale, numpy.float32))
        self.zero = numpy.atleast_1d(numpy.asarray(zero, numpy.int64))
        if self.scale is not None and self.zero.size != self.scale.size:
            self.zero = numpy.zeros(self.scale.size, numpy.int64)
        self.data = None if data is None else numpy.asarray(data, TYPES[dtype][1]).reshape(self.shape)
        self.ours, self.ours_axis = ours, axis if ours_axis is None else ours_axis

    def line(self, word, array):
        dims = "x".join(str(d) for d in array.shape) or "scalar"
        scales = "-" if self.scale is None else ";".join("%.9g" % s for s in self.scale)
        zeros = "-" if self.scale is None else ";".join(str(z) for z in (self.zero if self.zero.any() else self.zero[:1]))
        return f"{word} {array.dtype} {dims} {scales} {zeros} {self.ours_axis} " + base64.b64encode(
            numpy.ascontiguousarray(array).tobytes()).decode()


def build(opcode, options, inputs, outputs, intermediates=()):
    """A file of one operator; an input that is None is left out, and a variable is a state."""
    model, graph, operator = schema.ModelT(), schema.SubGraphT(), schema.OperatorT()
    code = schema.OperatorCodeT()
    code.builtinCode, code.version = opcode, 1
    code.deprecatedBuiltinCode = min(opcode, 127)
    model.version, model.operatorCodes, model.subgraphs = 3, [code], [graph]
    model.buffers, graph.tensors, graph.operators = [schema.BufferT()], [], [operator]
    operator.opcodeIndex = 0
    if options is not None:
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__[:-1])
        operator.builtinOptions = options
    present = [value for value in inputs if value is not None]
    for index, value in enumerate([*present, *outputs, *intermediates]):
        tensor = schema.TensorT()
        tensor.isVariable = value.variable
        tensor.name, tensor.shape, tensor.type = f"t{index}", list(value.shape), TYPES[value.dtype][0]
        tensor.buffer = 0
        if value.constant:
            buffer = schema.BufferT()
            buffer.data = numpy.frombuffer(value.data.tobytes(), numpy.uint8)
            model.buffers.append(buffer)
            tensor.buffer = len(model.buffers) - 1
        if value.scale is not None:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale, tensor.quantization.zeroPoint = list(value.scale), list(value.zero)
            tensor.quantization.quantizedDimension = max(value.axis, 0)
        graph.tensors.append(tensor)
    operator.inputs = [-1 if value is None else present.index(value) for value in inputs]
    operator.outputs = list(range(len(present), len(present) + len(outputs)))
    operator.intermediates = list(range(len(present) + len(outputs), len(graph.tensors)))
    graph.inputs = [i for i, value in enumerate(present) if not value.constant and not value.variable]
    graph.outputs = operator.outputs
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def run(content, inputs):
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    feed = [value.data for value in inputs if not value.constant]
    for detail, data in zip(interpreter.get_input_details(), feed):
        interpreter.set_tensor(detail["index"], data)
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]


class Recorder:
    def __init__(self, only, seed):
        self.lines, self.only, self.seed, self.count = [], only, seed, 0
        self.refused = []
        self.random = numpy.random.default_rng(seed)

    def add(self, name, opcode, options, inputs, outputs, ours, **fields):
        self.random = numpy.random.default_rng(self.count + self.seed + 1)
        self.count += 1
        if self.only and self.only not in name:
            return
        content = build(opcode, options, inputs, outputs)
        try:
            results = run(content, inputs)
        except (RuntimeError, ValueError) as error:
            self.refused.append(f"{name}: {str(error).splitlines()[0][:160]}")
            return
        text = " ".join(f"{key}={value}" for key, value in fields.items() if value != "")
        self.lines.append(f"case {name} {ours} {text}".rstrip())
        for value in inputs:
            if value.ours is not None:
                self.lines.append(value.line("in", value.data if value.ours is True else value.ours))
        for value, result in zip(outputs, results):
            self.lines.append(value.line("out", result))

    # Random values.
    def quantized(self, dtype, shape, scale=None, zero=None, **more):
        low, high = WIDTHS[dtype]
        if scale is None:
            scale = float(self.random.uniform(0.01, 0.2)) * (256 / (high - low + 1))
        if zero is None:
            zero = 0 if dtype == "int16" else int(self.random.integers(low // 2, high // 2 + 1))
        data = self.random.integers(low, high + 1, shape)
        return Value(dtype, shape, scale, zero, data=data, **more)

    def out(self, dtype, spread, zero=None):
        """An output whose range is about `spread` of real numbers."""
        low, high = WIDTHS[dtype]
        if zero is None:
            zero = 0 if dtype == "int16" else int(self.random.integers(low // 2, high // 2 + 1))
        return Value(dtype, (), float(spread) / (high - low), zero)


def ints(values, dtype="int32", ours=None):
    array = numpy.asarray(values, TYPES[dtype][1])
    return Value(dtype, array.shape, data=array, constant=True, ours=None if ours is None else numpy.asarray(ours, numpy.int64))


def pair(a, b):
    return f"{a},{b}"


def weights(r, dtype, shape, channel_axis, per_channel):
    """Weights with scales, and the bias's scale factor: int8 without zero points, uint8 with one."""
    channels = shape[channel_axis]
    if dtype == "uint8":
        value = r.quantized("uint8", shape, float(r.random.uniform(0.002, 0.02)))
        return value, value.scale
    scale = r.random.uniform(0.002, 0.02, channels if per_channel else 1)
    value = Value("int8", shape, scale, 0, axis=channel_axis if per_channel else -1,
                  data=r.random.integers(-127, 128, shape), constant=True)
    return value, value.scale


def linear_output(r, x, w, depth, act):
    low, high = WIDTHS[x.dtype]
    spread = float(x.scale[0]) * float(w.scale.mean()) * numpy.sqrt(depth) * 80 * (high - low) / 3
    zero = None
    if act != "none" and x.dtype != "int16":
        zero = low if act == "relu" else None
    return r.out(x.dtype, spread if act != "relu6" else 9.0, zero)


def bias(r, x, w_scale, channels):
    dtype = "int64" if x.dtype == "int16" else "int32"
    most = 3000 if x.dtype != "int16" else 300000
    return Value(dtype, (channels,), numpy.float32(x.scale[0]) * w_scale, 0, axis=0 if w_scale.size > 1 else -1,
                 data=r.random.integers(-most, most, channels), constant=True)


def conv_cases(r):
    for dtype in ("int8", "uint8", "int16"):
        for index, (h, w, c, o, k, stride, dilation, padding, act, per_channel) in enumerate([
                (5, 6, 3, 4, 3, 1, 1, "same", "none", True), (7, 5, 4, 5, 3, 2, 1, "same", "relu", True),
                (6, 6, 8, 3, 1, 1, 1, "valid", "relu6", False), (9, 8, 2, 3, 3, 1, 2, "valid", "relu_n1_to_1", True),
                (4, 4, 17, 2, 2, 2, 1, "valid", "none", False)]):
            x = r.quantized(dtype, (1 + index % 2, h, w, c))
            weight, scale = weights(r, "uint8" if dtype == "uint8" else "int8", (o, k, k, c), 0, per_channel and dtype != "uint8")
            weight.constant = True
            options = schema.Conv2DOptionsT()
            options.padding = 0 if padding == "same" else 1
            options.strideH = options.strideW = stride
            options.dilationHFactor = options.dilationWFactor = dilation
            options.fusedActivationFunction = ACTIVATIONS[act]
            r.add(f"conv_{dtype}_{index}", schema.BuiltinOperator.CONV_2D, options, [x, weight, bias(r, x, scale, o)],
                  [linear_output(r, x, weight, k * k * c, act)], "Conv", strides=pair(stride, stride), dilations=pair(dilation, dilation),
                  pad=padding, act=act)
        for index, (h, w, c, multiplier, k, stride, padding, act, per_channel) in enumerate([
                (5, 6, 4, 1, 3, 1, "same", "relu6", True), (8, 7, 3, 2, 3, 2, "same", "none", True), (6, 5, 1, 5, 2, 1, "valid", "relu", False)]):
            x = r.quantized(dtype, (1, h, w, c))
            o = c * multiplier
            weight, scale = weights(r, "uint8" if dtype == "uint8" else "int8", (1, k, k, o), 3, per_channel and dtype != "uint8")
            weight.constant, weight.ours, weight.ours_axis = True, weight.data.transpose(3, 1, 2, 0), 0 if weight.axis >= 0 else -1
            options = schema.DepthwiseConv2DOptionsT()
            options.padding = 0 if padding == "same" else 1
            options.strideH = options.strideW = stride
            options.dilationHFactor = options.dilationWFactor = 1
            options.depthMultiplier = multiplier
            options.fusedActivationFunction = ACTIVATIONS[act]
            r.add(f"depthwise_{dtype}_{index}", schema.BuiltinOperator.DEPTHWISE_CONV_2D, options, [x, weight, bias(r, x, scale, o)],
                  [linear_output(r, x, weight, k * k, act)], "Conv", strides=pair(stride, stride), pad=padding, groups=c, act=act)
        for index, (m, n, k, act, per_channel) in enumerate([(1, 5, 20, "none", False), (3, 4, 33, "relu", True), (2, 9, 8, "relu6", False)]):
            x = r.quantized(dtype, (m, k))
            weight, scale = weights(r, "uint8" if dtype == "uint8" else "int8", (n, k), 0, per_channel and dtype != "uint8")
            weight.constant = True
            options = schema.FullyConnectedOptionsT()
            options.fusedActivationFunction = ACTIVATIONS[act]
            r.add(f"fully_connected_{dtype}_{index}", schema.BuiltinOperator.FULLY_CONNECTED, options,
                  [x, weight, bias(r, x, scale, n)], [linear_output(r, x, weight, k, act)], "Gemm", act=act)
        for index, (h, w, c, o, k, stride, padding) in enumerate([(4, 5, 3, 2, 3, 2, "same"), (3, 3, 4, 3, 2, 2, "valid"), (5, 4, 2, 5, 3, 1, "same")]):
            x = r.quantized(dtype, (1, h, w, c))
            weight, scale = weights(r, "uint8" if dtype == "uint8" else "int8", (o, k, k, c), 0, dtype != "uint8")
            weight.constant = True
            size = [n * stride if padding == "same" else (n - 1) * stride + k for n in (h, w)]
            pads = [max((n - 1) * stride + k - s, 0) for n, s in zip((h, w), size)]
            options = schema.TransposeConvOptionsT()
            options.padding = 0 if padding == "same" else 1
            options.strideH = options.strideW = stride
            x_value, out = x, linear_output(r, x, weight, k * c, "none")
            # Ours reads x, w, b; TFLite the shape, w, x, b.
            shape = ints([1, size[0], size[1], o])
            b = bias(r, x, scale, o)
            r.add_reordered(f"transpose_conv_{dtype}_{index}", schema.BuiltinOperator.TRANSPOSE_CONV, options, [shape, weight, x_value, b],
                            [2, 1, 3], [out], "ConvTranspose", strides=pair(stride, stride),
                            pads_begin=pair(pads[0] // 2, pads[1] // 2),
                            pads_end=pair(pads[0] - pads[0] // 2, pads[1] - pads[1] // 2))
    for dtype in ("int8", "int16"):
        for index, (a, b, flip_a, flip_b) in enumerate([((2, 3, 5), (2, 5, 4), False, False), ((1, 4, 6), (1, 6, 3), False, False)]):
            left, right = r.quantized(dtype, a), r.quantized(dtype, b)
            options = schema.BatchMatMulOptionsT()
            r.add(f"batch_matmul_{dtype}_{index}", schema.BuiltinOperator.BATCH_MATMUL, options, [left, right],
                  [linear_output(r, left, right, a[-1], "none")], "MatMul")


def binary_cases(r):
    arithmetic = [("ADD", "AddOptionsT", "Add"), ("SUB", "SubOptionsT", "Sub"), ("MUL", "MulOptionsT", "Mul")]
    shapes = [((1, 4, 5, 3), (1, 4, 5, 3)), ((2, 3, 4, 5), (1, 1, 1, 5)), ((1, 3, 1, 4), (1, 1, 5, 4)), ((40,), (1,))]
    for opcode, options_type, ours in arithmetic:
        for dtype in ("int8", "uint8", "int16"):
            for index, (a, b) in enumerate(shapes):
                act = ["none", "relu", "relu6", "relu_n1_to_1"][index]
                left, right = r.quantized(dtype, a), r.quantized(dtype, b)
                low, high = WIDTHS[dtype]
                spread = (float(left.scale[0]) + float(right.scale[0])) * (high - low)
                if ours == "Mul":
                    spread = float(left.scale[0] * right.scale[0]) * (high - low) ** 2 / 3
                options = getattr(schema, options_type)()
                options.fusedActivationFunction = ACTIVATIONS[act]
                if hasattr(options, "potScaleInt16"):
                    options.potScaleInt16 = False
                r.add(f"{ours.lower()}_{dtype}_{index}", getattr(schema.BuiltinOperator, opcode), options, [left, right],
                      [r.out(dtype, spread)], ours, act=act)
    for index, (a, b) in enumerate(shapes):
        left, right = r.quantized("int8", a), r.quantized("int8", b)
        r.add(f"squared_difference_{index}", schema.BuiltinOperator.SQUARED_DIFFERENCE, schema.SquaredDifferenceOptionsT(), [left, right],
              [r.out("int8", (float(left.scale[0] + right.scale[0]) * 100) ** 2, -128)], "SquaredDifference")
        for dtype in ("int8", "uint8"):
            x, slope = r.quantized(dtype, a), r.quantized(dtype, b if index != 2 else (1, 1, 1, 4))
            r.add(f"prelu_{dtype}_{index}", schema.BuiltinOperator.PRELU, None, [x, slope],
                  [r.out(dtype, float(x.scale[0]) * 300)], "PRelu")
        for opcode, ours in (("MAXIMUM", "Max"), ("MINIMUM", "Min")):
            for dtype in ("int8", "uint8", "int16"):
                left = r.quantized(dtype, a)
                right = r.quantized(dtype, b, left.scale[0], left.zero[0])
                r.add(f"{ours.lower()}_{dtype}_{index}", getattr(schema.BuiltinOperator, opcode), schema.MaximumMinimumOptionsT(), [left, right],
                      [Value(dtype, (), left.scale[0], left.zero[0])], ours)
        for opcode, ours in (("EQUAL", "Equal"), ("GREATER", "Greater"), ("GREATER_EQUAL", "GreaterOrEqual"), ("LESS", "Less"), ("LESS_EQUAL", "LessOrEqual")):
            dtype = ("int8", "uint8", "int16", "int8")[index]
            left = r.quantized(dtype, a)
            right = r.quantized(dtype, b, left.scale[0] * (1 if index % 2 else 1.5))
            if index == 1:
                right.zero = left.zero
            name = "".join(part.title() for part in opcode.split("_")) + "OptionsT"
            r.add(f"{ours.lower()}_{dtype}_{index}", getattr(schema.BuiltinOperator, opcode), getattr(schema, name)(), [left, right],
                  [Value("bool", ())], ours)


def unary_cases(r):
    def every(dtype, scale, zero):
        low, high = WIDTHS[dtype]
        data = numpy.arange(low, high + 1) if dtype != "int16" else numpy.arange(low, high + 1, 97)
        return Value(dtype, data.shape, scale, zero, data=data)

    for index, (scale, zero) in enumerate([(0.05, -3), (0.011, 20), (0.3, 0)]):
        for dtype in ("int8", "uint8", "int16"):
            z = zero if dtype == "int8" else zero + 128 if dtype == "uint8" else 0
            s = scale if dtype != "int16" else scale / 100
            low, high = WIDTHS[dtype]
            full = {"int8": -128, "uint8": 0, "int16": 0}[dtype]
            x = lambda: every(dtype, s, z)
            same = lambda factor, at=None: Value(dtype, (), s * factor, z if at is None else at)
            for opcode, ours, low_bound, high_bound in (("RELU", "Relu", "", ""), ("RELU6", "Clip", 0, 6), ("RELU_N1_TO_1", "Clip", -1, 1)):
                r.add(f"{opcode.lower()}_{dtype}_{index}", getattr(schema.BuiltinOperator, opcode), None, [x()], [same(0.7)], ours,
                      low=low_bound, high=high_bound)
            leaky = schema.LeakyReluOptionsT()
            leaky.alpha = [0.2, 0.01, 1.5][index]
            r.add(f"leaky_relu_{dtype}_{index}", schema.BuiltinOperator.LEAKY_RELU, leaky, [x()], [same(1.1)], "LeakyRelu", alpha=leaky.alpha)
            sigmoid_scale = 1 / 32768 if dtype == "int16" else 1 / 256
            r.add(f"logistic_{dtype}_{index}", schema.BuiltinOperator.LOGISTIC, None, [x()], [Value(dtype, (), sigmoid_scale, full)], "Sigmoid")
            tanh_scale, tanh_zero = (1 / 32768, 0) if dtype == "int16" else (1 / 128, full + 128)
            r.add(f"tanh_{dtype}_{index}", schema.BuiltinOperator.TANH, None, [x()], [Value(dtype, (), tanh_scale, tanh_zero)], "Tanh")
            r.add(f"abs_{dtype}_{index}", schema.BuiltinOperator.ABS, schema.AbsOptionsT(), [x()], [same(1 if index == 0 else 0.9)], "Abs")
            r.add(f"neg_{dtype}_{index}", schema.BuiltinOperator.NEG, schema.NegOptionsT(), [every(dtype, s, 0)], [same(1, 0)], "Neg")
            if dtype != "int16":
                r.add(f"hard_swish_{dtype}_{index}", schema.BuiltinOperator.HARD_SWISH, schema.HardSwishOptionsT(), [x()], [same(0.8)], "HardSwish")
                r.add(f"elu_{dtype}_{index}", schema.BuiltinOperator.ELU, None, [x()], [same(0.8)], "Elu")
                r.add(f"exp_{dtype}_{index}", schema.BuiltinOperator.EXP, schema.ExpOptionsT(), [x()], [Value(dtype, (), 0.02, full)], "Exp")
                r.add(f"log_{dtype}_{index}", schema.BuiltinOperator.LOG, None, [x()], [Value(dtype, (), 0.04, z)], "Log")
                gelu = schema.GeluOptionsT()
                gelu.approximate = index == 1
                r.add(f"gelu_{dtype}_{index}", schema.BuiltinOperator.GELU, gelu, [x()], [same(0.9)], "Gelu", approximate=int(index == 1))
            if dtype == "int8":
                positive = Value("int8", (128,), s, -128, data=numpy.arange(-128, 0))
                r.add(f"rsqrt_{index}", schema.BuiltinOperator.RSQRT, None, [positive], [Value("int8", (), 0.02, -128)], "Rsqrt")
            to = {"int8": [("int8", 1.3), ("uint8", 1)], "uint8": [("int8", 1), ("uint8", 0.4)], "int16": [("int8", 256), ("int16", 0.7)]}[dtype]
            for other, factor in to:
                at = 0 if other == "int16" else z - 128 if (dtype, other) == ("uint8", "int8") else z + 128 if (dtype, other) == ("int8", "uint8") else 5
                r.add(f"requantize_{dtype}_{other}_{index}", schema.BuiltinOperator.QUANTIZE, schema.QuantizeOptionsT(), [x()],
                      [Value(other, (), s * factor, at)], "Identity")
            r.add(f"dequantize_{dtype}_{index}", schema.BuiltinOperator.DEQUANTIZE, schema.DequantizeOptionsT(), [x()], [Value("float32", ())], "Identity")
            reals = r.random.normal(0, s * (high - low) / 4, 60).astype(numpy.float32)
            reals[:6] = [0, s / 2, -s / 2, 1.5 * s, 1e4, -1e4]
            r.add(f"quantize_{dtype}_{index}", schema.BuiltinOperator.QUANTIZE, schema.QuantizeOptionsT(),
                  [Value("float32", reals.shape, data=reals)], [Value(dtype, (), s, z)], "Identity")


def pool_cases(r):
    for dtype in ("int8", "uint8", "int16"):
        for index, (h, w, c, k, stride, padding, act) in enumerate([(6, 5, 3, 2, 2, "valid", "none"), (7, 7, 2, 3, 2, "same", "relu"), (5, 5, 9, 5, 1, "valid", "relu6")]):
            for opcode, ours in (("AVERAGE_POOL_2D", "AveragePool"), ("MAX_POOL_2D", "MaxPool")):
                x = r.quantized(dtype, (1, h, w, c))
                options = schema.Pool2DOptionsT()
                options.padding = 0 if padding == "same" else 1
                options.strideH = options.strideW = stride
                options.filterHeight = options.filterWidth = k
                options.fusedActivationFunction = ACTIVATIONS[act]
                r.add(f"{ours.lower()}_{dtype}_{index}", getattr(schema.BuiltinOperator, opcode), options, [x],
                      [Value(dtype, (), x.scale[0], x.zero[0])], ours, kernel=pair(k, k), strides=pair(stride, stride), pad=padding, act=act)
        for index, (shape, axes, keep) in enumerate([((1, 5, 6, 4), (1, 2), True), ((2, 3, 4, 5), (1, 2), False), ((3, 70), (1,), False), ((2, 3, 4), (0, 2), True)]):
            for opcode, ours in (("MEAN", "ReduceMean"), ("SUM", "ReduceSum"), ("REDUCE_MAX", "ReduceMax"), ("REDUCE_MIN", "ReduceMin")):
                x = r.quantized(dtype, shape)
                count = numpy.prod([shape[a] for a in axes])
                out = Value(dtype, (), x.scale[0], x.zero[0])
                if ours == "ReduceMean" and index != 1:
                    out = Value(dtype, (), x.scale[0] * 0.4, 0 if dtype == "int16" else x.zero[0] + 7)
                if ours == "ReduceSum" and dtype != "uint8":
                    continue  # BUILTIN_REF leaves the output of SUM as it was
                if ours == "ReduceSum" and index != 1:
                    out = Value(dtype, (), x.scale[0] * numpy.sqrt(count), x.zero[0])
                options = schema.ReducerOptionsT()
                options.keepDims = keep
                r.add(f"{ours.lower()}_{dtype}_{index}", getattr(schema.BuiltinOperator, opcode), options, [x, ints(axes, ours=axes)], [out],
                      ours, keep=int(keep))
        for index, (shape, size, coordinates) in enumerate([((1, 3, 4, 2), (6, 8), "asymmetric"), ((1, 5, 4, 3), (3, 9), "half_pixel"), ((2, 4, 4, 1), (7, 7), "align_corners"), ((1, 9, 7, 2), (4, 3), "asymmetric"), ((1, 4, 3, 2), (11, 5), "half_pixel")]):
            x = r.quantized(dtype, shape)
            options = schema.ResizeBilinearOptionsT()
            options.alignCorners, options.halfPixelCenters = coordinates == "align_corners", coordinates == "half_pixel"
            r.add(f"resize_bilinear_{dtype}_{index}", schema.BuiltinOperator.RESIZE_BILINEAR, options, [x, ints(size, ours=size)],
                  [Value(dtype, (), x.scale[0], x.zero[0])], "Resize", mode="linear", coordinates=coordinates)
            if dtype != "int16":
                options = schema.ResizeNearestNeighborOptionsT()
                options.alignCorners, options.halfPixelCenters = coordinates == "align_corners", coordinates == "half_pixel"
                r.add(f"resize_nearest_{dtype}_{index}", schema.BuiltinOperator.RESIZE_NEAREST_NEIGHBOR, options, [x, ints(size, ours=size)],
                      [Value(dtype, (), x.scale[0], x.zero[0])], "Resize", mode="nearest", coordinates=coordinates)


def softmax_cases(r):
    for dtype in ("int8", "uint8", "int16"):
        for index, (shape, scale) in enumerate([((1, 10), 0.1), ((3, 21), 0.03), ((2, 1001), 0.07), ((1, 5), 0.9), ((2, 3, 4), 0.25)]):
            s = scale if dtype != "int16" else scale / 200
            x = r.quantized(dtype, shape, s)
            full = {"int8": -128, "uint8": 0, "int16": 0}[dtype]
            options = schema.SoftmaxOptionsT()
            options.beta = 1.0
            r.add(f"softmax_{dtype}_{index}", schema.BuiltinOperator.SOFTMAX, options, [x],
                  [Value(dtype, (), 1 / 32768 if dtype == "int16" else 1 / 256, full)], "Softmax")
            if dtype != "int16" and index != 2:
                r.add(f"log_softmax_{dtype}_{index}", schema.BuiltinOperator.LOG_SOFTMAX, schema.LogSoftmaxOptionsT(), [r.quantized(dtype, shape, s)],
                      [Value(dtype, (), 16 / 256, 127 if dtype == "int8" else 255)], "LogSoftmax")
                r.add(f"l2_normalization_{dtype}_{index}", schema.BuiltinOperator.L2_NORMALIZATION, schema.L2NormOptionsT(), [r.quantized(dtype, shape, s)],
                      [Value(dtype, (), 1 / 128, 0 if dtype == "int8" else 128)], "LpNormalization")


def move_cases(r):
    for dtype in ("int8", "uint8", "int16"):
        x = r.quantized(dtype, (1, 3, 4, 2))
        out = lambda: Value(dtype, (), x.scale[0], x.zero[0])
        pads = numpy.array([[0, 0], [1, 2], [2, 0], [0, 1]])
        ours_pads = ints(pads, ours=pads.T.reshape(-1))
        r.add(f"pad_{dtype}", schema.BuiltinOperator.PAD, schema.PadOptionsT(), [x, ours_pads], [out()], "Pad", mode="constant")
        fill = Value(dtype, (), x.scale[0], x.zero[0], data=x.zero[0] + 5, constant=True)
        fill.ours = fill.data
        r.add(f"pad_v2_{dtype}", schema.BuiltinOperator.PADV2, schema.PadV2OptionsT(), [x, ours_pads, fill], [out()], "Pad", mode="constant")
        mirror = schema.MirrorPadOptionsT()
        pads = numpy.array([[0, 0], [1, 2], [2, 1], [0, 0]])
        r.add(f"mirror_pad_{dtype}", schema.BuiltinOperator.MIRROR_PAD, mirror, [x, ints(pads, ours=pads.T.reshape(-1))], [out()], "Pad", mode="reflect")
        concat = schema.ConcatenationOptionsT()
        concat.axis = 3
        same = r.quantized(dtype, (1, 3, 4, 5), x.scale[0], x.zero[0])
        r.add(f"concat_{dtype}", schema.BuiltinOperator.CONCATENATION, concat, [x, same], [out()], "Concat", axis=3)
        arg = schema.ArgMaxOptionsT()
        arg.outputType = TYPES["int64"][0]
        r.add(f"arg_max_{dtype}", schema.BuiltinOperator.ARG_MAX, arg, [r.quantized(dtype, (2, 7)), ints(1)], [Value("int64", ())], "ArgMax", axis=1)
        gather = schema.GatherOptionsT()
        gather.axis = 2
        r.add(f"gather_{dtype}", schema.BuiltinOperator.GATHER, gather, [x, ints([3, 0, 1], ours=[3, 0, 1])], [out()], "Gather", axis=2)
        r.add(f"transpose_{dtype}", schema.BuiltinOperator.TRANSPOSE, schema.TransposeOptionsT(), [x, ints([0, 3, 1, 2])], [out()], "Transpose", order="0,3,1,2")
    concat = schema.ConcatenationOptionsT()
    concat.axis = 1
    for index in range(3):
        parts = [r.quantized("uint8", (2, 3 + i)) for i in range(3)]
        r.add(f"concat_scaled_{index}", schema.BuiltinOperator.CONCATENATION, concat, parts, [r.out("uint8", float(max(p.scale[0] for p in parts)) * 255)],
              "Concat", axis=1)


def add_reordered(self, name, opcode, options, inputs, order, outputs, ours, **fields):
    """A case whose inputs ours takes in another order."""
    before = len(self.lines)
    for value in inputs:
        value.ours = value.ours if value.ours is not None else None
    self.add(name, opcode, options, inputs, outputs, ours, **fields)
    if len(self.lines) == before:
        return
    kept = [i for i, value in enumerate(inputs) if value.ours is not None]
    lines = dict(zip(kept, self.lines[before + 1:before + 1 + len(kept)]))
    self.lines[before + 1:before + 1 + len(kept)] = [lines[i] for i in order]


Recorder.add_reordered = add_reordered


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("tests/references/quantized_ops.txt"))
    parser.add_argument("--only", default="", help="record the cases whose name contains this")
    parser.add_argument("--seed", type=int, default=1, help="other values than those recorded, to search for differences")
    arguments = parser.parse_args()
    recorder = Recorder(arguments.only, arguments.seed)
    for group in (conv_cases, binary_cases, unary_cases, pool_cases, softmax_cases, move_cases):
        group(recorder)
    arguments.output.write_text("\n".join(recorder.lines) + "\n")
    cases = sum(line.startswith("case ") for line in recorder.lines)
    print(f"{arguments.output}: {cases} cases, {arguments.output.stat().st_size} bytes")
    for line in recorder.refused:
        print("TFLite refuses", line)


if __name__ == "__main__":
    main()
