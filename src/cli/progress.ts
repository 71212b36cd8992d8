import type { TextSink } from './io.ts';

/** Milliseconds before anything is shown, and between two updates. */
const PATIENCE = 1_000;
const INTERVAL = 100;

/** A line on a terminal that tells how far long work has come; elsewhere it is silent. */
export class StatusLine {
  readonly #sink: TextSink;
  readonly #start = performance.now();
  #shownAt = 0;

  constructor(sink: TextSink) {
    this.#sink = sink;
  }

  /** @param text Called only when it is time to show something. */
  update(text: () => string): void {
    const now = performance.now();
    if (this.#sink.isTerminal && now - this.#start > PATIENCE && now - this.#shownAt > INTERVAL) {
      this.#shownAt = now;
      this.#sink.write(`\r\x1b[K${text().slice(0, this.#sink.columns - 1)}`);
    }
  }

  clear(): void {
    if (this.#shownAt > 0) {
      this.#sink.write('\r\x1b[K');
      this.#shownAt = 0;
    }
  }
}
