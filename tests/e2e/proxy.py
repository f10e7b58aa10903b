"""TCP links between the members of an ensemble that a test can cut, hold up and delay.

    with Mesh() as mesh:
        port = mesh.add("a", "b", target)   # what a dials to reach b's port `target`
        mesh.hold("a", "b")                 # nothing of what a sends reaches b
        mesh.heal()

What is held is not lost: as after a time without network, TCP delivers it when the way is free again, in order; a new
connection is established no sooner. What was cut is reset, and connecting is refused until heal(). All methods take
effect before they return and may be called from any thread; the bytes move in a thread of their own.
"""

import asyncio
import collections
import socket
import struct
import threading

HOST = "127.0.0.1"
CHUNK = 1 << 16
CALL_SECONDS = 20


class Way:
    """From one member to another."""

    def __init__(self):
        self.free = asyncio.Event()
        self.free.set()
        self.cut = False
        self.delay = 0


class Mesh:
    def __init__(self):
        self._ways = collections.defaultdict(Way)
        self._connections = collections.defaultdict(set)    # (source, target): writers of both ends
        self._listeners = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        async def end():
            for listener in self._listeners:
                listener.close()
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self._run(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def add(self, source, target, port):
        """The port on which `source` reaches the `target`'s port."""
        return self._run(self._listen(source, target, port))

    def hold(self, source, target):
        """In this direction alone."""
        self._change(lambda: self._ways[source, target].free.clear())

    def cut(self, one, other):
        """In both directions."""
        def apply():
            for pair in ((one, other), (other, one)):
                self._ways[pair].cut = True
                for writer in self._connections[pair]:
                    _reset(writer)
        self._change(apply)

    def delay(self, source, target, seconds):
        """For each piece that goes this way."""
        self._change(lambda: setattr(self._ways[source, target], "delay", seconds))

    def heal(self):
        """All ways are free and swift again."""
        def apply():
            for way in self._ways.values():
                way.free.set()
                way.cut, way.delay = False, 0
        self._change(apply)

    # --- inside: all of it in the loop's thread ---

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(CALL_SECONDS)

    def _change(self, apply):
        async def change():
            apply()
        self._run(change())

    async def _listen(self, source, target, port):
        async def serve(reader, writer):
            await self._serve((source, target), port, reader, writer)
        self._listeners.append(await asyncio.start_server(serve, HOST, 0))
        return self._listeners[-1].sockets[0].getsockname()[1]

    async def _serve(self, pair, port, reader, writer):
        there, back = self._ways[pair], self._ways[pair[::-1]]
        writers = self._connections[pair]
        writers.add(writer)
        try:
            await there.free.wait()
            await back.free.wait()
            if there.cut:
                return _reset(writer)
            try:
                answers, onward = await asyncio.open_connection(HOST, port)
            except OSError:
                return _reset(writer)       # as the target itself would have refused
            writers.add(onward)
            try:
                ways = _pump(there, reader, onward), _pump(back, answers, writer)
                await asyncio.gather(*ways, return_exceptions=True)
            finally:
                writers.discard(onward)
                onward.close()
        finally:
            writers.discard(writer)
            writer.close()


async def _pump(way, reader, writer):
    try:
        while data := await reader.read(CHUNK):
            if way.delay:
                await asyncio.sleep(way.delay)
            await way.free.wait()
            writer.write(data)
            await writer.drain()
        await way.free.wait()
        writer.write_eof()
    except OSError:
        await way.free.wait()       # a reset takes the same way
        _reset(writer)


def _reset(writer):
    if (raw := writer.get_extra_info("socket")) and raw.fileno() >= 0:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
