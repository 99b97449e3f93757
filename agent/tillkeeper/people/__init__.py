"""Who works here: roster, roles, sign-in, hours. Pure; the desks that keep it are `till/people.py` and `till/hours.py`."""
