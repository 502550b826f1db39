"""One way of breaking a model's bytes, told in a few words so that it can be repeated."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mutations.editable_model import origins
from tests.mutations.edited_model import edited_model
from tests.mutations.single_operator import OPERATORS, single_operator
from tests.support import model_zoo as zoo

KINDS = ("byte", "word", "splice", "offset")
ALL_KINDS = ("found", "truncation", "operator", "edit", *KINDS)

CRASHERS = Path(__file__).parent / "crashers.txt"
# Files that the fuzzer found, for which there is no recipe.
_FOUND = Path(__file__).parent / "crashers"

# Values that indices, sizes, enumerations, offsets and floats are wrong at, or just past being right.
_WORDS = (0, 1, 2, 3, 0x7F, 0xFF, 0x100, 0x7FFF, 0xFFFF, 0x10000, 2**31 - 1, 2**31, 2**32 - 1, 2**32 - 2, 0x7F800000)


@dataclass(frozen=True)
class Mutation:
    """A model of the zoo, what is done to it, and the number that decides about the rest.

    `number` is the seed of the random choices, or, of a truncation, the length that is left. A model of the kind
    "found" is a file of the folder `crashers`, as it is, one of the kind "operator" is made of that operator alone, and
    one of the kind "edit" was changed by its objects.
    """

    model: str
    kind: str
    number: int

    def __str__(self) -> str:
        return f"{self.model}/{self.kind}/{self.number}"

    @classmethod
    def parse(cls, text: str) -> Mutation:
        """The mutation that `str` gives as text."""
        model, kind, number = text.split("/")
        return cls(model, kind, int(number))

    def bytes(self) -> bytes:
        """The mutated model."""
        if self.kind == "found":
            return _FOUND.joinpath(f"{self.model}.tflite").read_bytes()
        if self.kind == "operator":
            return single_operator(self.model, self.number)
        if self.kind == "edit":
            return edited_model(self.model, self.number)
        content = bytearray(zoo.MODELS.joinpath(f"{self.model}.tflite").read_bytes())
        if self.kind == "truncation":
            return bytes(content[: self.number])
        rng = random.Random(f"{self.model}/{self.kind}/{self.number}")
        if self.kind == "byte":
            for _ in range(rng.choice((1, 1, 1, 2, 3))):
                content[rng.randrange(len(content))] = rng.randrange(256)
        elif self.kind == "word":
            _change_word(content, rng)
        elif self.kind == "offset":
            _change_offset(content, rng)
        elif self.kind == "splice":
            _splice(content, rng)
        else:
            raise ValueError(f"there is no mutation {self.kind!r}; the kinds are {', '.join(ALL_KINDS)}")
        return bytes(content)


def past_crashers(path: Path = CRASHERS) -> list[Mutation]:
    """Those that stand in the lines of a file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Mutation.parse(line.split()[0]) for line in lines if line.strip()]


def random_mutations(models: Sequence[str], count: int, *, seed: int) -> list[Mutation]:
    """As many mutations of each kind, over models by chance."""
    rng = random.Random(seed)
    return [Mutation(rng.choice(models), KINDS[i % len(KINDS)], rng.randrange(2**31)) for i in range(count)]


def single_operators(count: int, *, seed: int) -> list[Mutation]:
    """As many models of each builtin operator, from one place on in the row of those that there are."""
    return [Mutation(operator, "operator", seed * count + i) for operator in OPERATORS for i in range(count)]


def edits(count: int, *, seed: int) -> list[Mutation]:
    """As many edited models, of what there is to begin with by chance."""
    rng = random.Random(seed)
    return [Mutation(rng.choice(origins()), "edit", rng.randrange(2**31)) for _ in range(count)]


def truncations(models: Sequence[str], *, every_length_up_to: int) -> list[Mutation]:
    """Every length of short models, and evenly spread lengths, as many as that, of longer ones."""
    found = []
    for model in models:
        size = zoo.MODELS.joinpath(f"{model}.tflite").stat().st_size
        stride = -(-size // every_length_up_to)
        found += [Mutation(model, "truncation", length) for length in range(0, size, stride)]
    return found


def _change_word(content: bytearray, rng: random.Random) -> None:
    position = 4 * rng.randrange(len(content) // 4)
    (old,) = struct.unpack_from("<I", content, position)
    new = rng.choice((*_WORDS, old + 1, old - 1, old * 2, rng.randrange(2**32), rng.randrange(64)))
    struct.pack_into("<I", content, position, new % 2**32)


def _change_offset(content: bytearray, rng: random.Random) -> None:
    """Let a reference, or an entry of a table of fields, point elsewhere."""
    if rng.random() < 0.5:
        places = [at for at in range(0, len(content) - 3, 4) if 0 < _word(content, at) < len(content) - at]
        place = rng.choice(places)
        # To where another one points, a little to the side, or anywhere behind.
        other = rng.choice(places)
        target = rng.choice((other + _word(content, other), place + _word(content, place) + rng.choice((-8, -4, 4, 8))))
        new = target - place if target > place else rng.randrange(len(content) - place)
        struct.pack_into("<I", content, place, new % 2**32)
        return
    places = [at for at in range(0, len(content) - 1, 2) if 4 <= struct.unpack_from("<H", content, at)[0] <= 64]
    place = rng.choice(places)
    struct.pack_into("<H", content, place, rng.choice((0, 2, 4, 6, 7, 8, 12, 16, 20, 24, 28, 32, 60, 65535)))


def _splice(content: bytearray, rng: random.Random) -> None:
    """Overwrite, insert or cut out a run of bytes; what comes in is from the model itself."""
    length = rng.choice((4, 4, 8, 16, 32, rng.randrange(1, 128)))
    source = rng.randrange(len(content))
    target = rng.randrange(len(content))
    if rng.random() < 0.7:
        source, target = source & ~3, target & ~3
    run = content[source : source + length]
    how = rng.random()
    if how < 0.6:
        content[target : target + len(run)] = run
    elif how < 0.8:
        content[target:target] = run
    else:
        del content[target : target + length]


def _word(content: bytearray, position: int) -> int:
    word: int = struct.unpack_from("<I", content, position)[0]
    return word
