"""What the programs that judge written files share: comparing results, converting models, counting."""

import json
import pathlib
import re
import subprocess
import tempfile

import numpy

MODELS = [f"{place}/{pattern}" for place in ("*", "*/*") for pattern in ("*.onnx", "*.tflite", "*.pb", "*.h5", "*.hdf5", "*.keras")]
WAY = re.compile(r"--(?:shape|from|states) \S+")


def differs(got, wanted, least_db=90):
    """Why two results are not the same, or an empty string."""
    got, wanted = numpy.asarray(got), numpy.asarray(wanted)
    if got.dtype != wanted.dtype or got.shape != wanted.shape:
        return f"{got.dtype} {got.shape}, expected {wanted.dtype} {wanted.shape}"
    if not numpy.issubdtype(got.dtype, numpy.floating) and least_db >= 90:
        return "" if numpy.array_equal(got, wanted) else "other integers"
    got, wanted = got.astype(numpy.float64), wanted.astype(numpy.float64)
    if got.size == 0 or numpy.array_equal(got, wanted, equal_nan=True):
        return ""
    finite = numpy.isfinite(wanted)
    if not numpy.array_equal(finite, numpy.isfinite(got)):
        return "infinite or NaN elsewhere"
    got, wanted = got[finite], wanted[finite]
    error = numpy.mean((got - wanted) ** 2)
    if error == 0:
        return ""
    size = max(numpy.ptp(wanted), numpy.max(numpy.abs(wanted)), 1e-30)
    psnr = 20 * numpy.log10(size) - 10 * numpy.log10(error)
    return "" if psnr >= least_db else f"PSNR {psnr:.1f} dB"


def run_program(program, *words):
    done = subprocess.run([str(word) for word in (program, *words)], capture_output=True, text=True, timeout=900)
    return done.returncode, done.stderr.strip()


def convert(program, model, written):
    """Converts, if need be by the nearest way that the error names. Gives the words of that way."""
    status, text = run_program(program, "convert", model, written, "--samples", 1)
    if status == 0:
        return []
    way = WAY.search(text)
    if not way:
        raise RuntimeError(text.split("\n")[0])
    words = way.group().split()
    status, text = run_program(program, "convert", model, written, "--samples", 1, *words)
    if status != 0:
        raise RuntimeError(text.split("\n")[0])
    return words


def ours(program, path, feeds, folder):
    """What our program makes of the inputs."""
    words = ["run", path, "--output", f"{folder}/out"]
    for i, (name, value) in enumerate(feeds.items()):
        numpy.save(f"{folder}/in{i}.npy", value)
        words += ["--input", f"{name}={folder}/in{i}.npy"]
    status, text = run_program(program, *words)
    if status != 0:
        raise RuntimeError(text.split("\n")[0])
    index = json.loads(pathlib.Path(folder, "out", "index.json").read_text())
    return {entry["name"]: numpy.load(f"{folder}/out/{entry['file']}") for entry in index}


def random_values(shape, dtype, largest=1):
    """Bytes of every value, 0 and 1 of other integers, floats from 0 to `largest`."""
    generator = numpy.random.default_rng(1)
    if numpy.issubdtype(dtype, numpy.integer):
        limits = numpy.iinfo(dtype)
        return generator.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True) if limits.bits == 8 else generator.integers(0, 2, shape).astype(dtype)
    return (generator.random(shape) * largest).astype(dtype)


def largest_input(model):
    """What a network's float inputs reach: 255 where it takes the numbers of pixels, which its first layers centre by constants. Fed with
    0 to 1 these see a picture of one colour, whose normalisation divides float32's rounding errors by next to nothing: candy's and mosaic's
    results then agree to 86 and 80 dB between two engines, and to 117 and 115 dB on pixels."""
    return 255 if model.stem in ("candy", "mosaic") else 1


def models_of(folder):
    out = set()
    for pattern in MODELS:
        for path in pathlib.Path(folder).glob(pattern):
            out.add(path.parent if path.name == "saved_model.pb" else path)
    return sorted(out)


def judge_files(judge, paths, lacks):
    """judge(path) gives what is wrong, an empty string, or None: skipped, as is an error that contains one of `lacks`. Prints what does not pass,
    then the sums."""
    passed = failed = skipped = 0
    for path in paths:
        try:
            text = judge(path)
        except Exception as error:
            text = " ".join(str(error).split()) or repr(error)
            if any(words in text for words in lacks):
                print(f"skipped {path.name}: {text[:300]}")
                text = None
        if text:
            print(f"FAILED {path.name}: {text[:300]}")
        passed, failed, skipped = passed + (text == ""), failed + bool(text), skipped + (text is None)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return failed != 0


def judge_models(judge, extension, program, folder, word=""):
    """judge(program, model, written, way, scratch) gives what is wrong, or an empty string. Prints a line a model, then the sums."""
    passed = failed = 0
    for model in models_of(folder):
        if word not in model.name:
            continue
        with tempfile.TemporaryDirectory() as scratch:
            written = pathlib.Path(scratch, "written" + extension)
            try:
                way = convert(program, model, written)
                text = judge(program, model, written, way, scratch)
            except Exception as error:
                text = " ".join(str(error).split())[:300] or repr(error)
        passed, failed = passed + (not text), failed + bool(text)
        print(f"{'FAILED ' if text else 'ok     '}{model.name}{': ' if text else ''}{text}", flush=True)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return failed != 0
