"""Tests of sets/desk."""
