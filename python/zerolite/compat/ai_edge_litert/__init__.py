"""Modules of ai_edge_litert by the names that they have there."""
