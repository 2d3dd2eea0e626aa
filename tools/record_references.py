#!/usr/bin/env python3
"""Records what ONNX Runtime computes on the models of ../shared/data, for tests/models/reference_test.cc.

Run by hand, in a virtual environment with onnxruntime, numpy and pillow:

    python tools/record_references.py [--data ../shared/data] [--output tests/references]

Pictures are never stored: each network's input is made from a picture by crops, reflections and picks of pixels, which the
test repeats exactly, and of large outputs the values at SAMPLES scattered places are kept, with the mean of each channel.
"""

import argparse
import pathlib

import numpy
import onnxruntime
from PIL import Image

SAMPLES = 4096
STEP = 1_000_003  # a prime: place k is k * STEP modulo the number of elements

STYLE_PICTURES = ["kodim05", "kodim20", "kodim23"]
SQUEEZENET_PICTURES = 20


def pixels(path):
    """H, W, RGB as uint8."""
    return numpy.asarray(Image.open(path).convert("RGB"))


def fit(picture, height, width):
    """The middle of a larger picture; a smaller one continues with its reflection at the bottom and on the right."""
    for axis, size in ((0, height), (1, width)):
        have = picture.shape[axis]
        first = max(0, (have - size) // 2)
        index = first + numpy.arange(size)
        index = numpy.where(index < have, index, 2 * (have - 1) - index)
        picture = numpy.take(picture, index, axis)
    return picture


def nearest(picture, height, width):
    """Without any filter: the pixel under the middle of each new one."""
    rows = (2 * numpy.arange(height) + 1) * picture.shape[0] // (2 * height)
    columns = (2 * numpy.arange(width) + 1) * picture.shape[1] // (2 * width)
    return picture[rows][:, columns]


def channels_first(picture):
    return numpy.ascontiguousarray(picture.transpose(2, 0, 1)[None])


def samples(tensor):
    flat = tensor.reshape(-1)
    return flat[numpy.arange(SAMPLES, dtype=numpy.int64) * STEP % flat.size].astype(numpy.float32)


def channel_means(tensor):
    return tensor.astype(numpy.float64).mean(axis=(0, 2, 3)).astype(numpy.float32)


class Recorder:
    def __init__(self, data, output):
        self.models = data / "models"
        self.images = data / "images"
        self.output = output
        output.mkdir(parents=True, exist_ok=True)

    def save(self, name, array):
        numpy.save(self.output / f"{name}.npy", array)

    def session(self, model):
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(self.models / model, options, providers=["CPUExecutionProvider"])
        return lambda x: session.run(None, {session.get_inputs()[0].name: x})

    def save_picture_result(self, name, picture, result):
        self.save(f"{name}_input_means", picture.astype(numpy.float64).mean(axis=(0, 1)).astype(numpy.float32))
        self.save(f"{name}_samples", samples(result))
        self.save(f"{name}_means", channel_means(result))

    def styles(self):
        for style in ("candy", "mosaic"):
            run = self.session(f"paint/{style}.onnx")
            for name in STYLE_PICTURES:
                picture = fit(pixels(self.images / "kodak" / f"{name}.png"), 720, 720)
                bgr = channels_first(picture[:, :, ::-1]).astype(numpy.float32)
                self.save_picture_result(f"{style}_{name}", picture, run(bgr)[0])
        picture = fit(pixels(self.images / "kodak" / "kodim23.png"), 260, 388)
        rgb = channels_first(picture).astype(numpy.float32) / numpy.float32(255)
        self.save_picture_result("first_style_kodim23", picture, self.session("paint/first_style.onnx")(rgb)[0])

    def squeezenet(self):
        run = self.session("classify/squeezenet_v1.1_fp16.onnx")
        names, means, indexes, probabilities = [], [], [], []
        files = sorted((self.images / "imagenet").glob("*.jpg"))
        for path in files[:: max(1, len(files) // SQUEEZENET_PICTURES)][:SQUEEZENET_PICTURES]:
            picture = fit(pixels(path), 224, 224)  # their shorter side is 256: the middle 7/8
            bgr = picture[:, :, ::-1].astype(numpy.float32) - numpy.array([103.939, 116.779, 123.68], numpy.float32)
            result = run(channels_first(bgr).astype(numpy.float16))[0].reshape(-1).astype(numpy.float32)
            best = numpy.argsort(-result, kind="stable")[:5]
            names.append(path.name)
            means.append(picture.astype(numpy.float64).mean(axis=(0, 1)))
            indexes.append(best)
            probabilities.append(result[best])
        (self.output / "squeezenet_pictures.txt").write_text("".join(name + "\n" for name in names))
        self.save("squeezenet_input_means", numpy.array(means, numpy.float32))
        self.save("squeezenet_indexes", numpy.array(indexes, numpy.int64))
        self.save("squeezenet_probabilities", numpy.array(probabilities, numpy.float32))

    def faces(self):
        picture = nearest(pixels(self.models / "detect" / "17.jpg"), 240, 320)
        rgb = (channels_first(picture).astype(numpy.float32) - numpy.float32(127)) / numpy.float32(128)
        scores, boxes = self.session("detect/version-RFB-320.onnx")(rgb)
        best = numpy.argsort(-scores[0, :, 1], kind="stable")[:64]
        self.save("faces_input_means", picture.astype(numpy.float64).mean(axis=(0, 1)).astype(numpy.float32))
        self.save("faces_priors", best.astype(numpy.int64))
        self.save("faces_scores", scores[0, best, 1])
        self.save("faces_boxes", boxes[0, best])

    def digits(self):
        """Seven segments, as on a pocket calculator, in strokes of 3 pixels."""
        segments = {  # row, column, height, width
            "top": (4, 8, 3, 12), "middle": (12, 8, 3, 12), "bottom": (21, 8, 3, 12), "left_up": (4, 8, 11, 3),
            "right_up": (4, 17, 11, 3), "left_down": (12, 8, 12, 3), "right_down": (12, 17, 12, 3)}
        shown = ["top bottom left_up right_up left_down right_down", "right_up right_down", "top middle bottom right_up left_down",
                 "top middle bottom right_up right_down", "middle left_up right_up right_down", "top middle bottom left_up right_down",
                 "top middle bottom left_up left_down right_down", "top right_up right_down",
                 "top middle bottom left_up right_up left_down right_down", "top middle bottom left_up right_up right_down"]
        digits = numpy.zeros((10, 28, 28), numpy.uint8)
        for digit, names in enumerate(shown):
            for name in names.split():
                row, column, height, width = segments[name]
                digits[digit, row : row + height, column : column + width] = 255
        run = self.session("classify/mnist.onnx")
        results = [run(digit[None, None].astype(numpy.float32))[0][0] for digit in digits]
        self.save("mnist_digits", digits)
        self.save("mnist_results", numpy.array(results, numpy.float32))


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, default=root.parent / "shared" / "data")
    parser.add_argument("--output", type=pathlib.Path, default=root / "tests" / "references")
    args = parser.parse_args()
    recorder = Recorder(args.data, args.output)
    recorder.styles()
    recorder.squeezenet()
    recorder.faces()
    recorder.digits()
    (args.output / "README.md").write_text(
        f"Recorded by tools/record_references.py with ONNX Runtime {onnxruntime.__version__}, NumPy {numpy.__version__}; "
        "read by tests/models/reference_test.cc.\n")


if __name__ == "__main__":
    main()
