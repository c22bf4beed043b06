"""Trials of variants of a set, computed in memory and never stored: wrong answers, orders of choices, question formats."""
