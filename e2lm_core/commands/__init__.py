"""The command line, a module a subject: what a page can do, a command can do; uses all but charts and ui."""
