"""Small SavedModels for the tests, made with TensorFlow alone.

`python tests/serving/serving_models.py DIR` writes them.

The contract suite expects a server to serve what this writes: point a real one at
DIR/start.config; the suite adds DIR/models.config's labels.
"""

from __future__ import annotations

import itertools
import json
import re
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

LATENT, SIZE = 4, 6


class Generator(tf.Module):
    """A generator as exports have it: latents, seeds and PNG files in, images in [0, 1] out."""

    def __init__(self, seed: int, widths: tuple[int, ...] = (LATENT, 8, SIZE * SIZE)) -> None:
        super().__init__()
        rng = np.random.default_rng(seed)
        self.side = round(widths[-1] ** 0.5)
        self.weights = [
            tf.Variable(rng.normal(0, 0.8, shape).astype(np.float32))
            for shape in itertools.pairwise(widths)
        ]
        self.latent = widths[0]

    def images(self, latents: tf.Tensor) -> tf.Tensor:
        hidden = latents  # [n, d]
        for weight in self.weights[:-1]:
            hidden = tf.nn.relu(hidden @ weight)
        pixels = tf.sigmoid(hidden @ self.weights[-1])
        return tf.reshape(pixels, [-1, self.side, self.side, 1])  # [n, h, w, 1]

    def signatures(self) -> dict:
        latents = tf.TensorSpec([None, self.latent], tf.float32, name="latents")

        @tf.function(input_signature=[latents])
        def serving_default(latents):
            return {"images": self.images(latents)}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, name="seed")])
        def sample(seed):
            def one(value):
                pair = tf.stack([value, tf.zeros_like(value)])
                return tf.random.stateless_uniform([self.latent], pair, -1.0, 1.0)

            latents = tf.map_fn(one, seed, fn_output_signature=tf.float32)
            latents = tf.ensure_shape(latents, [None, self.latent])
            return {"images": self.images(latents), "latents": latents}

        @tf.function(input_signature=[latents])
        def png(latents):
            pixels = tf.cast(tf.round(self.images(latents) * 255), tf.uint8)
            encoded = tf.map_fn(tf.io.encode_png, pixels, fn_output_signature=tf.string)
            return {"image_bytes": encoded}

        return {"serving_default": serving_default, "sample": sample, "png": png}


CLASSES = 3


class Sketch(tf.Module):
    """A generator of classes with an encoder, as exports of such models have them."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        draw = np.random.default_rng(seed).normal
        self.of_latents = tf.Variable(draw(0, 0.8, (LATENT, SIZE * SIZE)).astype(np.float32))
        self.of_class = tf.Variable(draw(0, 2, (CLASSES, SIZE * SIZE)).astype(np.float32))

    def images(self, latents: tf.Tensor, condition: tf.Tensor) -> tf.Tensor:
        condition = tf.ensure_shape(condition, [None])
        words = f"condition must be classes from 0 to {CLASSES - 1}. Received:"
        good = tf.reduce_all((condition >= 0) & (condition < CLASSES))
        with tf.control_dependencies([tf.debugging.Assert(good, [words, condition])]):
            classes = tf.one_hot(condition, CLASSES)
        pixels = tf.sigmoid(latents @ self.of_latents + classes @ self.of_class)
        return tf.reshape(pixels, [-1, SIZE, SIZE, 1])  # [n, h, w, 1]

    def signatures(self) -> dict:
        condition = tf.TensorSpec([None], tf.int64, name="condition")

        @tf.function(
            input_signature=[tf.TensorSpec([None, LATENT], tf.float32, name="latents"), condition]
        )
        def serving_default(latents, condition):
            return {"images": self.images(latents, condition)}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, name="seed"), condition])
        def sample(seed, condition):
            frequencies = tf.range(1.0, LATENT + 1)
            latents = tf.sin(tf.cast(seed % 1000, tf.float32)[:, None] * frequencies)
            return {"images": self.images(latents, condition), "latents": latents}

        @tf.function(
            input_signature=[tf.TensorSpec([None, SIZE, SIZE, 1], tf.float32, name="images")]
        )
        def encode(images):
            flat = tf.reshape(images, [-1, SIZE * SIZE])
            return {"latents": tf.tanh(flat @ tf.transpose(self.of_latents) / SIZE)}

        @tf.function(input_signature=[condition])
        def classes(condition):
            return {"one_hot": tf.one_hot(condition, CLASSES)}

        return {
            "serving_default": serving_default,
            "sample": sample,
            "encode": encode,
            "classes": classes,
        }


class Painter(tf.Module):
    """An inpainting generator, as exports of such models have it."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        draw = np.random.default_rng(seed).normal
        self.of_latents = tf.Variable(draw(0, 0.8, (LATENT, SIZE * SIZE)).astype(np.float32))
        self.of_known = tf.Variable(draw(0, 0.8, (SIZE * SIZE, SIZE * SIZE)).astype(np.float32))

    def images(self, known: tf.Tensor, mask: tf.Tensor, latents: tf.Tensor) -> tf.Tensor:
        seen = tf.reshape(tf.where(mask, known, 0.5), [-1, SIZE * SIZE])
        filled = tf.sigmoid(latents @ self.of_latents + seen @ self.of_known)
        return tf.where(mask, known, tf.reshape(filled, [-1, SIZE, SIZE, 1]))  # [n, h, w, 1]

    def signatures(self) -> dict:
        def images_of(dtype, name):
            return tf.TensorSpec([None, SIZE, SIZE, 1], dtype, name=name)

        known, mask = images_of(tf.float32, "known"), images_of(tf.bool, "mask")
        latents = tf.TensorSpec([None, LATENT], tf.float32, name="latents")
        seed = tf.TensorSpec([None], tf.int64, name="seed")

        @tf.function(input_signature=[known, mask, latents])
        def serving_default(known, mask, latents):
            return {"images": self.images(known, mask, latents)}

        @tf.function(input_signature=[known, mask, seed])
        def sample(known, mask, seed):
            frequencies = tf.range(1.0, LATENT + 1)
            latents = tf.sin(tf.cast(seed % 1000, tf.float32)[:, None] * frequencies)
            return {"images": self.images(known, mask, latents), "latents": latents}

        @tf.function(input_signature=[images_of(tf.float32, "images"), mask, latents])
        def inpaint(images, mask, latents):
            return {"images": self.images(images, mask, latents)}

        return {"serving_default": serving_default, "sample": sample, "inpaint": inpaint}


