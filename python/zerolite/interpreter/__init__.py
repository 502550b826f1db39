"""tf.lite.Interpreter's interface on the native core: change the import, keep the program."""

from zerolite.interpreter.custom_ops import InterpreterWithCustomOps
from zerolite.interpreter.delegate import Delegate, DelegateLoadError, load_delegate
from zerolite.interpreter.interpreter import Interpreter, OpResolverType
from zerolite.interpreter.signature_runner import SignatureRunner
from zerolite.interpreter.wrapper import NativeHandle

__all__ = [
    "Delegate",
    "DelegateLoadError",
    "Interpreter",
    "InterpreterWithCustomOps",
    "NativeHandle",
    "OpResolverType",
    "SignatureRunner",
    "load_delegate",
]
