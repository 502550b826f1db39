"""Tests of models in the frameworks of others."""
