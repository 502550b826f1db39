"""XNNPACK's flags by name."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["DEFAULT_FLAGS", "XNNPACK_FLAGS", "checked_flags", "native_flags"]

#: Name -> bit, as in tflite/delegates/xnnpack/xnnpack_delegate.h of LiteRT 2.3.0. Two more that stand there,
#: VARIABLE_OPERATORS and ENABLE_SUBGRAPH_RESHAPING, are deprecated and change nothing.
XNNPACK_FLAGS: Mapping[str, int] = {
    "qs8": 0x1,
    "qu8": 0x2,
    "force_fp16": 0x4,
    "dynamic_fully_connected": 0x8,
    "transient_indirection_buffer": 0x20,
    "enable_latest_operators": 0x40,
    "slow_consistent_arithmetic": 0x200,
    "disable_subgraph_reshaping": 0x400,
    "disable_dynamically_quantized_ops": 0x800,
}
#: What the published library sets when nobody chooses: read from the delegate that LiteRT 2.3.0 makes.
DEFAULT_FLAGS = frozenset({"qs8", "qu8"})


def checked_flags(flags: Mapping[str, bool] | None) -> dict[str, bool]:
    """The flags that somebody chooses, by name.

    Raises:
        TypeError: `flags` is no mapping, or a value no bool.
        ValueError: there is no flag of a name.
    """
    if flags is None:
        return {}
    if not isinstance(flags, Mapping):
        raise TypeError(f'flags is {flags!r}, and must be a mapping from names to bools, as in {{"force_fp16": True}}')
    for name, value in flags.items():
        if name not in XNNPACK_FLAGS:
            raise ValueError(f"there is no XNNPACK flag {name!r}; there are {', '.join(XNNPACK_FLAGS)}")
        if not isinstance(value, bool):
            raise TypeError(f"the XNNPACK flag {name} is {value!r}, and must be True or False")
    return dict(flags)


def native_flags(flags: Mapping[str, bool]) -> int | None:
    """All bits, the defaults among them; None where nothing is chosen, so that the runtime's own defaults hold."""
    if not flags:
        return None
    chosen = {**dict.fromkeys(DEFAULT_FLAGS, True), **flags}
    return sum(XNNPACK_FLAGS[name] for name, value in chosen.items() if value)
