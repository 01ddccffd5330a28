"""Where a token may go: which addresses are an endpoint's, and how a request's address is made from one.

`status.url` is data from outside. It is compared as parsed, by whole labels, and requests are made from the parts that
were compared, never from the text, so that no two readers of the text can disagree about the host.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

DOMAIN: Final = "endpoints.huggingface.cloud"
"""Every endpoint's host ends so; a custom domain does not, and gets no token."""

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST: Final = re.compile(rf"(?:{_LABEL}\.)+{re.escape(DOMAIN)}")
_CLEAN: Final = re.compile(r"[A-Za-z0-9._~:/\[\]-]+")
_CLEAN_PATH: Final = re.compile(r"/[A-Za-z0-9._~:/!$&'()*+,;=%?-]*")
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of a base address after they were found acceptable. `path` has no slash at its end."""

    scheme: str
    host: str
    port: int
    path: str = ""

    @property
    def is_private(self) -> bool:
        """Whether the host is, by its text alone, this machine or a private network."""
        try:
            return not ipaddress.ip_address(self.host).is_global
        except ValueError:
            return self.host == "localhost" or self.host.endswith(".localhost")

    def to(self, path: str) -> str:
        """The full address of a path that begins with a slash."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if _PORTS[self.scheme] == self.port else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}{path}"


def allowed_host(url: str, api_url: str) -> bool:
    """Whether requests with a token may go to this address."""
    return endpoint_address(url, api_url) is not None


def endpoint_address(url: str, api_url: str) -> Address | None:
    """The address of an endpoint, or None when it is not one that may get a token.

    With a management API on the internet: https, default port, a host below `endpoints.huggingface.cloud`. With one on
    this machine or a private network (an emulator, chosen by the operator): exactly its scheme, host and port, and
    nothing else, so that a made-up token never leaves either.
    """
    address, api = _parse(url), _parse(api_url)
    if address is None or api is None:
        return None
    if api.is_private:
        same = (address.scheme, address.host, address.port) == (api.scheme, api.host, api.port)
        return address if same else None
    is_ours = address.scheme == "https" and address.port == 443 and _HOST.fullmatch(address.host) is not None
    return address if is_ours else None


def is_path(text: str) -> bool:
    """Whether a health route is a path and nothing that could name another host."""
    return not text.startswith("//") and ".." not in text and _CLEAN_PATH.fullmatch(text) is not None


def is_inside(address: str) -> bool:
    """Whether an IP address is one that no endpoint of the service has: private, loopback, link-local, reserved."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return True
    mapped = getattr(found, "ipv4_mapped", None)
    return not (mapped or found).is_global


def _parse(url: str) -> Address | None:
    """Refuses everything that two parsers could read differently: user names, escapes, odd characters, queries."""
    if not _CLEAN.fullmatch(url):
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not host or parts.netloc.endswith(":") or ".." in parts.path:
        return None
    return Address(parts.scheme, host, _PORTS[parts.scheme] if port is None else port, parts.path.rstrip("/"))
