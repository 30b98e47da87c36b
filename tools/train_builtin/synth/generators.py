"""All procedural generators: importing their modules registers them."""

from tools.train_builtin.synth import (
    generators_bells,
    generators_birds,
    generators_blasts,
    generators_crowds,
    generators_friction,
    generators_impacts,
    generators_insects,
    generators_machines,
    generators_mammals,
    generators_people,
    generators_signals,
    generators_vehicles,
    generators_water,
    generators_weather,
)
from tools.train_builtin.synth.registry import GENERATORS

__all__ = [
    "GENERATORS",
    "generators_bells",
    "generators_birds",
    "generators_blasts",
    "generators_crowds",
    "generators_friction",
    "generators_impacts",
    "generators_insects",
    "generators_machines",
    "generators_mammals",
    "generators_people",
    "generators_signals",
    "generators_vehicles",
    "generators_water",
    "generators_weather",
]
