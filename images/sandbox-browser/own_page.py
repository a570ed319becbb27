"""Whom noVNC's server (websockify) lets at the display: the page that it serves itself, and what is no page.

A browser lets any page connect to any address and says only which page it is. Without this, whatever a person has open while the port is
published on loopback could watch and drive the agent's browser.
"""

from ipaddress import ip_address
from urllib.parse import urlsplit

from websockify.auth_plugins import AuthenticationError


def is_nobodys_name(host):
    """Whether it is an address or localhost. A name can be pointed here by whoever owns it, and its page would then be of the same origin."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or bool(ip_address(name))
    except ValueError:
        return False


class OwnPage:
    """A plugin of websockify: asked once for each WebSocket."""

    def __init__(self, src=None):
        pass

    def authenticate(self, headers, target_host, target_port):
        host, origin = headers.get("Host", ""), headers.get("Origin")
        if not is_nobodys_name(host) or origin not in (None, f"http://{host}", f"https://{host}"):
            raise AuthenticationError(log_msg="a page of another address", response_code=403)
