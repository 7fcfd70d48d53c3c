"""What real browsers make of it. Without them these tests skip; see `conftest.py`."""
