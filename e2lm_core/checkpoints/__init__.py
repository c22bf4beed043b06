"""Checkpoints with step and tokens seen: catalogue, families, folders, hub, ladder; uses base, people.

Start here:
    `catalogue.open_catalogue`: Catalogue of all models and checkpoints that the settings name.
    `catalogue.Catalogue`: The models, their checkpoints in step order, and problems of single sources.
    `family_catalogue.FAMILIES`: Known model families, with the patterns of their checkpoint names.
    `families.CheckpointLocation`: Branch, tag or folder of a checkpoint, with step and tokens seen.
    `unpacking.ensure_directory`: Folder to load a checkpoint from, unpacked or downloaded first if necessary.
    `fingerprints.fingerprint`: Digest of a checkpoint's content, the model's part of every result's key.
    `user_folders.add_folder`: Add a folder of this machine to the catalogue.
    `hub.added_models.add_checkpoints`: Add checkpoints of a model on a hub; only the listing is downloaded.
    `hub.added_models.evict_checkpoints`: Delete downloads of checkpoints; results stay.
    `ladder.training_facts.known_answers`: Question id → whether its answer is a training fact.
"""
