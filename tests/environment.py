"""What settings find in the environment, whatever the shell of whoever runs the tests holds. Loaded before Django."""

import os
from pathlib import Path

VAR = Path(__file__).parent.parent / "var" / "tests"

for name in [name for name in os.environ if name.startswith("CLASSIFR_") and not name.startswith("CLASSIFR_TEST")]:
    if name != "CLASSIFR_FOOD101":
        del os.environ[name]
os.environ.pop("DEBUG", None)
os.environ["SECRET_KEY"] = "tests-need-no-secret"
os.environ["CLASSIFR_VAR"] = str(VAR)
(VAR / "static").mkdir(parents=True, exist_ok=True)
