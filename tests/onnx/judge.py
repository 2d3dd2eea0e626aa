#!/usr/bin/env python3
"""Judges ONNX files that Pochade wrote, with packages that know nothing of it: onnx's checker and shape inference, and
ONNX Runtime.

    judge.py nodes DIR     files of `onnx_conformance --round-trip --keep DIR`, against ONNX's own node tests: what
                           ONNX Runtime computes of the original model it must compute of ours
    judge.py cases DIR     NAME.onnx and NAME/{input,output}_N.npy of `export_cases DIR`: PSNR of at least 90 dB
    judge.py models PROGRAM DIR [WORD]
                           every model in DIR (whose name contains WORD) as `PROGRAM convert` writes it, by the nearest way where
                           that is needed: what ONNX Runtime makes of it is what our program makes, to 90 dB; where integers go through float, every
                           layer by itself, to the last integer but for ties

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
from judging import differs, judge_files, judge_models, largest_input, ours, random_values  # noqa: E402

NODE_TESTS = pathlib.Path("/usr/share/libonnx-testdata/data/node")
LACKS = ("NOT_IMPLEMENTED", "Could not find an implementation", "is not a registered function", "Unrecognized attribute",
         "under development", "Unsupported model IR", "Integer division by zero", "Integer modulo by zero", "size_ % 2 == 1",
         "upsamplebase.h", "upsample.cc", "inconsistent with input spatial", "Unsupported type", "bfloat16")
# Where ONNX Runtime's interpolation is another than that of the standard's reference, or of coordinates that opset 13 took back, which its
# kernels read differently with and without optimisations. And numbers that are none, or so small that their scale is 0, which become the
# zero point here and 0 there.
DISPUTED = ("DynamicQuantizeLinear.no_number", "DynamicQuantizeLinear.tiny",
            "mode=linear coordinates=tf_half_pixel_for_nn", "mode=cubic coordinates=tf_half_pixel_for_nn", "mode=nearest coordinates=half_pixel_symmetric")

TIE = 2e-3  # how near to the middle between two integers float32's sums cannot tell the side


def session(path, plain=False):
    """`plain`: each operator as the file has it."""
    options = onnxruntime.SessionOptions()
    if plain:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path if isinstance(path, bytes) else str(path), options, providers=["CPUExecutionProvider"])


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
    model = onnx.load(path)
    feeds = {given.name: numpy.load(folder / f"{given.name}.npy") for given in model.graph.input}
    infos = {info.name: info for info in onnx.shape_inference.infer_shapes(model).graph.value_info}
    constants = {constant.name: onnx.numpy_helper.to_array(constant) for constant in model.graph.initializer}
    names = [output.name for output in model.graph.output]
    # What becomes an output's integers: real numbers that may be ties.
    layers = {node.output[0]: node for node in model.graph.node if node.op_type == "QuantizeLinear" and node.output[0] in names
              and node.input[0] in infos}
    if layers:
        model.graph.output.extend(infos[name] for name in {node.input[0] for node in layers.values()})
    got = results_of(model.SerializeToString() if layers else str(path), feeds)
    for name in names:
        wanted = numpy.load(folder / f"{name}.npy")
        if name in layers:
            real, scale = layers[name].input[:2]
            text = differs_beside_ties(wanted, got[name], got[real] / constants[scale])
        else:
            text = differs(got[name], wanted, 50 if wanted.dtype == numpy.float16 else 90)
        if text:
            return f"output {name}: {text}"
    return ""


def feeds_of(runner, largest):
    feeds = {}
    for given in runner.get_inputs():
        shape = [size if isinstance(size, int) else 1 if axis == 0 else 64 for axis, size in enumerate(given.shape)]
        dtype = {"float": "float32", "double": "float64"}.get(given.type[7:-1], given.type[7:-1])
        feeds[given.name] = random_values(shape, numpy.dtype(dtype), largest)
    return feeds


def results_of(model, feeds):
    runner = session(model, plain=True)
    return dict(zip([output.name for output in runner.get_outputs()], runner.run(None, feeds)))


def judge_quantized(program, written, feeds, scratch):
    """Every quantized layer by itself: what QuantizeLinear gave goes out, and into what follows as an input. In a whole network a tie
    that one engine rounds up and the other down becomes many steps in the last layers (ONNX Runtime's own two ways of computing
    movenet, on integers and in float, agree to 22 dB), which hides what else may be wrong."""
    model = onnx.shape_inference.infer_shapes(onnx.load(written))
    infos = {info.name: info for info in model.graph.value_info}
    constants = {constant.name: onnx.numpy_helper.to_array(constant) for constant in model.graph.initializer}
    ends = {output.name for output in model.graph.output}
    layers = {node.output[0]: node for node in model.graph.node if node.op_type == "QuantizeLinear"}
    layers = {name: node for name, node in layers.items() if name in infos and name not in ends}
    model.graph.output.extend(infos[name] for name in layers)
    between = results_of(model.SerializeToString(), feeds)

    given = {name: f"{name}/given" for name in layers}
    for node in model.graph.node:
        node.input[:] = [given.get(name, name) for name in node.input]
    for name in layers:
        value = between[name]
        model.graph.input.append(onnx.helper.make_tensor_value_info(given[name], infos[name].type.tensor_type.elem_type, value.shape))
        feeds[given[name]] = value
    apart = pathlib.Path(scratch, "layers.onnx")
    onnx.save(model, apart)
    got = ours(program, apart, feeds, scratch)
    real = {name: node.input[0] for name, node in layers.items() if node.input[0] in infos}
    model.graph.output.extend(infos[name] for name in set(real.values()))
    wanted = results_of(model.SerializeToString(), feeds)
    for name, value in got.items():
        if name in real:
            text = differs_beside_ties(value, wanted[name], wanted[real[name]] / constants[layers[name].input[1]])
        else:
            text = differs(value, wanted[name])
        if text:
            return f"layer {name}: {text}"
    return ""


def differs_beside_ties(got, wanted, steps):
    """ONNX Runtime sums real numbers here and we sum integers: where the result lies in the middle between two, either is right."""
    if got.dtype != wanted.dtype or got.shape != wanted.shape:
        return f"{got.dtype} {got.shape}, expected {wanted.dtype} {wanted.shape}"
    apart = numpy.abs(got.astype(numpy.int64) - wanted.astype(numpy.int64))
    with numpy.errstate(invalid="ignore"):
        is_tie = numpy.abs(steps - numpy.floor(steps) - 0.5) < TIE
    wrong = (apart > 1) | (apart == 1) & ~is_tie
    if numpy.any(wrong):
        return f"{numpy.count_nonzero(wrong)} of {apart.size} apart, by up to {numpy.max(apart[wrong])} steps"
    return ""


def judge_model(program, model, written, _way, scratch):
    check(written)
    runner = session(written)
    feeds = feeds_of(runner, largest_input(model))
    if any(node.op_type == "QuantizeLinear" for node in onnx.load(written).graph.node):
        return judge_quantized(program, written, feeds, scratch)
    got = dict(zip([output.name for output in runner.get_outputs()], runner.run(None, feeds)))
    wanted = ours(program, written, feeds, scratch)
    for name, value in wanted.items():
        if text := differs(got[name], value, 50 if value.dtype == numpy.float16 else 90):
            return f"output {name}: {text}"
    return ""


def main():
    if len(sys.argv) in (4, 5) and sys.argv[1] == "models":
        return judge_models(judge_model, ".onnx", *sys.argv[2:])
    if len(sys.argv) != 3 or sys.argv[1] not in ("nodes", "cases"):
        sys.exit(__doc__)
    judge = judge_node if sys.argv[1] == "nodes" else judge_case
    return judge_files(lambda path: check(path) or judge(path), sorted(pathlib.Path(sys.argv[2]).glob("*.onnx")), LACKS)


if __name__ == "__main__":
    sys.exit(main())
