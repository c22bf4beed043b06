"""Exports of a set: bundle, report, results, provenance; uses all rooms below but engine and imported.

Start here:
    `submission.check_findings`: Findings of all checks of a set, errors first.
    `submission.build_bundle`: The set as a zip of an lm-eval task folder.
    `patch.submission`: The competition's submission of a set: patch and metadata in one zip.
    `upstream.pull_request`: Files of a pull request to lm-evaluation-harness in one zip.
    `verify.verify_bundle`: Comparison of the harness and the studio on a bundle at one checkpoint.
    `report.build_report`: Scores, curves and provenance of a set as one JSON document.
    `html.render`: This report as HTML.
    `card.sections.build_sections`: Sections on a set's results for the card of a published set.
    `results.outgoing.collect_results`: Complete results of a set, for other tools' formats.
    `provenance.build_provenance`: Versions, digests, fingerprints, seeds and date of a set's results.
"""
