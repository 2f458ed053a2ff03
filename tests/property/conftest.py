"""Property tests try the same cases on every machine and stop at the first that fails.

`HYPOTHESIS_PROFILE=search` looks further, by chance, and then for the smallest case that fails.
"""

import os

from hypothesis import HealthCheck, Phase, settings

_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
settings.register_profile(
    "ci",
    derandomize=True,
    database=None,
    max_examples=60,
    stateful_step_count=60,
    phases=[Phase.explicit, Phase.generate],
    **_COMMON,
)
settings.register_profile("search", max_examples=2000, stateful_step_count=120, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
