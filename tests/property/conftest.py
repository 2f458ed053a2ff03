"""Property tests search the same cases on every machine; `HYPOTHESIS_PROFILE=search` looks further, by chance,
and `HYPOTHESIS_PROFILE=first` stops at the first case found, without looking for a smaller one."""

import os

from hypothesis import HealthCheck, Phase, settings

_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
settings.register_profile("ci", derandomize=True, database=None, max_examples=60, stateful_step_count=60, **_COMMON)
settings.register_profile("search", max_examples=2000, stateful_step_count=120, **_COMMON)
settings.register_profile("first", max_examples=300, stateful_step_count=60, phases=[Phase.generate], **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
