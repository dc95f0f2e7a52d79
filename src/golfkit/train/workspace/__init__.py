"""The workspace: the folder in which a contest is worked on."""
