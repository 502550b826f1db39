"""The file in which a tuning is kept."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from zerolite import _native
from zerolite._platform.files import write_atomically
from zerolite.tuned.setting import Setting
from zerolite.tuned.tuning_identity import TuningIdentity

__all__ = ["Goal", "TunedFile"]

Goal = Literal["latency", "throughput"]

#: The version of the layout. It grows when a key changes its meaning or goes away.
_SCHEMA = 1
_LONGEST = 1 << 16
_KEYS: Mapping[str, tuple[str, ...]] = {
    "": ("schema", "goal", "signature", "setting", "ratio", "belongs_to"),
    "setting": ("engine", "threads", "kernels", "weights", "flags", "workers", "chunk"),
    "belongs_to": ("model", "processor", "cores", "runtime", "openvino"),
}
# Keys that came later, which may be missing.
_LATER = ("weights", "engine", "openvino")


@dataclass(frozen=True, slots=True, kw_only=True)
class TunedFile:
    """A setting, and what it was found for.

    Attributes:
        goal: what it is the best for.
        signature: the key of the signature that was run.
        setting: how the model is run.
        ratio: the time that it takes, as a part of the default's; None for the default itself.
        identity: the model, the machine and the runtime that it belongs to.
        path: the file; None before there is one.
    """

    goal: Goal
    signature: str
    setting: Setting
    ratio: float | None
    identity: TuningIdentity
    path: str | None = None

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write it as JSON. Nobody ever sees half of the file.

        Raises:
            OSError: the file can't be written.
        """
        document = {
            "schema": _SCHEMA,
            "goal": self.goal,
            "signature": self.signature,
            "setting": self.setting.to_dict(),
            "ratio": self.ratio,
            "belongs_to": asdict(self.identity),
        }
        content = (json.dumps(document, indent=2, allow_nan=False) + "\n").encode()
        write_atomically(Path(path), content, mode=0o644)  # which `read` believes, whatever the umask

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> TunedFile:
        """Read what `write` wrote.

        Raises:
            OSError: the file can't be read, or somebody else may have written it.
            ValueError: it is no such file, or has something in it that this version does not know.
            TypeError: `path` is no path.
        """
        if not isinstance(path, str | os.PathLike):
            raise TypeError(f"tuned is {path!r}, and must be the path of a file that zl.tune(...).save wrote")
        name = os.fsdecode(path)
        if "\0" in name:
            raise ValueError(f"tuned is {name!r}, which holds a null byte; pass the path of a file")
        content = _native.read_trusted(os.fsencode(name), _LONGEST + 1)
        try:
            return _parsed(content, name)
        except (ValueError, TypeError, RecursionError) as error:
            raise _refusal(name, f"is no sound file of a tuning: {error}") from error

    def require(self, content: bytes | memoryview) -> None:
        """Refuse the file for anything but what it belongs to.

        Args:
            content: the model that it is going to be applied to.

        Raises:
            ValueError: the model, the processor, the number of usable cores, the runtime, or OpenVINO where the setting
                is one for it, is another one.
        """
        difference = self.identity.difference(TuningIdentity.of(content), engine=self.setting.engine)
        if difference is not None:
            raise _refusal(str(self.path), difference)

    @staticmethod
    def refuse_beside(**others: object) -> None:
        """Refuse settings that came with a file, which chooses them itself.

        Raises:
            ValueError: one of `others`, settings by name, is not None.
        """
        for name, value in others.items():
            if value is not None:
                raise ValueError(f"tuned chooses {name} as well, and {name} is {value!r}; leave one of both out")

    def require_one_replica(self) -> None:
        """Refuse settings for a pool.

        Raises:
            ValueError: the file is for several workers.
        """
        if self.setting.workers > 1:
            raise ValueError(
                f"{self.path} has settings for {self.setting.workers} replicas of the model; use "
                "zl.Pool(model, tuned=...), or tune anew with max_workers=1 (zerolite tune --max-workers 1)"
            )


def _refusal(name: str, reason: str) -> ValueError:
    return ValueError(
        f"{name} {reason}; tune anew, with zl.tune(model).save({name!r}) or zerolite tune MODEL --save {name}"
    )


def _parsed(content: bytes, name: str) -> TunedFile:
    if len(content) > _LONGEST:
        raise ValueError(f"it has more than {_LONGEST} bytes")
    document = json.loads(content.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    _require_keys(document, "")
    if document["schema"] != _SCHEMA or isinstance(document["schema"], bool):
        raise ValueError(f"its schema is {document['schema']!r}, and this version of zerolite reads {_SCHEMA}")
    for place in ("setting", "belongs_to"):
        _require_keys(document[place], place)
    goal, signature, ratio = document["goal"], document["signature"], document["ratio"]
    if goal not in get_args(Goal):
        raise ValueError(f"its goal is {goal!r}, and must be one of {', '.join(map(repr, get_args(Goal)))}")
    if not isinstance(signature, str):
        raise ValueError(f"its signature is {signature!r}, and must be a text")
    if ratio is not None and (
        not isinstance(ratio, int | float) or isinstance(ratio, bool) or not 0 < ratio < math.inf
    ):
        raise ValueError(f"its ratio is {ratio!r}, and must be null or a number above 0")
    identity = document["belongs_to"]
    for key in ("model", "processor", "runtime", "openvino"):
        if not isinstance(identity.get(key, ""), str):
            raise ValueError(f"{key} in belongs_to is {identity[key]!r}, and must be a text")
    if not isinstance(identity["cores"], int) or isinstance(identity["cores"], bool):
        raise ValueError(f"cores in belongs_to is {identity['cores']!r}, and must be a whole number")
    return TunedFile(
        goal=goal,
        signature=signature,
        setting=Setting.from_dict(document["setting"]),
        ratio=ratio,
        identity=TuningIdentity(**identity),
        path=name,
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are unique: with a key twice, nobody could say which value holds."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the field {max(keys, key=keys.count)!r} occurs twice")
    return found


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no number")


def _require_keys(values: object, place: str) -> None:
    where = f" in {place}" if place else ""
    if not isinstance(values, dict):
        raise ValueError(f"there is no object{where}")
    unknown = [key for key in values if key not in _KEYS[place]]
    missing = [key for key in _KEYS[place] if key not in values and key not in _LATER]
    if unknown:
        raise ValueError(f"the field {unknown[0]!r}{where} is unknown")
    if missing:
        raise ValueError(f"the field {missing[0]!r}{where} is missing")
