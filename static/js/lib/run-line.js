// One line to the server: a WebSocket, or what looks like one. It hands on frames, and says once when it is lost.

const SILENCE_MS = 30_000; // the server pings more often than that
const GREETING_MS = 10_000; // a proxy that keeps a stream to itself lets none through
const SILENT = 1006;

export class Line {
  /** `open()` may throw; `frame(frame)`, `lost(code, greeted)`. */
  constructor(open, { timers, frame, lost }) {
    this.timers = timers;
    this.lost = lost;
    this.greeted = false;
    this.socket = open();
    this.heard();
    this.socket.onmessage = ({ data }) => {
      this.greeted = true;
      this.heard();
      frame(JSON.parse(data));
    };
    this.socket.onclose = ({ code }) => this.end(code);
  }

  close() {
    this.timers.cancel("silence");
    this.socket.onmessage = null;
    this.socket.onclose = null;
    this.socket.close();
  }

  /** Something arrived; if nothing does for long, the line is dead although nobody said so. */
  heard() {
    this.timers.later("silence", this.greeted ? SILENCE_MS : GREETING_MS, () => this.end(SILENT));
  }

  end(code) {
    this.close();
    this.lost(code, this.greeted);
  }
}
