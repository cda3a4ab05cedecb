"""Keras's layers for pictures `[n, h, w, c]`, whatever `image_data_format` Keras is set to."""

from __future__ import annotations

from functools import partial

from keras import layers as kl

AveragePooling2D = partial(kl.AveragePooling2D, data_format="channels_last")
Conv2D = partial(kl.Conv2D, data_format="channels_last")
Conv2DTranspose = partial(kl.Conv2DTranspose, data_format="channels_last")
Cropping2D = partial(kl.Cropping2D, data_format="channels_last")
DepthwiseConv2D = partial(kl.DepthwiseConv2D, data_format="channels_last")
Flatten = partial(kl.Flatten, data_format="channels_last")
GlobalAveragePooling2D = partial(kl.GlobalAveragePooling2D, data_format="channels_last")
MaxPooling2D = partial(kl.MaxPooling2D, data_format="channels_last")
UpSampling2D = partial(kl.UpSampling2D, data_format="channels_last")
ZeroPadding2D = partial(kl.ZeroPadding2D, data_format="channels_last")
