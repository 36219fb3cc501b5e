"""Whether anybody is there to click: widgets are for people, pictures and text for programs."""

import sys


def has_listener() -> bool:
    """Say whether someone sits in front of this kernel.

    Programs that execute notebooks (nbclient, nbval, nbconvert) do not let the kernel ask for
    input; front ends with a person before them do. Outside a kernel there is nobody.

    Example:
        >>> has_listener()
        False
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return bool(getattr(getattr(shell, "kernel", None), "_allow_stdin", False))
