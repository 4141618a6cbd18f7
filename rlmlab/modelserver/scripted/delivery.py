"""Delivers a scripted reply as an OpenAI-compatible server would, or as one that fails."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from http import HTTPStatus

from rlmlab.modelserver.scripted.replies import Call, Reply
from rlmlab.modelserver.scripted.transport import HttpAnswer
from rlmlab.modelserver.scripted.wire import stream_chunks, whole_answer

Booked = Callable[[Call, Reply], None]


async def deliver(
    call: Call, reply: Reply, answer: HttpAnswer, *, released: asyncio.Event | None = None, booked: Booked | None = None
) -> None:
    """Send a reply; `booked` is told of a whole one before the client can have seen its end.

    Raises:
        ClientLeftError: the client closed its connection before that.
    """
    if reply.delay_seconds:
        await answer.pause(reply.delay_seconds)
    if reply.status != HTTPStatus.OK:
        kind = "server_error" if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
        error = {"message": reply.error, "type": kind, "param": None, "code": reply.error_code}
        await answer.send(reply.status, {"error": error}, reply.headers)
        return
    book = booked or _unbooked
    if call.body.get("stream"):
        await _stream(call, reply, answer, released, book)
        return
    if reply.hold_after_chunks is not None:
        await answer.pause(None, released)
    book(call, reply)
    await answer.send(HTTPStatus.OK, whole_answer(call, reply), reply.headers)


async def _stream(call: Call, reply: Reply, answer: HttpAnswer, released: asyncio.Event | None, book: Booked) -> None:
    number = 0
    chunks = stream_chunks(call, reply)
    async for data in _paced(chunks, reply, answer, released):
        if number == 0:
            await answer.start_stream(reply.headers)
        number += 1
        if number == len(chunks):
            book(call, reply)
        await answer.chunk(b"data: " + data + b"\n\n")
    if not answer.cut:
        await answer.end_stream()


async def _paced(
    chunks: Sequence[bytes], reply: Reply, answer: HttpAnswer, released: asyncio.Event | None
) -> AsyncIterator[bytes]:
    for number, data in enumerate(chunks):
        if number == reply.hold_after_chunks:
            await answer.pause(None, released)
        if number == reply.cut_after_chunks:
            answer.abort()
            return
        if reply.chunk_delay_seconds:
            await answer.pause(reply.chunk_delay_seconds)
        yield data


def _unbooked(_call: Call, _reply: Reply) -> None:
    """Keep no books."""
