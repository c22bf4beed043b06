"""Studies of the guards: how often a set that means nothing, or whose keys are wrong, passes for a good one."""
