#!/usr/bin/env python3
"""Records what TFLite's reference kernels compute in integer LSTM and SVDF, for src/formats/tflite/integer_recurrent_test.cc.

Run by hand, in a virtual environment with ai-edge-litert, flatbuffers and numpy:

    python tools/record_integer_recurrence.py [--output tests/references/integer_recurrence.txt] [--only WORD] [--seed N]

Each case is a file of one operator with seeded random sizes, scales and values. OpResolverType.BUILTIN_REF runs it three
times in a row without a reset, so that the states matter:

    case NAME BASE64-OF-THE-FILE
    run BASE64-OF-THE-INPUT BASE64-OF-THE-OUTPUT     (int8, three times)
"""

import argparse
import base64
import pathlib

import numpy
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from record_quantization import Value, build, schema

GATES = ("input", "forget", "cell", "output")


def weights(random, shape, dtype="int8", spread=127, scale=None):
    scale = float(random.uniform(0.004, 0.02)) if scale is None else scale
    return Value(dtype, shape, scale, 0, data=random.integers(-spread, spread + 1, shape), constant=True)


def lstm(random, batch=2, steps=3, inputs=5, cells=7, outputs=None, cifg=False, peephole=False, norm=False, bias=True,
         cell_clip=0.0, projection_clip=0.0, time_major=False, cell_power=-11,
         hidden=None, opcode="UNIDIRECTIONAL_SEQUENCE_LSTM"):
    projects = outputs is not None
    outputs = cells if outputs is None else outputs
    used = [gate for gate in range(4) if gate > 0 or not cifg]
    sequence = opcode != "LSTM"
    shape = ((steps, batch) if time_major else (batch, steps)) if sequence else (batch,)
    x_scale, y_scale, y_zero = float(random.uniform(0.01, 0.04)), float(random.uniform(0.005, 0.01)), int(random.integers(-30, 31))
    x = Value("int8", (*shape, inputs), x_scale, int(random.integers(-40, 41)), data=numpy.zeros((*shape, inputs)))
    y = Value("int8", (*shape, outputs), y_scale, y_zero)
    tensors = [x] + [None] * 23
    for gate in used:
        tensors[1 + gate] = weights(random, (cells, inputs))
        tensors[5 + gate] = weights(random, (cells, outputs))
        if norm:
            tensors[20 + gate] = weights(random, (cells,), "int16", 32767, float(random.uniform(2, 5)) / 2 ** 15)
        if bias or gate == 1 or norm:
            most = 200000 if norm else 3000
            scale = tensors[20 + gate].scale[0] / 1024 if norm else x_scale * tensors[1 + gate].scale[0]
            tensors[12 + gate] = Value("int32", (cells,), scale, 0, data=random.integers(-most, most + 1, cells), constant=True)
        else:
            tensors[12 + gate] = Value("int32", (cells,), 1.0, 0, data=numpy.zeros(cells), constant=True)
        if peephole and gate != 2:
            tensors[9 + min(gate, 2)] = weights(random, (cells,), "int16", 32767, float(random.uniform(1, 3)) / 2 ** 15)
    if projects:
        tensors[16] = weights(random, (outputs, cells))
        if bias:
            tensors[17] = Value("int32", (outputs,), 0.0001, 0, data=random.integers(-4000, 4001, outputs), constant=True)
    tensors[18] = Value("int8", (batch, outputs), y_scale, y_zero, variable=True)
    tensors[19] = Value("int16", (batch, cells), 2.0 ** cell_power, 0, variable=True)
    between = [Value("int16", (), float(random.uniform(0.5, 2)) * 2 ** -12, 0) for _ in GATES]
    between.append(Value("int8", (), float(random.uniform(0.006, 0.009)), int(random.integers(-20, 21))) if projects
                   else Value("int8", (), y_scale, y_zero))
    if hidden is not None:
        between[4] = Value("int8", (), *hidden)
    options = (schema.UnidirectionalSequenceLSTMOptionsT if sequence else schema.LSTMOptionsT)()
    options.fusedActivationFunction = 4
    options.cellClip, options.projClip = cell_clip, projection_clip
    if sequence:
        options.timeMajor = time_major
    return build(getattr(schema.BuiltinOperator, opcode), options, tensors, [y], between), x.shape


