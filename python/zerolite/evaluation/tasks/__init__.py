"""Evaluation of tasks: how right their answers are, by the measures that their fields agree on."""

from zerolite.evaluation.tasks.evaluate import evaluate_task

__all__ = ["evaluate_task"]
