"""Runs a TFLite file in LiteRT (XNNPACK) and prints one line of JSON. bench/rivals calls it."""

import ai_edge_litert
import numpy
from ai_edge_litert import interpreter

import common


def main():
    args = common.arguments()
    numpy.random.default_rng(1)  # its module loads at the first use

    def load():
        runner = interpreter.Interpreter(args.model, num_threads=args.threads)
        details = runner.get_input_details()
        common.refuse_unknown(args.shape, [value["name"] for value in details])
        for value in details:
            if value["name"] in args.shape:
                runner.resize_tensor_input(value["index"], args.shape[value["name"]])
        runner.allocate_tensors()
        for value in runner.get_input_details():
            runner.set_tensor(value["index"], common.random_input(numpy, list(value["shape"]), value["dtype"]))
        return runner

    def run(runner):
        runner.invoke()

    common.measure("litert", ai_edge_litert.__version__, args, load, run)


main()