def svdf(random, batch=2, inputs=6, units=3, rank=1, memory=5, bias=True, y_zero=-128):
    filters = units * rank
    x = Value("int8", (batch, inputs), float(random.uniform(0.01, 0.04)), int(random.integers(-40, 41)), data=numpy.zeros((batch, inputs)))
    features = weights(random, (filters, inputs))
    time = weights(random, (filters, memory), "int16", 32767, float(random.uniform(0.5, 2)) / 2 ** 15)
    state = Value("int16", (batch, filters * memory), float(random.uniform(0.5, 2)) * 2 ** -12, 0, variable=True)
    b = Value("int32", (units,), 1e-6, 0, data=random.integers(-2 ** 20, 2 ** 20, units), constant=True) if bias else None
    y = Value("int8", (batch, units), float(random.uniform(0.03, 0.1)), y_zero)
    options = schema.SVDFOptionsT()
    options.rank, options.fusedActivationFunction = rank, 1  # RELU, which is not computed
    return build(schema.BuiltinOperator.SVDF, options, [x, features, time, b, state], [y]), x.shape


CASES = {
    "lstm_plain": (lstm, {}),
    "lstm_time_major": (lstm, {"time_major": True, "batch": 3, "steps": 4}),
    "lstm_wide": (lstm, {"batch": 1, "steps": 2, "inputs": 33, "cells": 20}),
    "lstm_cifg": (lstm, {"cifg": True}),
    "lstm_peephole": (lstm, {"peephole": True}),
    "lstm_peephole_cifg": (lstm, {"peephole": True, "cifg": True, "cell_power": -15}),
    "lstm_projection": (lstm, {"outputs": 4}),
    "lstm_projection_without_bias": (lstm, {"outputs": 9, "bias": False}),
    "lstm_norm": (lstm, {"norm": True}),
    "lstm_norm_cifg_projection": (lstm, {"norm": True, "cifg": True, "outputs": 4}),
    "lstm_everything": (lstm, {"norm": True, "peephole": True, "outputs": 4, "cell_clip": 3.0, "projection_clip": 0.5}),
    "lstm_peephole_projection": (lstm, {"peephole": True, "outputs": 4, "batch": 3}),
    "lstm_peephole_projection_time_major": (lstm, {"peephole": True, "outputs": 4, "batch": 3, "time_major": True}),
    "lstm_hidden": (lstm, {"hidden": (0.011, 5)}),
    "lstm_clips": (lstm, {"cell_clip": 0.5, "cell_power": -9}),
    "lstm_projection_clip": (lstm, {"outputs": 3, "projection_clip": 0.3}),
    "lstm_step": (lstm, {"opcode": "LSTM"}),
    "lstm_step_norm": (lstm, {"opcode": "LSTM", "norm": True, "outputs": 5}),
    "svdf_plain": (svdf, {}),
    "svdf_rank": (svdf, {"rank": 2, "units": 4, "memory": 3}),
    "svdf_without_bias": (svdf, {"bias": False, "batch": 1, "inputs": 33, "memory": 10}),
    "svdf_zero_point": (svdf, {"y_zero": -5}),
}


def text(array):
    return base64.b64encode(numpy.ascontiguousarray(array).tobytes()).decode()


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=pathlib.Path, default=root / "tests" / "references" / "integer_recurrence.txt")
    parser.add_argument("--only", default="")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    lines = [f"# Recorded by tools/record_integer_recurrence.py --seed {arguments.seed}"]
    for index, (name, (make, fields)) in enumerate(CASES.items()):
        if arguments.only not in name:
            continue
        random = numpy.random.default_rng([arguments.seed, index])
        content, shape = make(random, **fields)
        interpreter = Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
        try:
            interpreter.allocate_tensors()
        except RuntimeError as error:
            print(f"{name} is refused: {error}")
            continue
        lines.append(f"case {name} {text(numpy.frombuffer(content, numpy.uint8))}")
        for _ in range(3):
            x = random.integers(-128, 128, shape).astype(numpy.int8)
            interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
            interpreter.invoke()
            y = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
            lines.append(f"run {text(x)} {text(y)}")
    arguments.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
