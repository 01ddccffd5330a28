"""What stops people, looked at one thing at a time: each check says what it found, what cures it, and what it skipped.

finding     what one check says, and what may be done about it
machine     the Pulumi engine, the SDK, the interpreter of the stack program
backend     the lock, the checkpoint and its companions in a file backend, what a killed run left in the state
processes   plugin processes that have outlived their engine
stand_in    the emulator that a checkout keeps in the background
service     the management API, the clock, the token and its rights, the namespace and its billing

Nothing here raises because something is broken, and nothing is changed by looking: what can be mended comes as a
`Mend`, which the caller carries out after asking.
"""

from hfdeploy.doctor.finding import Finding, Level, Mend

__all__ = ["Finding", "Level", "Mend"]
