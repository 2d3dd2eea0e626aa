#!/usr/bin/env python3
"""Records what TensorFlow computes on the models of ../shared/data, for tests/models/tensorflow_test.cc.

Run by hand, in a virtual environment with tensorflow-cpu and numpy:

    python tools/record_tensorflow_references.py [--data ../shared/data] [--output tests/references]

Inputs are not stored: element i is (i * 7919 mod 1009) / 1009, times the range that the network takes.
"""

import argparse
import pathlib

import numpy
import tensorflow as tf

v1 = tf.compat.v1


def pattern(shape, scale):
    i = numpy.arange(numpy.prod(shape), dtype=numpy.int64)
    return ((i * 7919 % 1009).astype(numpy.float32) / numpy.float32(1009) * numpy.float32(scale)).reshape(shape)


def frozen(path, feeds, output):
    graph_def = v1.GraphDef()
    graph_def.ParseFromString(path.read_bytes())
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
        with v1.Session(graph=graph) as session:
            return session.run(output, feeds)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path("../shared/data"))
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("tests/references"))
    arguments = parser.parse_args()
    models = arguments.data / "models"

    def save(name, values):
        numpy.save(arguments.output / f"{name}.npy", values)

    for name in ["FSRCNN_x2", "FSRCNN-small_x2"]:
        feeds = {"IteratorGetNext:0": pattern((1, 12, 16, 1), 1)}
        save(f"tensorflow_{name}", frozen(models / "paint" / f"{name}.pb", feeds, "NCHW_output:0"))
    feeds = {"input_1:0": pattern((1, 16, 24, 3), 255)}
    starry = models / "paint" / "starry_night_640x480_025_optimized.pb"
    save("tensorflow_starry_night", frozen(starry, feeds, "deprocess_stylized_image_1/mul:0"))
    for word in ["yes", "no"]:
        feeds = {"wav_data:0": (models / "audio" / f"{word}_1000ms.wav").read_bytes()}
        keywords = models / "audio" / "arm_kws_pb" / "DS_CNN_S.pb"
        save(f"tensorflow_ds_cnn_{word}", frozen(keywords, feeds, "labels_softmax:0"))
    with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        v1.saved_model.load(session, ["serve"], str(models / "audio" / "mlperf_kws_savedmodel"))
        feeds = {"serving_default_input_1:0": pattern((2, 49, 10, 1), 4) - 2}
        save("tensorflow_mlperf_kws", session.run("StatefulPartitionedCall:0", feeds))


if __name__ == "__main__":
    main()
