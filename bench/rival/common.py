"""What the programs that run a rival share: memory, inputs, timing, and the line that they print."""

import argparse
import json
import statistics
import time


def status_bytes(field):
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    return 0


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--shape", action="append", default=[], metavar="NAME=1x3x720x720")
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--precision", choices=["f32", "default"], default="f32")
    args = parser.parse_args()
    shapes = {}
    for text in args.shape:
        name, _, sizes = text.rpartition("=")
        shapes[name] = [int(size) for size in sizes.split("x")]
    args.shape = shapes
    return args


def refuse_unknown(shapes, inputs):
    unknown = sorted(set(shapes) - set(inputs))
    if unknown:
        raise SystemExit(f"the model has no input \"{unknown[0]}\"")


def random_input(numpy, shape, dtype):
    """Uniform numbers in [0, 1), whole ones for integers: the same for every run."""
    generator = numpy.random.default_rng(1)
    return generator.random(shape, dtype=numpy.float32).astype(dtype)


def measure(name, version, args, load, run):
    """Loads and runs the model in this process, whose library is imported already, and prints what it took.

    added_bytes is the highest resident size from before the model is loaded until after the last run, minus the resident
    size before it was loaded. The kernel's high-water mark is reset first, so that the import does not count.
    """
    with open("/proc/self/clear_refs", "w") as clear:
        clear.write("5")
    before = status_bytes("VmRSS")
    start = time.perf_counter()
    state = load()
    load_ms = (time.perf_counter() - start) * 1e3

    warm_up_until = time.perf_counter() + min(0.5, args.seconds / 2)
    warm_up_runs = 0
    while warm_up_runs < 2 or time.perf_counter() < warm_up_until:
        run(state)
        warm_up_runs += 1
    times = []
    until = time.perf_counter() + args.seconds
    while len(times) < args.runs or time.perf_counter() < until:
        start = time.perf_counter()
        run(state)
        times.append((time.perf_counter() - start) * 1e3)
    times.sort()
    print(json.dumps({
        "engine": name,
        "version": version,
        "threads": args.threads,
        "latency_ms": {"min": times[0], "median": statistics.median(times), "p95": times[int(0.95 * (len(times) - 1))]},
        "runs": len(times),
        "added_bytes": status_bytes("VmHWM") - before,
        "load_ms": load_ms,
    }))
