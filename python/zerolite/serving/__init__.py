"""Models served over the Open Inference Protocol (KServe v2). Needs the extra "serve"; importing this does not.

>>> import zerolite as zl
>>> zl.serving.serve("models/", zl.serving.ServingSettings(workers=2), port=8000)
"""

from zerolite.serving.application import create_app, serve
from zerolite.serving.settings import ModelControl, ServingSettings

__all__ = ["ModelControl", "ServingSettings", "create_app", "serve"]
