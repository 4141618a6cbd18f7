"""`python -m rlmlab.embedded`: what `manage.py up` becomes. Says in one line which package is missing."""

import sys

try:
    from rlmlab.embedded.up import main
except ModuleNotFoundError as error:
    sys.exit(f"Error: The Python package {error.name} is missing. Run `make setup`.")

sys.exit(main())
