"""One operator a file, with seeded random parameters: what tools/compare_tflite.py runs."""

import numpy
from compare_tflite import Case, Const, Var, options

SAME, VALID = 0, 1
NONE, RELU, RELU_N1_TO_1, RELU6, TANH = range(5)


def cases(seed):
    random = numpy.random.default_rng(seed)

    def f(*shape, low=-2.0, high=2.0):
        return random.uniform(low, high, shape).astype(numpy.float32)

    def ints(*shape, low=-9, high=10, dtype=numpy.int32):
        return random.integers(low, high, shape).astype(dtype)

    def c(values, dtype=numpy.int32):
        return Const(numpy.array(values, dtype))

    yield from unary(f)
    yield from binary(f, ints, random)
    yield from convolutions(f)
    yield from pools(f)
    yield from matrices(f)
    yield from reductions(f, ints, c)
    yield from shapes(f, ints, c)
    yield from slices(f, c)
    yield from indices(f, ints, c)
    yield from recurrent(f)
    yield from hybrid(f, ints)
    yield from detections(f)


def unary(f):
    for op in ("ABS", "CEIL", "COS", "ELU", "EXP", "FLOOR", "HARD_SWISH", "LOGISTIC", "LOG_SOFTMAX", "NEG", "RELU",
               "RELU6", "RELU_0_TO_1", "RELU_N1_TO_1", "ROUND", "SIGN", "SIN", "SQUARE", "TANH", "ZEROS_LIKE"):
        yield Case(op, [f(2, 3, 5, low=-9, high=9)])
    for op in ("LOG", "RSQRT", "SQRT"):
        yield Case(op, [f(2, 3, 5, low=0.1, high=9)])
    yield Case("ROUND", [numpy.arange(-4, 4, 0.5, numpy.float32)], name="halves")
    for approximate in (False, True):
        yield Case("GELU", [f(3, 7)], options("GeluOptions", approximate=approximate))
    yield Case("LEAKY_RELU", [f(3, 7)], options("LeakyReluOptions", alpha=0.3))
    for narrow in (False, True):
        yield Case("FAKE_QUANT", [f(40)], options("FakeQuantOptions", min=-1.1, max=1.7, numBits=5, narrowRange=narrow))
    for beta in (1.0, 0.7):
        yield Case("SOFTMAX", [f(2, 3, 6)], options("SoftmaxOptions", beta=beta))
    for to in ("int32", "int64", "uint8", "bool", "float16"):
        yield Case("CAST", [f(3, 4, low=0, high=9)], options("CastOptions"), (to,), name=to)
    yield Case("BUCKETIZE", [f(3, 5)], options("BucketizeOptions", boundaries=[-1.0, 0.0, 0.5]), ("int32",))


def binary(f, ints, random):
    shapes = [((2, 3, 4), (2, 3, 4)), ((2, 3, 4), (4,)), ((2, 1, 4), (3, 1)), ((5,), ())]
    for op, kind in (("ADD", "AddOptions"), ("SUB", "SubOptions"), ("MUL", "MulOptions"), ("DIV", "DivOptions")):
        for k, (a, b) in enumerate(shapes):
            yield Case(op, [f(*a), f(*b, low=0.5)], options(kind, fusedActivationFunction=k))
        yield Case(op, [ints(3, 4), ints(3, 4, low=1)], options(kind), ("int32",))
    for op in ("MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE", "FLOOR_DIV", "FLOOR_MOD"):
        yield Case(op, [f(2, 3, 4), f(3, 1)])
        yield Case(op, [ints(3, 4), ints(3, 4, low=1)], outputs=("int32",))
    for op in ("FLOOR_DIV", "FLOOR_MOD"):
        yield Case(op, [ints(3, 4), -ints(3, 4, low=1)], outputs=("int32",), name="negative")
    yield Case("POW", [f(3, 4, low=0.1), f(3, 4)])
    yield Case("PRELU", [f(2, 3, 4), Const(f(1, 1, 4))])
    yield Case("ATAN2", [f(3, 4), f(3, 4)])
    for op in ("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL"):
        yield Case(op, [ints(3, 4, low=0, high=3), ints(4, low=0, high=3)], outputs=("bool",))
    bits = random.integers(0, 2, (2, 3, 4)).astype(bool)
    for op in ("LOGICAL_AND", "LOGICAL_OR"):
        yield Case(op, [bits[0], bits[1]], outputs=("bool",))
    yield Case("LOGICAL_NOT", [bits[0]], outputs=("bool",))
    yield Case("BITWISE_XOR", [ints(3, 4), ints(3, 4)], outputs=("int32",))
    yield Case("RIGHT_SHIFT", [ints(3, 4, low=0, high=99, dtype=numpy.uint32), ints(3, 4, low=0, high=5, dtype=numpy.uint32)],
               outputs=("uint32",))
    yield Case("ADD_N", [f(3, 4), f(3, 4), f(3, 4)])
    yield Case("SELECT", [bits[0, 0, :3], f(3, 4), f(3, 4)], name="rows")
    yield Case("SELECT", [bits[0], f(3, 4), f(3, 4)])
    yield Case("SELECT_V2", [bits[0], f(3, 4), f(1, 4)])


