"""Floating-point operations of a training step, counted in its graph, and what a device can do."""

from __future__ import annotations

import math
import time

import tensorflow as tf

from keras_gan import GAN
from keras_gan.optimizers.schedules import counting_images
from keras_gan.training import loop


def products_of(graph) -> int:
    """Operations of a function's matrix products and convolutions: two for each multiplication.

    Those that its results or variables need, and all of the functions that it calls, as for grouped
    convolutions; not those of loops.
    """
    needed: set[tf.Operation] = set()
    todo = [*(tensor.op for tensor in graph.outputs), *graph.control_outputs]
    while todo:
        op = todo.pop()
        if op not in needed:
            needed.add(op)
            todo += [*(tensor.op for tensor in op.inputs), *op.control_inputs]
    total = 0
    for op in needed:
        if "PartitionedCall" in op.type:
            total += products_of(graph._get_function(op.get_attr("f").name).graph)
        elif "MatMul" in op.type:
            transposed = op.get_attr("transpose_a" if op.type == "MatMul" else "adj_x")
            inner = op.inputs[0].shape[-2 if transposed else -1]
            total += 2 * math.prod(op.outputs[0].shape) * inner
        elif op.type.startswith(("Conv2D", "DepthwiseConv2dNative")):
            backprop = "Backprop" in op.type
            kernel = op.outputs[0] if op.type.endswith("Filter") else op.inputs[1]
            maps = op.inputs[2] if backprop else op.outputs[0]  # of the forward pass, or as large
            per_output = kernel.shape[: 3 if op.type.startswith("Conv2D") else 2]
            total += 2 * math.prod(maps.shape) * math.prod(per_output)
    return total


def products_per_step(gan: GAN, batch_size: int) -> int:
    """`products_of` a compiled model's step, k updates of D and one of G."""

    def step(x, y):
        with loop.one_step(), counting_images(gan.images_seen.value):
            return gan.train_step(x if gan.label_check is None else (x, y))

    rows = batch_size * gan.discriminator_steps
    x = tf.TensorSpec((rows, *gan.example_shape))
    y = tf.TensorSpec((rows,), tf.int64)
    return products_of(tf.function(step, autograph=False).get_concrete_function(x, y).graph)


def product_rate(dtype: str, n: int = 8192, products: int = 20) -> float:
    """Operations a second of matrix products n x n, the fastest of five times."""
    a = tf.cast(tf.random.normal((n, n)) / math.sqrt(n), dtype)

    @tf.function(jit_compile=False)
    def run() -> tf.Tensor:
        product = a
        for _ in range(products):
            product = tf.linalg.matmul(a, product)
        return tf.reduce_sum(product)

    times = []
    for _ in range(6):  # the first is traced
        began = time.perf_counter()
        run().numpy()
        times.append(time.perf_counter() - began)
    return 2 * n**3 * products / min(times)
