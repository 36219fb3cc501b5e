import subprocess
import sys


def test_importing_the_door_opens_nothing_heavy() -> None:
    code = (
        "import sys, course_lib.data as data; print(sorted({'datasets', 'datasketch', 'gensim', "
        "'huggingface_hub', 'matplotlib', 'mwparserfromhell', 'pandas', 'pyarrow', 'torch', "
        "'transformers'} "
        "& set(sys.modules))); assert all(hasattr(data, name) for name in data.__all__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
