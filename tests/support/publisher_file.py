"""`python/framehub_publisher.py`, imported from where it lies."""

import importlib.util
import sys

from .hub import ROOT

FILE = ROOT / "python" / "framehub_publisher.py"

_spec = importlib.util.spec_from_file_location("framehub_publisher", FILE)
assert _spec and _spec.loader
framehub_publisher = importlib.util.module_from_spec(_spec)
sys.modules["framehub_publisher"] = framehub_publisher
_spec.loader.exec_module(framehub_publisher)
