"""Serve generators, and any SavedModel, behind the protocol of TensorFlow Serving."""
