"""The campaign: `python -m tests.mutations --count 20000 --verify full`."""

from __future__ import annotations

import argparse
import collections
import json
import time
from pathlib import Path

from tests.mutations.mutation import (
    ALL_KINDS,
    Mutation,
    edits,
    past_crashers,
    random_mutations,
    single_operators,
    truncations,
)
from tests.mutations.trial import ENDS, try_all
from tests.support import model_zoo as zoo

_REPORTED = ("died", "hung", "failed")


def main() -> None:
    """Run the campaign, print each death as it happens, and the counts at the end."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("--count", type=int, default=2000, help="random mutations, over all models")
    parser.add_argument("--lengths", type=int, default=0, metavar="N", help="truncations, at most N of each model")
    parser.add_argument("--operators", type=int, default=0, metavar="N", help="models of one operator, N of each")
    parser.add_argument("--edits", type=int, default=0, metavar="N", help="models that were changed by their objects")
    parser.add_argument("--seed", type=int, default=0, help="chooses the mutations")
    parser.add_argument("--verify", choices=("structure", "full", "isolated"), default="structure")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="try the mutations that stand in lines of a file")
    parser.add_argument("--json", action="store_true", help="print the counts as JSON")
    arguments = parser.parse_args()

    mutations = _mutations(arguments)
    counts: collections.Counter[tuple[str, str]] = collections.Counter()
    started = time.monotonic()
    for mutation, outcome in try_all(mutations, verify=arguments.verify):
        counts[mutation.kind, outcome.kind] += 1
        if outcome.kind in _REPORTED or arguments.replay:
            words = " ".join(outcome.words.split())[:300].encode("ascii", "backslashreplace").decode()
            print(mutation, outcome.kind, words, flush=True)
    seconds = time.monotonic() - started
    if arguments.json:
        table = {kind: {end: counts[kind, end] for end in ENDS} for kind in ALL_KINDS}
        print(json.dumps({"verify": arguments.verify, "seed": arguments.seed, "seconds": seconds, "counts": table}))
        return
    print(f"verify={arguments.verify!r}, {len(mutations)} mutations, {seconds:.0f} s")
    print("".join(f"{word:>12}" for word in ("", *ENDS)))
    for kind in ALL_KINDS:
        print("".join(f"{word:>12}" for word in (kind, *(counts[kind, end] for end in ENDS))))
    print("".join(f"{word:>12}" for word in ("all", *(_total(counts, end) for end in ENDS))))


def _mutations(arguments: argparse.Namespace) -> list[Mutation]:
    if arguments.replay:
        return past_crashers(arguments.replay)
    models = list(zoo.load_manifest())
    found = random_mutations(models, arguments.count, seed=arguments.seed)
    found += single_operators(arguments.operators, seed=arguments.seed)
    found += edits(arguments.edits, seed=arguments.seed)
    return found + (truncations(models, every_length_up_to=arguments.lengths) if arguments.lengths else [])


def _total(counts: collections.Counter[tuple[str, str]], end: str) -> int:
    return sum(count for (_, kind), count in counts.items() if kind == end)


if __name__ == "__main__":
    main()
