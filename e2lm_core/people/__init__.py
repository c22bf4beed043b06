"""People: accounts, workspaces, access and sharing, quotas; uses base.

Start here:
    `accounts.Person`: A person or visitor with a workspace.
    `accounts.sign_in`: Person of a provider's account, created at the first sign-in.
    `accounts.require_administrator`: Refuse a caller who is not an administrator.
    `access.resolve_set`: Workspace and name of a set for a caller with the needed role.
    `access.role_of`: The caller's role on another person's set; None without access.
    `access.reads`: Decorator of a service for readers, editors and the owner of a set.
    `access.edits`: Decorator of a service for editors and the owner of a set.
    `access.require_member`: Refuse a visitor, with or without a guest workspace.
    `quotas.check_quota`: Refuse an addition beyond the caller's quota.
    `sharing.share`: Give a person a role on an own set.
"""
