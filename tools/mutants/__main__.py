"""`python -m tools.mutants [MODULE...]`: which faults in the metrics their tests do not notice.

Ends with exit code 1 where a fault survives the tests that `equivalent.py` does not say changes nothing.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from hypothesis import Phase, settings

from tools.mutants.equivalent import EQUIVALENT
from tools.mutants.mutations import Mutant, mutants_of
from tools.mutants.trials import FAILED, PASSED, Trial, module_path

# Most changes are noticed by the first tests, which are quick; the others are tried where these pass.
_VALUES = tuple(
    f"tests/metrics/test_{name}.py"
    for name in ("class_values", "label_values", "order_values", "number_values", "pixel_values", "metric_choice")
)
_OTHERS = (
    "tests/evaluation/test_evaluate_metrics.py",
    "tests/metrics/test_masks.py",
    "tests/metrics/test_thresholds.py",
)
_CLASSES, _LABELS, _ORDER, _NUMBERS, _PIXELS, _CHOICE = ((path,) for path in _VALUES)
#: Module, without "zerolite." -> groups of its tests.
MODULES = {
    "evaluation.metrics.choice": (_CHOICE, _VALUES, _OTHERS),
    "evaluation.metrics.classification": (_CLASSES, _VALUES, _OTHERS),
    "evaluation.metrics.metric": (_CHOICE, _OTHERS),
    "evaluation.metrics.multilabel": (_LABELS, _VALUES, _OTHERS),
    "evaluation.metrics.ranking": (_ORDER, _CHOICE, _OTHERS),
    "evaluation.metrics.regression": (_NUMBERS, _CHOICE, _OTHERS),
    "evaluation.metrics.scores": (_LABELS, _CLASSES, _OTHERS),
    "evaluation.metrics.segmentation": (_PIXELS, _CHOICE, _OTHERS),
    "layers.layer_error": (("tests/metrics/test_layer_errors.py",), ("tests/measuring/test_layers.py",)),
}
# What tests import besides, so that it is there before the forks; nothing that imports a metric.
_IMPORTED = (
    "ai_edge_litert.interpreter",
    "sklearn.metrics",
    "zerolite._data.open",
    "zerolite._inference.model",
    "zerolite._instrumentation",
    "zerolite._runners",
    "zerolite._timing.interleaved",
    "zerolite.tasks",
    "zerolite.vision",
)
# No plugin and no rewriting of assertions: nobody reads why a test fails, and both take longer than the quick tests.
_BARE = ("--disable-plugin-autoload", "--assert=plain", "-p", "_hypothesis_pytestplugin", "-p", "no:cacheprovider")
_OPTIONS = ("-x", "-q", "-m", "not slow", *_BARE, "--hypothesis-profile=mutants")
_LEAST_SECONDS = 20.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Try every change of the chosen modules."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"of {', '.join(MODULES)}; all by default")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args(arguments)
    # Nothing is kept of an example that a change broke, and no smaller one is looked for.
    settings.register_profile(
        "mutants", deadline=None, max_examples=25, database=None, phases=[Phase.explicit, Phase.generate]
    )
    for name in _IMPORTED:
        importlib.import_module(name)
    too_early = [name for name in MODULES if f"zerolite.{name}" in sys.modules]
    if too_early:
        raise SystemExit(
            f"what is imported before the forks imports {too_early[0]}, which could not be changed any more"
        )
    return 1 if sum(_try_module(name, chosen.jobs) for name in chosen.modules or MODULES) else 0


def _try_module(name: str, jobs: int) -> int:
    """Print what becomes of each change of a module; how many survive without a reason."""
    module = f"zerolite.{name}"
    path = module_path(module)
    alive = list(mutants_of(Path(path).read_text(encoding="utf-8"), path))
    count = len(alive)
    for tests in MODULES[name]:
        alive = _survivors(module, alive, tests, jobs)
    known = EQUIVALENT.get(name, {})
    explained = [one for one in alive if one.name in known]
    print(f"{name}: {count} changes, {count - len(alive)} noticed, {len(explained)} change nothing", flush=True)
    for mutant in sorted(alive, key=lambda one: one.line):
        if mutant.name not in known:
            print(f"  survived, line {mutant.line}: {mutant.name}", flush=True)
    for stale in sorted(set(known) - {one.name for one in alive}):
        print(f"  equivalent.py names what is noticed, or is not there any more: {stale}", flush=True)
    return len(alive) - len(explained)


def _survivors(module: str, mutants: Sequence[Mutant], tests: Sequence[str], jobs: int) -> list[Mutant]:
    """The changes that these tests do not notice."""
    before = os.times()
    if _wait(Trial(module, None, [*_OPTIONS, *tests], 600.0)) != PASSED:
        raise SystemExit(f"without a change of {module} its tests fail: pytest {' '.join(tests)}")
    after = os.times()
    taken = after.children_user + after.children_system - before.children_user - before.children_system
    seconds = _LEAST_SECONDS + 5 * taken
    waiting = list(mutants)
    running: list[tuple[Mutant, Trial]] = []
    found: list[Mutant] = []
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop(0)
            running.append((mutant, Trial(module, mutant.code, [*_OPTIONS, *tests], seconds)))
        for one in [one for one in running if one[1].poll()]:
            running.remove(one)
            mutant, trial = one
            if trial.result == PASSED:
                found.append(mutant)
            elif trial.result != FAILED:
                raise SystemExit(f"pytest ended with exit code {trial.result}, which says nothing about the tests")
    return found


def _wait(trial: Trial) -> int | None:
    while not trial.poll():
        pass
    return trial.result


if __name__ == "__main__":
    sys.exit(main())
