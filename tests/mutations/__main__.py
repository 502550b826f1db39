from __future__ import annotations

import argparse
import collections
import sys
import time

from tests import model_zoo as zoo
from tests.mutations.mutation import Mutation, random_mutations, truncations
from tests.mutations.trial import try_all


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--count", type=int, default=2000)
    p.add_argument("--verify", default=None)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--truncations", type=int, default=0)
    p.add_argument("--only", default=None)
    a = p.parse_args()
    names = list(zoo.load_manifest())
    if a.only:
        todo = [Mutation.parse(line.split()[0]) for line in open(a.only)]
    else:
        todo = random_mutations(names, a.count, seed=a.seed)
        if a.truncations:
            todo += truncations(names, every_length_up_to=a.truncations)
    options = {"verify": a.verify} if a.verify else {}
    counts = collections.Counter()
    t = time.time()
    for m, o in try_all(todo, **options):
        counts[m.kind, o.kind] += 1
        if a.only or o.kind in ("died", "hung", "failed") :
            print(m, o.kind, o.words[:300].replace("\n", " | "), flush=True)
    print(dict(counts), f"{time.time()-t:.1f} s", file=sys.stderr)


main()