def convolutions(f):
    def conv(x, w, bias=True, **fields):
        fields = {"strideH": 1, "strideW": 1, **fields}
        return Case("CONV_2D", [x, Const(w), Const(f(w.shape[0])) if bias else None], options("Conv2DOptions", **fields),
                    name=str(fields))

    for padding in (SAME, VALID):
        for stride in (1, 2, 3):
            yield conv(f(1, 9, 8, 3), f(5, 3, 4, 3), padding=padding, strideH=stride, strideW=stride,
                       fusedActivationFunction=stride)
        yield conv(f(2, 11, 10, 3), f(4, 3, 3, 3), padding=padding, dilationHFactor=2, dilationWFactor=3)
        yield conv(f(1, 7, 7, 6), f(4, 3, 3, 2), padding=padding, bias=True)  # three groups
    for padding in (SAME, VALID):
        for multiplier in (1, 2, 3):
            for dilation in (1, 2):
                fields = dict(padding=padding, strideH=1 if dilation > 1 else 2, strideW=1 if dilation > 1 else 2,
                              depthMultiplier=multiplier, dilationHFactor=dilation, dilationWFactor=dilation,
                              fusedActivationFunction=RELU6)
                yield Case("DEPTHWISE_CONV_2D", [f(1, 9, 8, 4), Const(f(1, 3, 3, 4 * multiplier)), Const(f(4 * multiplier))],
                           options("DepthwiseConv2DOptions", **fields), name=str(fields))
    for padding in (SAME, VALID):
        for stride in (1, 2, 3):
            for kernel in (2, 3, 5):
                out = 4 * stride if padding == SAME else 3 * stride + kernel
                yield Case("TRANSPOSE_CONV", [Const(numpy.array([1, out, out, 4], numpy.int32)), Const(f(4, kernel, kernel, 3)),
                                              f(1, 4, 4, 3), Const(f(4))],
                           options("TransposeConvOptions", padding=padding, strideH=stride, strideW=stride),
                           name=f"{padding} {stride} {kernel}")
        yield Case("CONV_3D", [f(1, 5, 6, 7, 3), Const(f(2, 3, 2, 3, 4)), Const(f(4))],
                   options("Conv3DOptions", padding=padding, strideD=1, strideH=2, strideW=1, dilationDFactor=1,
                           dilationHFactor=1, dilationWFactor=1))


def pools(f):
    for op in ("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D"):
        for padding in (SAME, VALID):
            for stride in (1, 2):
                yield Case(op, [f(2, 7, 8, 3)], options("Pool2DOptions", padding=padding, strideH=stride, strideW=stride,
                                                        filterHeight=3, filterWidth=2, fusedActivationFunction=RELU))
    yield Case("L2_NORMALIZATION", [f(2, 3, 5)], options("L2NormOptions"))
    yield Case("L2_NORMALIZATION", [numpy.zeros((2, 5), numpy.float32)], options("L2NormOptions"), name="zeros")
    yield Case("LOCAL_RESPONSE_NORMALIZATION", [f(1, 3, 4, 9)],
               options("LocalResponseNormalizationOptions", radius=2, bias=1.5, alpha=0.3, beta=0.6))
    for op, kind in (("RESIZE_BILINEAR", "ResizeBilinearOptions"), ("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions")):
        for align, half in ((False, False), (True, False), (False, True)):
            for size in ((9, 13), (3, 5), (5, 7), (10, 14), (1, 1), (23, 3)):
                yield Case(op, [f(1, 5, 7, 3), Const(numpy.array(size, numpy.int32))],
                           options(kind, alignCorners=align, halfPixelCenters=half), name=f"{align} {half} {size}")


