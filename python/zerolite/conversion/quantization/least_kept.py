"""The fewest layers that have to stay in float."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from zerolite.conversion.quantization.layer_loss import LayerLoss

__all__ = ["least_kept"]

# Each costs a quantization and an evaluation.
_MOST_LEFT_OUT = 16


def least_kept(losses: Sequence[LayerLoss], is_met: Callable[[tuple[str, ...]], bool]) -> tuple[str, ...] | None:
    """The names of layers with which a goal is met, and without any one of which it is not.

    The layers at the front are tried first, in prefixes of doubling length and then by bisection; what the prefix does
    not need after all is left out again, the layer with most weights first. Of more than 16 layers, only 16 are tried
    so.

    Args:
        losses: the layers, from the one that loses most to the one that loses least.
        is_met: whether the goal is met with these layers in float. Is asked once for each choice.

    Returns:
        The layers in the order of `losses`; None where not even all of them are enough.
    """
    names = [one.name for one in losses]
    few, enough = -1, 0
    while not is_met(tuple(names[:enough])):
        if enough == len(names):
            return None
        few, enough = enough, min(max(1, 2 * enough), len(names))
    while enough - few > 1:
        middle = (few + enough) // 2
        if is_met(tuple(names[:middle])):
            enough = middle
        else:
            few = middle
    kept = losses[:enough]
    # Without its last layer, the prefix was tried already.
    for one in sorted(kept[:-1], key=lambda loss: -loss.constant_bytes)[:_MOST_LEFT_OUT]:
        rest = [other for other in kept if other is not one]
        if is_met(tuple(other.name for other in rest)):
            kept = rest
    return tuple(one.name for one in kept)
