#!/usr/bin/env python3
"""Writes small Keras models and what Keras computes with them, for tests/keras/reference_test.cc.

Run by hand, in a virtual environment with tensorflow-cpu (which brings Keras 3) and tf_keras (Keras 2):

    TF_ENABLE_ONEDNN_OPTS=0 python tools/record_keras_references.py [--output tests/references/keras]

For each model: NAME.h5 or NAME.keras, NAME_x.npy (all inputs, one behind the other, flat) and NAME_y.npy (all outputs).
Weights and inputs are random numbers from fixed seeds. The .h5 files are rewritten with small headers, and the archives
are deflated, so that both ways to write each are read.
"""

import argparse
import io
import pathlib
import zipfile

import h5py
import keras
import numpy
import tensorflow
import tf_keras

BATCH = 2


def randomize(model, seed):
    """Normal weights, except for statistics that must be positive."""
    random = numpy.random.default_rng(seed)
    weights = []
    for value, variable in zip(model.get_weights(), model.weights):
        name = getattr(variable, "path", variable.name)
        adapted = "moving" not in name and name.split("/")[-1].split(":")[0] in ("mean", "variance", "count")
        if value.dtype.kind != "f" or adapted:
            weights.append(value)
            continue
        new = random.normal(0, 0.5, value.shape).astype(value.dtype)
        weights.append(numpy.abs(new) + numpy.float32(0.5) if "variance" in name else new)
    model.set_weights(weights)


def heads(library, shape, layers, dtype="float32"):
    x = library.layers.Input(shape, name="x", dtype=dtype)
    return library.Model(x, [layer(x) for layer in layers])


def convolutions(k):
    L = k.layers
    return heads(k, (9, 8, 6), [
        L.Conv2D(4, 3, padding="same", strides=2, activation="relu"), L.Conv2D(4, (3, 2), dilation_rate=2),
        L.Conv2D(4, 3, groups=2, padding="same", use_bias=False), L.Conv2D(5, 1, activation="swish"),
        L.DepthwiseConv2D(3, padding="same", strides=2), L.DepthwiseConv2D((3, 2), depth_multiplier=2, use_bias=False),
        L.SeparableConv2D(5, 3, padding="same", strides=2, depth_multiplier=2),
        L.Conv2DTranspose(4, 3, strides=2, padding="same"), L.Conv2DTranspose(4, 2, strides=3, padding="valid"),
        L.Conv2DTranspose(4, 4, strides=3, padding="same", output_padding=2),
        L.Conv2DTranspose(2, 3, strides=2, padding="valid", output_padding=1)])


def sequences(k):
    L = k.layers
    return heads(k, (11, 6), [
        L.Conv1D(4, 3, padding="same", strides=2), L.Conv1D(4, 3, padding="causal", dilation_rate=2, activation="tanh"),
        L.SeparableConv1D(5, 3, padding="same", depth_multiplier=2, activation="elu"),
        L.Conv1DTranspose(4, 3, strides=2, padding="same"), L.MaxPooling1D(), L.AveragePooling1D(3, 2, "same"),
        L.GlobalAveragePooling1D(), L.GlobalMaxPooling1D(keepdims=True), L.ZeroPadding1D((1, 0)), L.Cropping1D((1, 2)),
        L.UpSampling1D(3), L.Flatten(), L.Reshape((3, 22)), L.Permute((2, 1)), L.Dropout(0.5), L.GaussianNoise(0.1),
        L.SpatialDropout1D(0.2), L.ActivityRegularization(0.1), L.Dense(3, activation="selu")])


