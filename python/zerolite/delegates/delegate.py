"""What all delegates are."""


class Delegate:
    """Something that can run operators of a model; `load` takes one, or a list in order of preference."""

    __slots__ = ()
