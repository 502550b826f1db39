"""The fastest setting of a model, searched for when it is first asked for, and kept in the user's cache folder."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from zerolite import _native
from zerolite._platform.files import make_private_folder, user_cache_folder
from zerolite._platform.fresh_python import Limits, run
from zerolite.tuned.tuned_file import Goal, TunedFile
from zerolite.tuned.tuning_identity import TuningIdentity

__all__ = ["AUTOMATIC", "BUDGET_S", "kept_path", "tuning_for"]

#: What `tuned` is called in the place of a file's path.
AUTOMATIC = "auto"

#: Seconds that a search may take. Starting the process in which it runs comes on top.
BUDGET_S = 3.0

#: Grows when a search tries what it did not try before.
_SEARCH = 3
# For a search that never ends, and far beyond what any other needs.
_SECONDS = 60.0
_ADDRESS_SPACE = 1 << 46

_PROGRAM = "from zerolite.tuning.automatic_program import main; main({path!r}, {goal!r}, {signature!r}, {budget_s!r})"


def tuning_for(
    tuned: str | os.PathLike[str],
    content: Callable[[], bytes | memoryview],
    *,
    goal: Goal,
    signature: str | None = None,
) -> TunedFile | None:
    """What `tuned` stands for: the file of that path; or, for "auto", the fastest setting found for the model.

    The latter is believed only where nobody else can have written it, and it belongs to the model's content, the
    machine and the versions of zerolite and the runtime. Else it is searched for, in a process of its own, so that
    neither the threads of this process and those of the search disturb one another, nor a setting that ends a process
    ends this one. None where that came to nothing, so that the model is loaded as without a tuning.

    Args:
        tuned: the path, or "auto".
        content: gives the model, for "auto".
        goal: what the setting is to be the best for.
        signature: the key of the signature that counts; None is the default one.

    Raises:
        OSError, ValueError, TypeError: as `TunedFile.read` raises them, for a path.
    """
    if tuned != AUTOMATIC:
        return TunedFile.read(tuned)
    model = content()
    identity = TuningIdentity.of(model)
    kept = None
    with contextlib.suppress(RuntimeError):  # without a home nothing is kept
        kept = kept_path(identity, goal=goal, signature=signature)
    found = None if kept is None else _read(kept, identity, goal)
    if found is None:
        found = _searched(model, identity, goal=goal, signature=signature)
        if found is not None and kept is not None:
            _keep(found, kept)
    return found


def kept_path(identity: TuningIdentity, *, goal: Goal, signature: str | None = None) -> Path:
    """The file that a setting is kept in.

    Raises:
        RuntimeError: the user has no home.
    """
    key = "\n".join((_native.__version__, str(_SEARCH), repr(identity), goal, repr(signature)))
    return user_cache_folder() / "tunings" / f"{hashlib.sha256(key.encode()).hexdigest()}.json"


def _read(path: Path, identity: TuningIdentity, goal: Goal) -> TunedFile | None:
    """The setting that a file holds; None for one that is not there, is damaged, not to be believed or of another."""
    with contextlib.suppress(OSError, ValueError):
        found = TunedFile.read(path)
        if found.goal == goal and found.identity == identity:
            return replace(found, path=None)
    return None


def _keep(found: TunedFile, path: Path) -> None:
    """Write the setting down, where that can be done."""
    with contextlib.suppress(OSError):
        make_private_folder(path.parent)
        _native.require_trusted_folder(os.fsencode(path.parent))
        found.write(path)


def _searched(
    content: bytes | memoryview, identity: TuningIdentity, *, goal: Goal, signature: str | None
) -> TunedFile | None:
    """What a search in a process of its own finds; None when it ends without a result."""
    limits = Limits(seconds=_SECONDS + BUDGET_S * identity.cores, address_space=_ADDRESS_SPACE)
    environment = {"ZEROLITE_RUNTIME": _native.runtime_path()}
    try:
        with tempfile.TemporaryDirectory(prefix="zerolite-tuning-") as folder:
            path = Path(folder) / "tuned.json"
            program = _PROGRAM.format(path=str(path), goal=goal, signature=signature, budget_s=BUDGET_S)
            run(program, stdin=content, environment=environment, limits=limits)
            return _read(path, identity, goal)
    except (OSError, RuntimeError):
        return None
