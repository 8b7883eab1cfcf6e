"""How a debt is paid off over time: limits, affordability, schedules, offers, states."""
