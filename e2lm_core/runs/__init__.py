"""Runs of sets on checkpoints: requests, queue, worker, result store, set state; uses all below it.

Start here:
    `studio.open_studio`: Open the studio of some settings, with a new home and database if there are none.
    `studio.Studio`: Store, queue, catalogue and backend, the first argument of most services.
    `results.load_measurements`: Stored log-likelihoods of a set as `Measurements`; computes nothing.
    `state.fleet_of_set`: Checkpoints and number of few-shot examples of a set's last run.
    `state.state_by_coverage`: State of a set without an open run: never run, stale or up to date.
    `start.submit_run`: Queue a run of a set for a worker process.
    `evaluate.evaluate`: Compute a set's missing results and store them.
    `worker.run_worker`: Run queued jobs until there are none left, or until SIGTERM.
    `queue.queue.JobQueue`: Queued, running and finished jobs of one database.
    `store.loglikelihood_store.LoglikelihoodStore`: Stored log-likelihoods by scope and request digest.
"""
