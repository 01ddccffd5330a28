"""Whom a connection may lead to: which addresses a name can have, and what a refused certificate looks like. Pure."""

import ipaddress
import ssl
from collections.abc import Callable
from typing import TypeAlias

Where: TypeAlias = Callable[[str], bool]
"""Whether an IP address may be connected to. Asked about the very address that is used, so that no second lookup of a
name can answer differently."""


def anywhere(_address: str) -> bool:
    """For what somebody chose, and for proxies."""
    return True


def here(address: str) -> bool:
    """This machine: all that may be talked to without https."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


def on_the_internet(address: str) -> bool:
    """Not private, loopback, link-local or reserved: where a public service is, whatever a name server says."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_global


def is_refused_certificate(failure: BaseException | None) -> bool:
    """Whether TLS was refused, rather than cut off: another try would meet the same certificate."""
    while failure is not None:
        if isinstance(failure, ssl.SSLError):
            return not isinstance(failure, ssl.SSLEOFError | ssl.SSLZeroReturnError | ssl.SSLSyscallError)
        failure = failure.__cause__ or failure.__context__
    return False
