"""Question sets: collection, edits, versions, checks, prompts and file formats; uses base and people.

Start here:
    `collection.list_sets`: All sets of the caller: own sets, shared ones and examples.
    `collection.find_set`: Entry of the collection for a name, an address or a path; the set is not read.
    `collection.open_set`: The set of a name, an address or a path, read from its folder.
    `folder.files.read_task`: The set in an lm-eval task folder.
    `folder.files.task_files`: The files of a set's task folder, the same bytes for the same set.
    `prompts.render.render_set`: Context and continuations of every question, with few-shot examples.
    `checks.check.find_problems`: Errors and warnings about a set before any run.
    `authoring.preview_import`: Questions and problems of a file in any known format; saves nothing.
    `authoring.merge_edits`: Save edited questions by three-way merge with others' changes.
    `versions.list_versions`: Stored versions of a set, oldest first.
"""
