"""Files that other tools write of the ladder's own checkpoints, for the tests that read them.

`python -m benchmarks.interop.written` makes an environment, installs lighteval and Inspect there and lets them write.
"""
