"""A socket to accept connections on, or a sentence that says why there is none."""

import socket


def listen(host: str, port: int) -> socket.socket:
    """A socket that already accepts connections.

    Raises:
        ValueError: the port is taken or not ours to take; the sentence names it and the way out.
    """
    # The protocol is named so that asyncio turns Nagle's algorithm off; otherwise small answers wait 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise ValueError(
            f"The emulator cannot listen on {host}:{port} ({error.strerror}): "
            f"set EMULATOR_PORT or --port to a free port (0 picks one)."
        ) from error
    return listener