def activations(k):
    L = k.layers
    names = ["relu", "sigmoid", "hard_sigmoid", "tanh", "softmax", "softplus", "softsign", "elu", "selu", "gelu", "swish",
             "exponential", "linear", "mish"]
    if k is keras:
        names += ["relu6", "hard_silu", "leaky_relu", "log_softmax", "celu", "hard_tanh", "tanh_shrink", "soft_shrink",
                  "hard_shrink", "log_sigmoid"]
    layers = [L.Activation(name) for name in names]
    layers += [L.ReLU(max_value=1.0), L.ReLU(negative_slope=0.1), L.ReLU(max_value=1.0, negative_slope=0.1),
               L.ReLU(threshold=0.5), L.ReLU(threshold=0.5, negative_slope=0.2, max_value=1.0), L.LeakyReLU(0.1), L.ELU(0.7),
               L.PReLU(), L.PReLU(shared_axes=[1]), L.Softmax(axis=1)]
    return heads(k, (7, 5), layers)


def normalizations(k):
    L = k.layers
    adapted = L.Normalization()
    adapted.adapt(numpy.random.default_rng(9).normal(1, 3, (50, 4, 5, 6)).astype("float32"))
    return heads(k, (4, 5, 6), [
        L.BatchNormalization(), L.BatchNormalization(axis=1), L.BatchNormalization(scale=False),
        L.BatchNormalization(center=False, epsilon=0.01), L.LayerNormalization(), L.LayerNormalization(axis=[1, 2, 3]),
        L.LayerNormalization(axis=1, center=False), L.LayerNormalization(center=False, scale=False),
        L.GroupNormalization(groups=2), L.GroupNormalization(groups=5, axis=2), L.UnitNormalization(),
        L.Normalization(mean=[1, 2, 3, 4, 5, 6], variance=[1, 4, 2, 1, 1, 1]), adapted, L.Rescaling(1 / 127.5, -1)])


def pictures(k):
    L = k.layers
    return heads(k, (9, 7, 3), [
        L.MaxPooling2D(), L.MaxPooling2D(3, 2, "same"), L.AveragePooling2D((2, 3), padding="same"), L.AveragePooling2D(3, 1, "same"),
        L.GlobalAveragePooling2D(), L.GlobalMaxPooling2D(keepdims=True), L.ZeroPadding2D(((0, 1), (2, 0))),
        L.Cropping2D(((0, 1), (2, 0))), L.UpSampling2D((2, 3)), L.UpSampling2D(2, interpolation="bilinear"), L.Resizing(7, 9),
        L.Resizing(2, 3, interpolation="nearest"), L.CenterCrop(2, 3), L.RandomFlip(), L.RandomRotation(0.1)])


def merges(k):
    L = k.layers
    a, b, c, d = (L.Input(shape, name=name) for name, shape in (("a", (4, 5)), ("b", (4, 5)), ("c", (1, 5)), ("d", (5,))))
    return k.Model([a, b, c, d], [
        L.Add()([a, b]), L.Subtract()([a, b]), L.Multiply()([a, b, c]), L.Average()([a, b, a]), L.Maximum()([a, b]),
        L.Minimum()([a, b]), L.Concatenate()([a, b]), L.Concatenate(axis=1)([a, b]), L.Dot((2, 1))([a, d]),
        L.Dot(2)([a, b]), L.Dot(1, normalize=True)([d, d]), L.RepeatVector(3)(d)])


def recurrent(k):
    L = k.layers
    x = L.Input((6, 4), name="x")
    y, h, c = L.LSTM(3, return_state=True, return_sequences=True)(x)
    return k.Model(x, [
        y, h, c, L.LSTM(3)(x, initial_state=[h, c]), L.GRU(3)(x), L.GRU(3, return_sequences=True, reset_after=False)(x),
        L.SimpleRNN(3, activation="relu", return_sequences=True, use_bias=False)(x),
        L.LSTM(3, go_backwards=True, return_sequences=True)(x),
        L.LSTM(3, recurrent_activation="hard_sigmoid", activation="softsign", use_bias=False)(x), L.RNN(L.GRUCell(3))(x),
        L.Bidirectional(L.LSTM(3))(x), L.Bidirectional(L.GRU(3, return_sequences=True), merge_mode="sum")(x),
        L.TimeDistributed(L.Dense(2, activation="relu"))(x)])