class Types(tf.Module):
    """Signatures that generators do not have: other dtypes, several inputs, strings, no rows."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.offset = tf.Variable(float(seed))

    def signatures(self) -> dict:
        def vector(dtype, name):
            return tf.TensorSpec([None], dtype, name=name)

        @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="z")])
        def serving_default(z):
            return {"y": z + self.offset}

        @tf.function(input_signature=[vector(tf.float32, "a"), vector(tf.float32, "b")])
        def pair(a, b):
            return {"sum": a + b, "product": a * b}

        @tf.function(input_signature=[vector(tf.string, "text")])
        def strings(text):
            return {"copy": text, "copy_bytes": text}

        @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="z")])
        def total(z):
            return {"total": tf.reduce_sum(z)}

        @tf.function(input_signature=[vector(tf.string, "text")])
        def joined(text):
            return {"joined": tf.strings.reduce_join(text)}

        result = {
            "serving_default": serving_default,
            "pair": pair,
            "strings": strings,
            "total": total,
            "joined": joined,
        }
        for dtype in (tf.int64, tf.int32, tf.uint8, tf.bool, tf.float64, tf.float16):
            echo = tf.function(
                lambda x: {"y": tf.identity(x)}, input_signature=[vector(dtype, "x")]
            )
            result[f"echo_{dtype.name}"] = echo
        return result


def save(module: tf.Module, path: Path, metadata: dict | None = None) -> Path:
    """Writes one version under a temporary name first: no server ever sees half of it."""
    partial = path.with_name(f".{path.name}.partial")
    tf.saved_model.save(module, str(partial), signatures=module.signatures())
    if metadata is not None:
        (partial / "assets.extra").mkdir()
        (partial / "assets.extra" / "metadata.json").write_text(json.dumps(metadata))
    partial.rename(path)
    return path


METADATA = {
    "recipe": "a test's generator",
    "prior": {"name": "uniform", "low": -1.0, "high": 1.0, "dimension": LATENT},
    "image_range": [0.0, 1.0],
    "shapes": {"latents": [None, LATENT], "images": [None, SIZE, SIZE, 1]},
}


# Two principal directions of `mlp`, version 1; as older exports, version 2 has none.
DIRECTIONS = {"vectors": [[0.6, 0.0, 0.8, 0.0], [0.0, 1.0, 0.0, 0.0]], "share": [0.625, 0.25]}


def write_contract_models(base: Path) -> Path:
    """Writes `mlp` (version 3 not served), `painter`, `sketch` and `types`, with their file."""
    save(Generator(1), base / "mlp" / "1", {**METADATA, "directions": DIRECTIONS})
    for number in (2, 3):
        save(Generator(number), base / "mlp" / str(number), METADATA)
    save(Painter(1), base / "painter" / "1", METADATA)
    condition = {"name": "classes", "count": CLASSES, "class_names": ["cat", "1", "<b>"]}
    save(Sketch(1), base / "sketch" / "1", {**METADATA, "condition": condition})
    save(Types(1), base / "types" / "7")
    config, start = base / "models.config", base / "start.config"
    config.write_text(config_text(base))
    start.write_text(without_labels(config_text(base)))  # a real server gets the labels later
    monitoring = base / "monitoring.config"
    monitoring.write_text("prometheus_config { enable: true }")
    return start


def without_labels(config: str) -> str:
    return re.sub("version_labels .*", "", config)


def config_text(base: Path) -> str:
    return f"""model_config_list {{
  config {{
    name: "mlp" base_path: "{base / "mlp"}" model_platform: "tensorflow"
    model_version_policy {{ specific {{ versions: 1 versions: 2 }} }}
    version_labels {{ key: "stable" value: 1 }}
    version_labels {{ key: "canary" value: 2 }}
  }}
  config {{ name: "painter" base_path: "{base / "painter"}" model_platform: "tensorflow" }}
  config {{ name: "sketch" base_path: "{base / "sketch"}" model_platform: "tensorflow" }}
  config {{ name: "types" base_path: "{base / "types"}" model_platform: "tensorflow" }}
}}
"""


if __name__ == "__main__":
    print(write_contract_models(Path(sys.argv[1]).resolve()))