def matrices(f):
    for keep in (False, True):
        for shape in ((2, 6), (2, 3, 6), (1, 2, 3, 6)):
            for activation in (NONE, RELU):
                yield Case("FULLY_CONNECTED", [f(*shape), Const(f(5, 6)), Const(f(5))],
                           options("FullyConnectedOptions", keepNumDims=keep, fusedActivationFunction=activation),
                           name=f"{shape} {keep}")
    yield Case("FULLY_CONNECTED", [f(2, 3, 4), Const(f(5, 12)), None], options("FullyConnectedOptions"), name="joined")
    yield Case("FULLY_CONNECTED", [f(2, 6), f(5, 6), None], options("FullyConnectedOptions"), name="computed weights")
    for adj_x in (False, True):
        for adj_y in (False, True):
            x, y = f(2, 3, 4), f(1, 4, 5)
            yield Case("BATCH_MATMUL", [x.transpose(0, 2, 1).copy() if adj_x else x, y.transpose(0, 2, 1).copy() if adj_y else y],
                       options("BatchMatMulOptions", adjX=adj_x, adjY=adj_y))
    yield Case("EMBEDDING_LOOKUP", [Const(numpy.array([3, 0, 3], numpy.int32)), Const(f(5, 4))])


def reductions(f, ints, c):
    for op in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD"):
        for axes, keep in (([1, 2], False), ([-1], True), ([0, 1, 2, 3], False), (2, True)):
            yield Case(op, [f(2, 3, 4, 5), c(axes)], options("ReducerOptions", keepDims=keep))
    for op in ("REDUCE_ALL", "REDUCE_ANY"):
        yield Case(op, [ints(3, 4, low=0, high=2).astype(bool), c([1])], options("ReducerOptions"), ("bool",))
    for op, kind in (("ARG_MAX", "ArgMaxOptions"), ("ARG_MIN", "ArgMinOptions")):
        for to, number in (("int32", 2), ("int64", 4)):
            yield Case(op, [f(3, 4, 5), c(-1)], options(kind, outputType=number), (to,))
    for exclusive in (False, True):
        for reverse in (False, True):
            yield Case("CUMSUM", [f(3, 4), c(1)], options("CumsumOptions", exclusive=exclusive, reverse=reverse))


