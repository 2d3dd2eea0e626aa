"""Runs an ONNX file in OpenVINO and prints one line of JSON. bench/rivals calls it."""

import numpy
import openvino

import common


def main():
    args = common.arguments()
    numpy.random.default_rng(1)  # its module loads at the first use

    def load():
        core = openvino.Core()
        model = core.read_model(args.model)
        common.refuse_unknown(args.shape, [name for value in model.inputs for name in value.get_names()])
        shapes = {}
        for value in model.inputs:
            named = [args.shape[name] for name in value.get_names() if name in args.shape]
            if named:
                shapes[value] = named[0]
            elif value.partial_shape.is_dynamic:
                shapes[value] = [1 if size.is_dynamic else size.get_length() for size in value.partial_shape]
        if shapes:
            model.reshape(shapes)
        settings = {"INFERENCE_NUM_THREADS": args.threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
        if args.precision != "default":
            settings["INFERENCE_PRECISION_HINT"] = args.precision
        compiled = core.compile_model(model, "CPU", settings)
        request = compiled.create_infer_request()
        inputs = {value: common.random_input(numpy, list(value.shape), value.element_type.to_dtype()) for value in compiled.inputs}
        return request, inputs

    version = openvino.get_version().split("-")[0]
    common.measure("openvino", version, args, load, lambda state: state[0].infer(state[1], share_inputs=True, share_outputs=True))


main()
