"""What the runtime says on stderr: nothing, unless asked."""

from typing import Literal, get_args

from zerolite import _native

LogLevel = Literal["verbose", "info", "warning", "error", "silent"]


def set_log_level(level: LogLevel) -> None:
    """Show the runtime's messages of at least this severity on stderr; "silent", the default, shows none.

    Messages that belong to a failure are in its exception at every level.

    Raises:
        ValueError: the level is none of "verbose", "info", "warning", "error" and "silent".
    """
    levels = get_args(LogLevel)
    if level not in levels:
        raise ValueError(f"the log level is {level!r}, and must be one of {', '.join(map(repr, levels))}")
    _native.set_log_level(levels.index(level))
