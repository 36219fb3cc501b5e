"""`python -m course_lib.cli` is the same as `course`."""

from course_lib.cli.app import main

if __name__ == "__main__":
    main()