def shapes(f, ints, c):
    yield Case("RESHAPE", [f(2, 6), c([3, -1])], options("ReshapeOptions", newShape=[3, -1]))
    yield Case("RESHAPE", [f(2, 6)], options("ReshapeOptions", newShape=[4, 3]))
    yield Case("SQUEEZE", [f(1, 3, 1)], options("SqueezeOptions", squeezeDims=[0]))
    yield Case("SQUEEZE", [f(1, 3, 1)], options("SqueezeOptions"))
    yield Case("EXPAND_DIMS", [f(2, 3), c(-1)], options("ExpandDimsOptions"))
    yield Case("TRANSPOSE", [f(2, 3, 4), c([2, 0, 1])], options("TransposeOptions"))
    yield Case("CONCATENATION", [f(2, 3), f(2, 1)], options("ConcatenationOptions", axis=-1))
    for axis in (0, 1, -1):
        yield Case("PACK", [f(2, 3), f(2, 3)], options("PackOptions", valuesCount=2, axis=axis))
        yield Case("UNPACK", [f(2, 2)], options("UnpackOptions", num=2, axis=axis), ("float32", "float32"))
    yield Case("SPLIT", [c(1), f(2, 6)], options("SplitOptions", numSplits=3), ("float32",) * 3)
    yield Case("SPLIT_V", [f(2, 6), c([1, -1, 2]), c(1)], options("SplitVOptions", numSplits=3), ("float32",) * 3)
    yield Case("TILE", [f(2, 3), c([2, 3])], options("TileOptions"))
    yield Case("BROADCAST_TO", [f(3, 1), c([2, 3, 4])])
    yield Case("BROADCAST_ARGS", [c([3, 1]), c([2, 1, 4])], outputs=("int32",))
    yield Case("FILL", [c([2, 3]), f()], options("FillOptions"))
    yield Case("RANGE", [numpy.float32(1), numpy.float32(4), numpy.float32(0.75)], options("RangeOptions"))
    yield Case("SHAPE", [f(2, 3, 4)], options("ShapeOptions", outType=2), ("int32",))
    yield Case("RANK", [f(2, 3, 4)], options("RankOptions"), ("int32",))
    pads = [[0, 0], [1, 2], [2, 0], [0, 1]]
    yield Case("PAD", [f(1, 3, 4, 2), c(pads)], options("PadOptions"))
    yield Case("PADV2", [f(1, 3, 4, 2), c(pads), Const(numpy.float32(3.5))], options("PadV2Options"))
    for mode in (0, 1):
        yield Case("MIRROR_PAD", [f(1, 3, 4, 2), c(pads)], options("MirrorPadOptions", mode=mode))
    yield Case("DEPTH_TO_SPACE", [f(1, 2, 3, 8)], options("DepthToSpaceOptions", blockSize=2))
    yield Case("SPACE_TO_DEPTH", [f(1, 4, 6, 2)], options("SpaceToDepthOptions", blockSize=2))
    yield Case("SPACE_TO_BATCH_ND", [f(2, 4, 5, 3), c([2, 3]), c([[1, 1], [0, 1]])], options("SpaceToBatchNDOptions"))
    yield Case("BATCH_TO_SPACE_ND", [f(12, 3, 2, 3), c([2, 3]), c([[1, 1], [0, 1]])], options("BatchToSpaceNDOptions"))
    yield Case("REVERSE_SEQUENCE", [f(3, 5, 2), c([2, 5, 1])], options("ReverseSequenceOptions", seqDim=1, batchDim=0))


def slices(f, c):
    yield Case("SLICE", [f(4, 5, 6), c([1, 0, 2]), c([2, -1, 3])], options("SliceOptions"))
    yield Case("SLICE", [f(4, 5), numpy.array([1, 2], numpy.int32), c([2, 2])], options("SliceOptions"), name="computed begin")
    for begin, end, strides, masks in (
            ([1, 0, 2], [3, 5, 6], [1, 2, 3], {}),
            ([0, 0, 0], [3, -1, 6], [1, 1, 2], dict(beginMask=2, endMask=5)),
            ([-1, 4, 0], [0, 0, 6], [1, -2, 1], dict(shrinkAxisMask=1)),
            ([3, 4, 5], [0, 0, 0], [-1, -1, -1], dict(endMask=7)),
            ([1], [2], [1], dict(shrinkAxisMask=1)),
            ([0, 1], [0, 3], [1, 1], dict(ellipsisMask=1)),
            ([1, 0, 0], [3, 0, 0], [1, 1, 1], dict(ellipsisMask=2, shrinkAxisMask=4)),
            ([0, 1, 0], [0, 3, 2], [1, 1, 1], dict(newAxisMask=1))):
        yield Case("STRIDED_SLICE", [f(4, 5, 6), c(begin), c(end), c(strides)], options("StridedSliceOptions", **masks),
                   name=str(masks))
        if not masks.get("newAxisMask") and not masks.get("ellipsisMask"):
            yield Case("STRIDED_SLICE", [f(4, 5, 6), numpy.array(begin, numpy.int32), numpy.array(end, numpy.int32), c(strides)],
                       options("StridedSliceOptions", **masks), name=f"computed {masks}")
    yield Case("REVERSE_V2", [f(3, 4), c([1])], options("ReverseV2Options"))
    yield Case("DYNAMIC_UPDATE_SLICE", [f(4, 5), f(2, 3), c([1, 4])])
    yield Case("DYNAMIC_UPDATE_SLICE", [f(4, 5, 3), f(2, 3, 3), c([1, 1, 0])])


