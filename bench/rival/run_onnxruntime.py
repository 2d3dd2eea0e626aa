"""Runs an ONNX file in ONNX Runtime and prints one line of JSON. bench/rivals calls it."""

import numpy
import onnxruntime

import common

TYPES = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(double)": "float64", "tensor(uint8)": "uint8",
         "tensor(int8)": "int8", "tensor(int32)": "int32", "tensor(int64)": "int64", "tensor(bool)": "bool"}


def main():
    args = common.arguments()
    numpy.random.default_rng(1)  # its module loads at the first use

    def load():
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = args.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(args.model, options, providers=["CPUExecutionProvider"])
        common.refuse_unknown(args.shape, [value.name for value in session.get_inputs()])
        inputs = {}
        for value in session.get_inputs():
            shape = args.shape.get(value.name) or [size if isinstance(size, int) else 1 for size in value.shape]
            inputs[value.name] = common.random_input(numpy, shape, TYPES[value.type])
        return session, inputs

    common.measure("onnxruntime", onnxruntime.__version__, args, load, lambda state: state[0].run(None, state[1]))


main()
