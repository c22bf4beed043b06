"""Tests of what stands around a deployed studio."""
