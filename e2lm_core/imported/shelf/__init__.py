"""The shelf: public learning curves of known benchmarks that come with the package, figures alone.

Start here:
    `library.benchmarks`: What is on the shelf, without reading a curve.
    `library.open_curves`: The curves of one benchmark, as those of an import.
    `library.sources`: Where the figures are from: repository, commit, licence.
    `decisions.benchmark_stops`: Tokens from which on who is ahead at the end is stated with 80 or 90%.
    `overview.overview`: SQ, onset above chance and neighbours apart of one benchmark.
"""
