"""The main interpreter, the only one that may import the native part."""

from importlib import import_module

__all__ = ["require_main_interpreter"]

# CPython 3.13 has the first; the second is its name before that.
_MODULES = ("_interpreters", "_xxsubinterpreters")


def require_main_interpreter() -> None:
    """Refuse subinterpreters, where importing the native part would wait for a lock forever.

    Raises:
        ImportError: this is not the main interpreter of the process.
    """
    for name in _MODULES:
        try:
            interpreters = import_module(name)
        except ImportError:
            continue
        if interpreters.get_current() != interpreters.get_main():
            raise ImportError(
                "zerolite was imported in a subinterpreter, and works in the main interpreter of a process only; "
                "use threads (zerolite.Pool) or processes instead"
            )
        return
