# For tools that still run setup.py; all settings stand in pyproject.toml.
from setuptools import setup

setup()
