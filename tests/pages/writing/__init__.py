"""Writing on the page Author: drafts, and several people at one set."""
