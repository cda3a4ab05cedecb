"""Arrays in, numbers with their protocol out; nothing here knows of training.

    likelihood    the Parzen log-likelihood of the paper's section 5, and how reliable it is
    distances     Frechet distance, KID, precision and recall, on pixels or features
    collapse      diversity, coverage and memorization of samples, and warnings in plain words
    features      networks whose features are compared: EfficientNet-Lite0, Inception, DINOv2, and a
                  small classifier of the data
    theory        section 4 of the paper as functions of densities
    inpainting, posterior    section 7: missing pixels, inferred latents
    gaussians     mixtures that are known exactly
    published     Table 1 of the paper

Each is imported on first use.
"""

from typing import Any

from keras_gan.core import lazy


def __getattr__(name: str) -> Any:
    return lazy.load(__name__, name)
