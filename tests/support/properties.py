"""How property tests look for cases: `--hypothesis-profile` chooses.

| profile | where | cases |
|---|---|---|
| `search` | pytest by hand | new ones each time; one that failed is tried again first |
| `same` | `make test`, `make mutation` | the same ones each time, in whichever order tests run |
| `soak` | `make soak` | ten times as many, from the seed that it names |

What fails prints a `@reproduce_failure` that brings the case back, by itself and in every profile.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import walk_packages

from hypothesis import HealthCheck, settings

import chatkey
import gateway


def register() -> None:
    """Make the profiles known, and `search` the one that holds unless another one is asked for."""
    # A busy machine is no failure.
    settings.register_profile("search", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
    search = settings.get_profile("search")
    settings.register_profile("same", search, derandomize=True, database=None)
    settings.register_profile("soak", search, max_examples=10 * search.max_examples)
    settings.load_profile("search")


def settle() -> None:
    """Import all of our code, if the cases have to be the same.

    Hypothesis takes some of its values from the constants in what is imported, and we import some only where it is
    needed: what was imported by then would depend on which tests ran before.
    """
    if settings.get_current_profile_name() != "same":
        return
    for package in (gateway, chatkey):
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                import_module(module.name)
