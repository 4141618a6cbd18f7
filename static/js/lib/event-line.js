// A run's frames by server-sent events, behind the face of a WebSocket, for where those are blocked.
//
// Read by fetch(): an EventSource can send no header, and the organization stands in one.

const CODES = { 401: 4401, 403: 4401, 404: 4404 };
const LOST = 1006;
const DONE = 1000;

export class EventLine {
  /** `answer(signal)` asks for the stream and resolves to its response, or throws an error with a `status`. */
  constructor(answer) {
    this.aborted = new AbortController();
    this.onmessage = null;
    this.onclose = null;
    this.read(answer);
  }

  close() {
    this.aborted.abort();
  }

  async read(answer) {
    let code = LOST;
    try {
      const response = await answer(this.aborted.signal);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const blocks = new Blocks();
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        for (const data of framesOf(blocks.push(part.value))) this.onmessage?.({ data });
      }
      code = DONE;
    } catch (error) {
      code = CODES[error.status] ?? LOST;
    }
    this.onclose?.({ code });
  }
}

/** Cuts text that comes in any pieces into whole messages. */
export class Blocks {
  constructor() {
    this.rest = "";
  }

  push(text) {
    const blocks = (this.rest + text).split("\n\n");
    this.rest = blocks.pop();
    return blocks;
  }
}

/** The frames that messages stand for, as texts of JSON; events that come together are one frame. */
export function framesOf(blocks) {
  const frames = [];
  let events = [];
  const flush = () => {
    if (events.length) {
      const body = events.map(({ data }) => data).join(",");
      frames.push(`{"t":"ev","from":${events[0].id},"to":${events.at(-1).id},"e":[${body}]}`);
    }
    events = [];
  };
  for (const block of blocks) {
    const message = fieldsOf(block);
    if (message.data && !message.event) events.push(message);
    else {
      flush();
      frames.push(message.data ?? '{"t":"ping"}');
    }
  }
  flush();
  return frames;
}

function fieldsOf(block) {
  const fields = {};
  for (const line of block.split("\n")) {
    const at = line.indexOf(": ");
    if (at > 0) fields[line.slice(0, at)] = line.slice(at + 2);
  }
  return fields;
}
