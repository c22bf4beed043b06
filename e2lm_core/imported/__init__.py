"""Imported results, joined to curves and saved; uses base, people, scores, analysis and checkpoints.

Start here:
    `read_results.import_path`: Results in a local file, folder or zip.
    `read_results.import_uploads`: Results in uploaded files, read in the sandbox.
    `records.Imported`: Curves, per-question measurements and problems of one import.
    `records.Curve`: One metric of one model on one task, in step order.
    `records.Evaluation`: Scores of one checkpoint on one task, as a reader of a format returns them.
    `checkpoint_identity.CheckpointResolver`: Model, step and tokens seen for a model name in a file.
    `scores.quality_frame`: SQ of imported curves as a table.
    `documents.document`: Imported results as a JSON document.
    `saved_imports.save_import`: Save an import under a name.
    `saved_imports.open_saved`: Saved import of a name.
"""
