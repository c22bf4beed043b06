"""E2LM Task Studio: the library beneath the browser app and the command line.

Imports go only downwards (a test checks it):

    L0  errors, records, settings
    L1  pure: values and arrays in, values out
    L2  one outside thing each: disk, lm-eval files, torch, SQLite, sentence-transformers
    L3  services: plain functions over stores and backends
    L4  charts, ui; then app.py, pages/ and the command line
"""

__version__ = "0.1.0"
