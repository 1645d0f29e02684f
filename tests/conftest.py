"""Settings for every test."""

from hypothesis import HealthCheck, settings

# A shared machine is slow at times, and a test is no benchmark: no example fails for its time.
settings.register_profile(
    "house", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile("house")
