"""The VNC server's port on loopback: passes bytes to and from its Unix socket for whoever speaks RFB. Arguments: the port, the socket.

x11vnc itself takes WebSockets too, of any page: one of the browser's own, by a name that is pointed at loopback, or one that a person has open
while the port is published. What a browser sends to a port begins with an HTTP request or TLS, and never with a greeting of RFB.
"""

import asyncio
import re
import sys

GREETING = re.compile(rb"RFB \d{3}\.\d{3}\n")
GREETING_BYTES = 12
# From a person who is far away, over a slow line.
GREETING_SECONDS_MAX = 30
READ_BYTES_MAX = 65_536


async def copy(reader, writer):
    while data := await reader.read(READ_BYTES_MAX):
        writer.write(data)
        await writer.drain()


async def copy_greeted(reader, writer):
    """Nothing reaches the server before it is a whole greeting."""
    greeting = await asyncio.wait_for(reader.readexactly(GREETING_BYTES), GREETING_SECONDS_MAX)
    if not GREETING.fullmatch(greeting):
        return
    writer.write(greeting)
    await copy(reader, writer)


async def serve(client, to_client, path):
    """Whichever end closes closes the other."""
    try:
        server, to_server = await asyncio.open_unix_connection(path)
    except OSError:
        to_client.close()
        return
    ways = [asyncio.create_task(copy_greeted(client, to_server)), asyncio.create_task(copy(server, to_client))]
    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    for way in ways:
        way.cancel()
    # What one of them failed with is its end, and nothing to tell.
    await asyncio.gather(*ways, return_exceptions=True)
    for writer in (to_server, to_client):
        writer.close()


async def main(port, path):
    server = await asyncio.start_server(lambda client, to_client: serve(client, to_client, path), "127.0.0.1", port)
    await server.serve_forever()


asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
