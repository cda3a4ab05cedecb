"""ONNX: the generator for ONNX Runtime, on servers, in browsers and on phones.

The graph is converted with the weights as inputs, which then become its initializers under their
Keras names. So weights of any size stay out of TensorFlow's graph, which holds at most 2 GB.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import onnx
import onnxruntime
import tensorflow as tf
import tf2onnx
import tf2onnx.constants

from export import signatures
from export.signatures import Arrays
from export.subject import Subject
from keras_gan import InputError
from keras_gan.cli import parsing

OPSETS = range(13, max(tf2onnx.constants.OPSET_TO_IR_VERSION) + 1)
MAX_INLINE = 2_000_000_000  # bytes of weights in the file itself; a protocol buffer holds 2 GiB
# Format, file and the largest error allowed against Keras in float32.
FILES = (
    ("onnx", "model.onnx", 1e-5),
    ("onnx_float16", "model_float16.onnx", 5e-3),
    ("web", "web/model.onnx", 1e-5),
)


def check_opset(opset: int) -> None:
    """Raises InputError if the converter has no such opset."""
    if opset not in OPSETS:
        raise InputError(f"--opset must be in [{OPSETS[0]}, {OPSETS[-1]}]. Received: {opset}")


def convert(subject: Subject, opset: int = OPSETS[-1]) -> onnx.ModelProto:
    """The signature serving_default as an ONNX model, inputs and outputs under their own names."""
    (signature,) = signatures.of(subject, ["serving_default"])
    variables = subject.generator.variables
    weights = [tf.TensorSpec(v.shape, v.dtype, f"weight_{i}") for i, v in enumerate(variables)]

    def function(*tensors):
        inputs = dict(zip((spec.name for spec in signature.inputs), tensors, strict=False))
        values = zip(variables, tensors[len(inputs) :], strict=True)
        with keras.StatelessScope(state_mapping=list(values)):
            return signature.function(**inputs)

    specs = [*signature.inputs, *weights]
    graph = signatures.traced(function, *specs)
    logging.disable(logging.ERROR)  # what the converter could not convert shows in its result
    try:
        model, _ = tf2onnx.convert.from_function(
            SimpleNamespace(get_concrete_function=lambda *_: graph),
            input_signature=specs,
            opset=opset,
            custom_op_handlers={"Erfc": (_erfc, []), "Expm1": (_expm1, [])},
            custom_rewriter=[_resize_in_float32],
        )
    finally:
        logging.disable(logging.NOTSET)
    unknown = {node.op_type for node in model.graph.node if not onnx.defs.has(node.op_type)}
    if unknown:
        raise InputError(
            "operations of this generator cannot be converted to ONNX "
            f"({', '.join(sorted(unknown))}); export it with --formats saved_model"
        )
    values = {spec.name: (v.path, v) for spec, v in zip(weights, variables, strict=True)}
    # Tensors that layers hold besides weights, such as the statistics of Normalization.
    held = [(one.name, tensor) for tensor, one in graph.graph.captures]
    values |= {name: (name, tensor) for name, tensor in held if tensor.dtype != tf.resource}
    _fill(model.graph, values)
    _describe(model, subject)
    return model


def _erfc(ctx, node, name, args) -> None:
    """1 - erf(x): the converter lacks Erfc, which Keras's gelu uses."""
    _difference(ctx, node, "Erf", reverse=True)


def _expm1(ctx, node, name, args) -> None:
    """exp(x) - 1: the converter lacks Expm1, which Keras's celu uses."""
    _difference(ctx, node, "Exp")


def _difference(ctx, node, function: str, reverse: bool = False) -> None:
    """Replaces a node by f(x) - 1, or 1 - f(x)."""
    dtype, shape = ctx.get_dtype(node.output[0]), ctx.get_shape(node.output[0])
    one = np.ones((), tf2onnx.utils.map_onnx_to_numpy_type(dtype))
    ctx.remove_node(node.name)
    value = ctx.make_node(function, node.input, shapes=[shape], dtypes=[dtype]).output[0]
    terms = [value, ctx.make_const(tf2onnx.utils.make_name("one"), one).output[0]]
    terms = terms[::-1] if reverse else terms
    ctx.make_node("Sub", terms, outputs=node.output, shapes=[shape], dtypes=[dtype])


def _resize_in_float32(graph, nodes):
    """Resizes in float32, as TensorFlow does: the converter would in the type of the images."""
    to = onnx.TensorProto.FLOAT
    for node in nodes:
        resizes = node.type in ("ResizeBilinear", "ResizeBicubic")
        if resizes and graph.get_dtype(node.input[0]) != to:
            graph.insert_new_node_on_input(node, "Cast", node.input[0], to=to)
    return graph.get_nodes()


def _fill(
    graph: onnx.GraphProto, values: dict[str, tuple[str, keras.Variable | tf.Tensor]]
) -> None:
    """Turns inputs into initializers of these names and values."""
    shared = Counter(name for name, _ in values.values())
    names = {key: f"{n}:{key}" if shared[n] > 1 else n for key, (n, _) in values.items()}
    used = {name for node in graph.node for name in node.input}
    for key, (_, value) in values.items():
        if key in used:
            array = np.asarray(value.numpy(), order="C")
            graph.initializer.append(onnx.numpy_helper.from_array(array, names[key]))
    for node in graph.node:
        for i, name in enumerate(node.input):
            node.input[i] = names.get(name, name)
    inputs = [value for value in graph.input if value.name not in values]
    del graph.input[:]
    graph.input.extend(inputs)
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "n"


def _describe(model: onnx.ModelProto, subject: Subject) -> None:
    metadata = subject.metadata()
    model.producer_name = metadata["package"]["name"]
    model.producer_version = metadata["package"]["version"]
    model.graph.name = "generator"
    images = "images in [0, 1]" if subject.is_image else "examples"
    shape = ", ".join(map(str, subject.shape))
    model.doc_string = (
        f"Generator of a generative adversarial net (recipe {metadata['recipe']}): latents [n, "
        f"{subject.prior.dimension}] from the {metadata['prior']['name']} prior, to {images} "
        f"[n, {shape}]."
    )
    onnx.helper.set_model_props(
        model,
        {
            name: value if isinstance(value, str) else parsing.as_json(value, indent=None)
            for name, value in metadata.items()
        },
    )


def write(model: onnx.ModelProto, path: Path) -> None:
    """Writes and checks a model; weights beyond `MAX_INLINE` go into the file `path` + ".data"."""
    path.parent.mkdir(exist_ok=True)
    size = sum(len(tensor.raw_data) for tensor in model.graph.initializer)
    onnx.save_model(
        model,
        str(path),
        save_as_external_data=size > MAX_INLINE,
        location=f"{path.name}.data",
        size_threshold=1024,
    )
    try:
        onnx.checker.check_model(str(path), full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise InputError(
            "the converter makes no valid ONNX model of this generator; export it with "
            f"--formats saved_model. Received: {str(error).splitlines()[0]}"
        ) from error


def run(path: Path, requests: Sequence[tuple[str, Arrays]]) -> list[Arrays]:
    """Answers requests, pairs of signature and inputs, in ONNX Runtime."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return [dict(zip(names, session.run(names, inputs), strict=True)) for _, inputs in requests]