def indices(f, ints, c):
    yield Case("GATHER", [f(4, 5), c([[1, 3], [0, 1]])], options("GatherOptions", axis=1))
    yield Case("GATHER", [f(2, 4, 5), c([[1, 3], [0, 1]])], options("GatherOptions", axis=1, batchDims=1))
    yield Case("GATHER", [f(2, 3, 5), c([[1, 3], [0, 1]])], options("GatherOptions", axis=2, batchDims=1))
    yield Case("GATHER_ND", [f(4, 5, 2), c([[1, 3], [0, 1]])], options("GatherNdOptions"))
    yield Case("SCATTER_ND", [c([[1], [3], [1]]), f(3, 2), c([5, 2])], options("ScatterNdOptions"))
    yield Case("SPARSE_TO_DENSE", [c([[0, 1], [2, 0]]), c([3, 4]), f(2), Const(numpy.float32(0.5))], options("SparseToDenseOptions"))
    yield Case("TOPK_V2", [f(3, 7), c(3)], options("TopKV2Options"), ("float32", "int32"))
    yield Case("WHERE", [ints(3, 4, low=0, high=2).astype(bool)], options("WhereOptions"), ("int64",))
    for axis in (-1, 0, 1):
        yield Case("ONE_HOT", [ints(2, 3, low=-1, high=5), c(4), Const(numpy.float32(2)), Const(numpy.float32(-1))],
                   options("OneHotOptions", axis=axis))
    yield Case("UNIQUE", [ints(12, low=0, high=4)], options("UniqueOptions", idxOutType=2), ("int32", "int32"))
    yield Case("MATRIX_DIAG", [f(2, 3)], options("MatrixDiagOptions"))
    yield Case("MATRIX_SET_DIAG", [f(2, 3, 3), f(2, 3)], options("MatrixSetDiagOptions"))
    yield Case("SEGMENT_SUM", [f(5, 2), c([0, 0, 1, 2, 2])], options("SegmentSumOptions"))
    for op in ("MAX", "MIN", "PROD", "SUM"):
        yield Case(f"UNSORTED_SEGMENT_{op}", [f(5, 2), c([2, 0, 1, 0, 2]), c(4)])


