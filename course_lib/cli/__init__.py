"""The `course` command; see `course --help`."""
