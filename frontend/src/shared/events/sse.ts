/** One event as the stream carries it. */
export interface RawEvent {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** Cuts a byte stream into events, as the HTML standard describes it. Fed in pieces of any size. */
export class SseParser {
  #buffer = "";
  #id = "";
  #event = "";
  #data: string[] = [];
  /** The last id seen, to resume from; kept over reconnections by the caller. */
  get lastId(): string {
    return this.#id;
  }

  push(chunk: string): RawEvent[] {
    this.#buffer += chunk;
    const events: RawEvent[] = [];
    // A lone CR at the end may be the first half of CRLF: it waits for the next piece.
    for (;;) {
      const match = /\r\n|\n|\r(?=[^\n])/.exec(this.#buffer);
      if (!match) break;
      const line = this.#buffer.slice(0, match.index);
      this.#buffer = this.#buffer.slice(match.index + match[0].length);
      const event = this.#line(line);
      if (event) events.push(event);
    }
    return events;
  }

  #line(line: string): RawEvent | undefined {
    if (line === "") {
      const { length } = this.#data;
      const event = { id: this.#id, event: this.#event || "message", data: this.#data.join("\n") };
      this.#event = "";
      this.#data = [];
      return length > 0 ? event : undefined;
    }
    if (line.startsWith(":")) return undefined;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#event = value;
    else if (field === "data") this.#data.push(value);
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    return undefined;
  }
}