def nested(k):
    L = k.layers
    at = L.Input((6, 6, 4))
    inner = k.Model(at, L.BatchNormalization()(L.Conv2D(4, 3, padding="same")(at)), name="inner")
    at = L.Input((6, 6, 4))
    outer = k.Model(at, inner(L.Conv2D(4, 1)(inner(at))), name="outer")
    chain = k.Sequential([L.Input((6, 6, 4)), L.Conv2D(4, 1), L.Dropout(0.2), k.Sequential(
        [L.Input((6, 6, 4)), L.DepthwiseConv2D(3), L.BatchNormalization(trainable=False)], name="deep")], name="chain")
    at = L.Input((4,))
    two = k.Model(at, [L.Dense(3)(at), L.Dense(2)(at)], name="two")
    x = L.Input((6, 6, 4), name="x")
    shared = L.Conv2D(4, 3, padding="same", name="shared")
    y = chain(outer(shared(shared(outer(x)))))
    p, q = two(L.GlobalAveragePooling2D()(y))
    return k.Model(x, [y, L.Concatenate()([p, q]), q])


def functions(k):
    L = k.layers
    x = L.Input((6, 6, 4), name="x")
    y = L.Conv2D(4, 1)(x)
    if k is keras:
        o = k.ops
        y = 1.0 - y * o.relu6(y + 3.0) / 6.0
        y = o.concatenate([y[:, 1:, :, :2], y[:, :-1, :, 2:]], axis=-1)
        p, q = o.split(y, 2, axis=-1)
        return k.Model(x, [p - q, o.mean(y, axis=[1, 2]), o.reshape(y, (-1, 5, 24)), o.transpose(y, (0, 3, 1, 2)), y[:, 2],
                           y[:, ::-1, 1:5:2, 0], y[:, None], o.pad(y, [[0, 0], [1, 2], [0, 0], [0, 1]]), o.clip(y, -0.1, 0.2),
                           o.image.resize(y, (5, 3)), o.stack([p, q], axis=1), o.gelu(y, approximate=False), o.gelu(y),
                           2.0 / (o.abs(y) + 1.0), o.split(y, [1, 3], axis=-1)[1], o.hard_sigmoid(y)])
    t = tensorflow
    y = 1.0 - y * t.nn.relu6(y + 3.0) / 6.0
    y = t.concat([y[:, 1:, :, :2], y[:, :-1, :, 2:]], axis=-1)
    p, q = t.split(y, 2, axis=-1)
    return k.Model(x, [p - q, t.reduce_mean(y, axis=[1, 2]), t.reshape(y, (-1, 5, 24)), t.transpose(y, (0, 3, 1, 2)), y[:, 2],
                       y[:, ::-1, 1:5:2, 0], y[:, t.newaxis], t.pad(y, [[0, 0], [1, 2], [0, 0], [0, 1]]),
                       t.clip_by_value(y, -0.1, 0.2), t.image.resize(y, (5, 3)), t.stack([p, q], axis=1), t.nn.gelu(y),
                       2.0 / (t.abs(y) + 1.0), t.split(y, [1, 2, 1], axis=-1)[1], t.nn.depth_to_space(y, 2)])


def frames(k):
    L = k.layers
    return heads(k, (3, 6, 5, 2), [
        L.TimeDistributed(L.Conv2D(3, 3, activation="relu")), L.TimeDistributed(L.Flatten()),
        L.TimeDistributed(k.Sequential([L.Input((6, 5, 2)), L.Conv2D(3, 3), L.BatchNormalization(), L.GlobalMaxPooling2D()])),
        L.Conv3D(4, (2, 3, 1), padding="same", strides=(1, 2, 1)), L.MaxPooling3D((1, 2, 2)), L.AveragePooling3D(2, 1, "same"),
        L.GlobalAveragePooling3D(), L.ZeroPadding3D(((1, 0), (0, 1), (2, 0))), L.Cropping3D((1, 1, 2)), L.UpSampling3D(2)])


