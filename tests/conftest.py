"""What holds for all tests."""

from hypothesis import HealthCheck, settings

# how quickly a shared machine makes examples says nothing about the product
settings.register_profile("openccp", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("openccp")
