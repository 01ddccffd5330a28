"""States over time, on a clock that tests wind."""


def test_states_advance_from_pending_over_initializing_to_running(emulator) -> None:
    """Whoever waits for an endpoint must see what the service shows."""
    emulator.create()
    seen = [emulator.state()]
    emulator.advance(21)
    seen.append(emulator.state())
    emulator.advance(138)
    seen.append(emulator.state())

    assert seen == ["pending", "initializing", "running"]