def chain(k):
    L = k.layers
    return k.Sequential([L.Input((8, 8, 3)), L.Conv2D(4, 3), L.BatchNormalization(), L.ReLU(6.0), L.Flatten(),
                         L.Dense(5, activation="softmax")])


def words(k):
    L = k.layers
    return k.Sequential([L.Input((7,), dtype="int32"), L.Embedding(9, 4), L.GRU(3)])


MODELS = [convolutions, sequences, activations, normalizations, pictures, merges, recurrent, nested, functions, frames]


def shrink_h5(source):
    """The same contents with the headers of newer libraries: one tenth of the size."""
    out = io.BytesIO()
    with h5py.File(source) as old, h5py.File(out, "w", libver="latest") as new:
        def copy(group, target):
            for key, value in group.attrs.items():
                target.attrs[key] = value
            for key, item in group.items():
                if isinstance(item, h5py.Group):
                    copy(item, target.create_group(key))
                else:
                    target.create_dataset(key, data=item[()])
        copy(old, new)
    return out.getvalue()


def shrink(path):
    if path.suffix == ".h5":
        path.write_bytes(shrink_h5(path))
        return
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, contents in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)),
                             shrink_h5(io.BytesIO(contents)) if name.endswith(".h5") else contents, zipfile.ZIP_DEFLATED)


def record(model, path, seed, small=True):
    randomize(model, seed)
    random = numpy.random.default_rng(seed + 1000)
    inputs = [random.integers(0, 5, (BATCH,) + tuple(x.shape[1:])).astype("int32") if "int" in str(x.dtype)
              else random.normal(0, 1, (BATCH,) + tuple(x.shape[1:])).astype("float32") for x in model.inputs]
    outputs = model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    model.save(path)
    if small:
        shrink(path)
    for suffix, tensors in (("x", inputs), ("y", outputs)):
        flat = numpy.concatenate([numpy.asarray(each, "float32").reshape(-1) for each in tensors])
        numpy.save(path.with_name(f"{path.stem}_{suffix}.npy"), flat)


def bad_files(output):
    """Files that a careless reader would follow, or unpack without end."""
    with zipfile.ZipFile(output / "bad_bomb.keras", "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", " " * (100 << 20))
    with h5py.File(output / "bad_huge.h5", "w", libver="latest") as file:
        file.attrs["model_config"] = "{}"
        file.create_dataset("model_weights/d/kernel:0", (1 << 20, 1 << 18), "f4")
    with h5py.File(output / "bad_external.h5", "w", libver="latest") as file:
        file.create_dataset("model_weights/d/kernel:0", (100,), "u1", external=[("/etc/passwd", 0, 100)])
    with h5py.File(output / "bad_link.h5", "w", libver="latest") as file:
        file["model_weights"] = h5py.ExternalLink("other.h5", "/weights")
    with h5py.File(output / "bad_loop.h5", "w", libver="latest") as file:
        group = file.create_group("model_weights")
        group["again"] = group


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("tests/references/keras"))
    output = parser.parse_args().output
    output.mkdir(parents=True, exist_ok=True)
    for seed, build in enumerate(MODELS):
        record(build(tf_keras), output / f"keras2_{build.__name__}.h5", seed)
        record(build(keras), output / f"keras3_{build.__name__}.keras", seed)
    # Each library's other format, as it writes it.
    record(chain(tf_keras), output / "keras2_chain.keras", 50, small=False)
    record(chain(keras), output / "keras3_chain.h5", 51, small=False)
    record(nested(tf_keras), output / "keras2_nested_archive.keras", 52)
    record(nested(keras), output / "keras3_nested_legacy.h5", 53)
    record(words(keras), output / "keras3_words.keras", 54)
    bad_files(output)


if __name__ == "__main__":
    main()
