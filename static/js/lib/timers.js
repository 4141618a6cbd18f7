// Named timers: setting one again replaces it, clearing all leaves nothing running.

export class Timers {
  constructor(set = setTimeout.bind(globalThis), clear = clearTimeout.bind(globalThis)) {
    this.set = set;
    this.unset = clear;
    this.running = new Map();
  }

  later(name, milliseconds, run) {
    this.cancel(name);
    const id = this.set(() => {
      this.running.delete(name);
      run();
    }, milliseconds);
    this.running.set(name, id);
  }

  has(name) {
    return this.running.has(name);
  }

  cancel(name) {
    if (!this.running.has(name)) return;
    this.unset(this.running.get(name));
    this.running.delete(name);
  }

  clear() {
    for (const name of [...this.running.keys()]) this.cancel(name);
  }
}