def recurrent(f):
    n, t, i, h, o = 2, 3, 4, 5, 3

    def lstm(form, time_major=False, cell_clip=0.0, proj_clip=0.0, activation=TANH):
        out = o if "projection" in form else h
        gates = ["input", "forget", "cell", "output"]
        cifg = "cifg" in form
        w = [None if cifg and g == "input" else Const(f(h, i)) for g in gates]
        r = [None if cifg and g == "input" else Const(f(h, out)) for g in gates]
        p = [Const(f(h)) if "peephole" in form and not (cifg and k == 0) else None for k in range(3)]
        b = [None if cifg and g == "input" else Const(f(h)) for g in gates]
        projection = [Const(f(o, h)), Const(f(o))] if "projection" in form else [None, None]
        norm = [Const(f(h)) if "norm" in form and not (cifg and g == "input") else None for g in gates]
        inputs = w + r + p + b + projection + [Var([n, out]), Var([n, h])] + norm
        return inputs, dict(fusedActivationFunction=activation, cellClip=cell_clip, projClip=proj_clip), time_major

    for form in ("", "cifg", "peephole", "cifg peephole", "projection", "norm", "norm projection", "cifg norm projection peephole"):
        for time_major in (False, True):
            inputs, fields, _ = lstm(form, cell_clip=1.5 if "norm" in form else 0.0, proj_clip=0.8 if "norm" in form else 0.0)
            x = f(t, n, i) if time_major else f(n, t, i)
            yield Case("UNIDIRECTIONAL_SEQUENCE_LSTM", [x] + inputs,
                       options("UnidirectionalSequenceLSTMOptions", timeMajor=time_major, **fields), name=f"{form} {time_major}")
        inputs, fields, _ = lstm(form)
        yield Case("LSTM", [f(n, i)] + inputs, options("LSTMOptions", **fields), name=form)
    for merge in (False, True):
        forward, fields, _ = lstm("")
        backward, _, _ = lstm("")
        inputs = [f(n, t, i)] + forward[:17] + backward[:17] + [Var([n, h]), Var([n, h]), Var([n, h]), Var([n, h])] + [None] * 9
        yield Case("BIDIRECTIONAL_SEQUENCE_LSTM", inputs,
                   options("BidirectionalSequenceLSTMOptions", mergeOutputs=merge, timeMajor=False, **fields),
                   ("float32",) if merge else ("float32", "float32"))
    for activation in (RELU, TANH):
        weights = [Const(f(h, i)), Const(f(h, h, low=-0.5, high=0.5)), Const(f(h))]
        yield Case("RNN", [f(n, i)] + weights + [Var([n, h])], options("RNNOptions", fusedActivationFunction=activation))
        for time_major in (False, True):
            yield Case("UNIDIRECTIONAL_SEQUENCE_RNN", [f(t, n, i) if time_major else f(n, t, i)] + weights + [Var([n, h])],
                       options("SequenceRNNOptions", fusedActivationFunction=activation, timeMajor=time_major))
    for merge in (False, True):
        inputs = [f(n, t, i)]
        for _ in range(2):
            inputs += [Const(f(h, i)), Const(f(h, h, low=-0.5, high=0.5)), Const(f(h)), Var([n, h])]
        yield Case("BIDIRECTIONAL_SEQUENCE_RNN", inputs + [None, None, None],
                   options("BidirectionalSequenceRNNOptions", fusedActivationFunction=TANH, mergeOutputs=merge),
                   ("float32",) if merge else ("float32", "float32"))
    for rank in (1, 2):
        yield Case("SVDF", [f(n, i), Const(f(4 * rank, i)), Const(f(4 * rank, 7)), Const(f(4)), Var([n, 28 * rank])],
                   options("SVDFOptions", rank=rank, fusedActivationFunction=RELU), name=str(rank))


def hybrid(f, ints):
    def weights(shape, channels, axis):
        scales = f(channels, low=0.01, high=0.02)
        return Const(ints(*shape, low=-127, high=128, dtype=numpy.int8), scales, axis)

    for channels in (1, 5):
        yield Case("CONV_2D", [f(2, 7, 8, 3), weights((5, 3, 4, 3), channels, 0), Const(f(5))],
                   options("Conv2DOptions", padding=SAME, strideH=1, strideW=1, fusedActivationFunction=RELU),
                   name=f"hybrid {channels}")
    yield Case("DEPTHWISE_CONV_2D", [f(2, 7, 8, 3), weights((1, 3, 3, 6), 6, 3), Const(f(6))],
               options("DepthwiseConv2DOptions", padding=SAME, strideH=1, strideW=1, depthMultiplier=2), name="hybrid")
    for asymmetric in (False, True):
        for channels in (1, 5):
            yield Case("FULLY_CONNECTED", [f(3, 6), weights((5, 6), channels, 0), Const(f(5))],
                       options("FullyConnectedOptions", asymmetricQuantizeInputs=asymmetric),
                       name=f"hybrid {asymmetric} {channels}")


def detections(f):
    anchors, classes = 40, 3
    place = numpy.concatenate([f(anchors, 2, low=0, high=1), f(anchors, 2, low=0.1, high=0.4)], 1)
    for regular in (False, True):
        for background in (0, 1):
            for per_detection in (1, 2):
                yield Case("TFLite_Detection_PostProcess",
                           [f(1, anchors, 4), f(1, anchors, classes + background, low=0, high=1), Const(place)],
                           outputs=("float32",) * 4,
                           custom={"max_detections": 10, "max_classes_per_detection": 1 if regular else per_detection,
                                   "detections_per_class": 20, "use_regular_nms": regular, "num_classes": classes,
                                   "nms_score_threshold": 0.4, "nms_iou_threshold": 0.5, "y_scale": 10.0, "x_scale": 10.0,
                                   "h_scale": 5.0, "w_scale": 5.0}, name=f"{regular} {background} {per_detection}")
