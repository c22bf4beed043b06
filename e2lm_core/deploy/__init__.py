"""Studio as a service: home, Space, data set, health and log; uses base, people, sets and runs.

Start here:
    `logs.log_event`: One line of the log, never with text that a user typed.
    `health.health`: State of a running studio, for its operator.
    `home.mounts.persistence_risk`: Warning for visitors if a restart loses saved data; else None.
    `home.backup.write_backup`: The whole home in one file, while others go on writing.
    `home.restore.restore`: Replace the home by the content of a backup.
    `home.auto_backup.AutoBackup`: Thread that writes a backup periodically.
    `dataset.publishing.plan_publish`: Differences of a set from its data set on the hub; changes nothing.
    `dataset.publishing.publish`: Apply this plan, and return the new commit.
    `space.deployment.plan_deployment`: Steps from a Space's state to the wanted one; changes nothing.
    `space.deployment.deploy`: Apply these steps, and return the new commit.
"""
