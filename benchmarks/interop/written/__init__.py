"""Files that other tools write of the ladder's own checkpoints, to be read by `import-results`.

`python -m benchmarks.interop.written` makes an environment, installs lighteval and Inspect there and lets them write.
"""
