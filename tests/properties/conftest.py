"""How the property tests run: the same cases each time, and no case is kept on disk.

A machine that is busy makes a case slow, not wrong, so that no case has a deadline.
"""

from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

settings.register_profile(
    "course",
    max_examples=100,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("course")
# Hypothesis also draws constants that it finds in the modules imported so far, and keeps them in
# .hypothesis: the cases would depend on which tests a worker ran before. There is no setting.
providers._get_local_constants = lambda: providers._local_constants
