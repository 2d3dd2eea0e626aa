"""Models, pictures, arrays and sounds for cli_test.py, made here."""

import struct
import zlib

# --- Just enough protobuf to write ONNX files (onnx.proto's field numbers) ----------------------------------------------


def varint(value):
    value &= (1 << 64) - 1
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def integer(field, value):
    return varint(field << 3) + varint(value)


def data(field, value):
    value = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(value)) + value


def value_info(name, dims, dtype=1):
    shape = b"".join(data(1, data(2, d) if isinstance(d, str) else integer(1, d)) for d in dims)
    return data(1, name) + data(2, data(1, integer(1, dtype) + data(2, shape)))


def tensor(name, dims, values, dtype=1):
    raw = struct.pack(f"<{len(values)}f", *values) if dtype == 1 else struct.pack(f"<{len(values)}q", *values)
    return b"".join(integer(1, d) for d in dims) + integer(2, dtype) + data(8, name) + data(9, raw)


def node(op, inputs, outputs, name="", attributes=b"", domain=""):
    out = b"".join(data(1, i) for i in inputs) + b"".join(data(2, o) for o in outputs)
    return out + data(3, name or op.lower()) + data(4, op) + attributes + (data(7, domain) if domain else b"")


def model(nodes, inputs, outputs, initializers=(), opset=13):
    graph = b"".join(data(1, n) for n in nodes) + data(2, "g")
    graph += b"".join(data(5, t) for t in initializers)
    graph += b"".join(data(11, i) for i in inputs) + b"".join(data(12, o) for o in outputs)
    return integer(1, 8) + data(7, graph) + data(8, data(1, "") + integer(2, opset))


def painter():
    """y = 255 - x: a network that paints the negative."""
    return model(
        [node("Sub", ["white", "x"], ["y"])],
        [value_info("x", [1, 3, "H", "W"])],
        [value_info("y", [1, 3, "H", "W"])],
        [tensor("white", [1], [255.0])],
    )


def png(width, height, pixel=(10, 200, 30)):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = (b"\0" + bytes(pixel) * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def pixels(file):
    """(width, height, RGB rows) of an 8-bit RGB PNG without interlace."""
    at, packed = 8, b""
    while at < len(file):
        (length,) = struct.unpack(">I", file[at : at + 4])
        kind, body = file[at + 4 : at + 8], file[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, height = struct.unpack(">II", body[:8])
        if kind == b"IDAT":
            packed += body
        at += 12 + length
    raw, stride, rows = zlib.decompress(packed), width * 3 + 1, []
    previous = bytearray(width * 3)
    for y in range(height):
        filter_type, line = raw[y * stride], bytearray(raw[y * stride + 1 : (y + 1) * stride])
        for i in range(len(line)):
            left = line[i - 3] if i >= 3 else 0
            up, corner = previous[i], previous[i - 3] if i >= 3 else 0
            if filter_type == 1:
                line[i] = (line[i] + left) & 255
            elif filter_type == 2:
                line[i] = (line[i] + up) & 255
            elif filter_type == 3:
                line[i] = (line[i] + (left + up) // 2) & 255
            elif filter_type == 4:
                p = left + up - corner
                near = min((abs(p - left), 0, left), (abs(p - up), 1, up), (abs(p - corner), 2, corner))[2]
                line[i] = (line[i] + near) & 255
        rows.append(bytes(line))
        previous = line
    return width, height, rows


def npy(shape, values):
    header = str({"descr": "<f4", "fortran_order": False, "shape": tuple(shape)})
    header += " " * ((64 - (10 + len(header) + 1) % 64) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack(f"<{len(values)}f", *values)


def attribute(name, value):
    """An integer attribute of a node."""
    return data(5, data(1, name) + integer(3, value) + integer(20, 2))


def colour_classifier():
    """Three scores: how red, green and blue a picture of 8x8 is."""
    return model(
        [node("GlobalAveragePool", ["x"], ["means"]), node("Flatten", ["means"], ["scores"])],
        [value_info("x", [1, 3, 8, 8])],
        [value_info("scores", [1, 3])],
    )


def box_finder():
    """The same two boxes on every picture: one sure, one not."""
    return model(
        [node("Identity", ["all_boxes"], ["boxes"]), node("Identity", ["all_scores"], ["scores"]),
         node("Relu", ["x"], ["unused"])],
        [value_info("x", [1, 3, 10, 20])],
        [value_info("boxes", [1, 2, 4]), value_info("scores", [1, 2, 2])],
        [tensor("all_boxes", [1, 2, 4], [0.1, 0.2, 0.5, 0.8, 0, 0, 1, 1]),
         tensor("all_scores", [1, 2, 2], [0.1, 0.9, 0.8, 0.2])],
    )


def segmenter():
    """Each pixel's class is its strongest colour."""
    return model(
        [node("ArgMax", ["x"], ["classes"], attributes=attribute("axis", 1) + attribute("keepdims", 0))],
        [value_info("x", [1, 3, 8, 8])],
        [value_info("classes", [1, 8, 8], 7)],
    )


def slow(nodes, outputs):
    """A network that takes many seconds: convolutions of 64 channels, of which `nodes` read the result "t40"."""
    chain = [node("Conv", ["x" if i == 0 else f"t{i}", "first" if i == 0 else "w"], [f"t{i + 1}"], f"c{i}",
                  data(5, data(1, "pads") + b"".join(integer(8, 1) for _ in range(4)) + integer(20, 7))) for i in range(40)]
    weights = [tensor("first", [64, 3, 3, 3], [0.01] * 1728), tensor("w", [64, 64, 3, 3], [0.001] * 36864)]
    return model(chain + nodes, [value_info("x", [1, 3, 512, 512])], outputs, weights)


def wav(samples, rate=16000):
    body = struct.pack(f"<{len(samples)}h", *samples)
    return (b"RIFF" + struct.pack("<I", 36 + len(body)) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, rate, 2 * rate, 2, 16)
            + b"data" + struct.pack("<I", len(body)) + body)
