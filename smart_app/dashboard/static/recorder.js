// Sends numbered frames and keeps each one until the server says it is durable, so that a broken
// connection loses nothing. The protocol is in docs/architecture.md.
import { socket, socketEnded } from "./api.js";

export const RATE = 16000;
const FRAME = RATE / 10;

export class Recorder {
  /**
   * @param {string} encounter @param {number} channels
   * @param {(state: string, detail?: string) => void} onState connected, waiting, signed-out, refused, stopped
   */
  constructor(encounter, channels, onState) {
    this.encounter = encounter;
    this.channels = channels;
    this.onState = onState;
    this.frames = new Map(); // number -> message, until acknowledged
    this.made = 0;
    this.sent = 0;
    this.first = 0;
    this.stopping = false;
    this.over = false;
    this.open = false;
    this.rest = new Int16Array(0);
    this.connect();
  }

  /** Frames that the server does not have yet. */
  get waiting() {
    return this.frames.size;
  }

  connect() {
    const connection = socket(`/ws/encounters/${encodeURIComponent(this.encounter)}/audio`);
    connection.binaryType = "arraybuffer";
    connection.onopen = () =>
      connection.send(
        JSON.stringify({
          type: "start",
          encoding: "pcm_s16le",
          sample_rate: RATE,
          channels: this.channels,
          roles: this.channels === 2 ? ["doctor", "patient"] : [],
        }),
      );
    connection.onmessage = (event) => this.hear(JSON.parse(event.data));
    connection.onclose = (event) => this.closed(event);
    this.connection = connection;
  }

  hear(message) {
    if (message.type === "ready") {
      // The very first answer says where this page's recording begins in the consultation.
      if (!this.begun) this.first = message.next;
      this.begun = true;
      this.forget(message.next);
      this.sent = Math.max(0, message.next - this.first);
      this.open = true;
      this.onState("connected");
      this.flush();
    } else if (message.type === "ack") this.forget(message.next);
    else if (message.type === "error" && message.code === "frame-gap") {
      this.sent = Math.max(0, message.next - this.first);
      this.flush();
    } else if (message.type === "stopped") {
      this.over = true;
      this.onState("stopped");
    }
  }

  closed(event) {
    this.open = false;
    if (this.over) return;
    if (event.code === 4401) {
      // The sound goes on and is kept here until the person has signed in again.
      this.onState("signed-out");
      socketEnded(this.connection, () => this.over || this.connect());
      return;
    }
    if (event.code >= 4400 && event.code < 4500) {
      this.over = true;
      this.onState("refused", event.reason);
      return;
    }
    this.onState("waiting");
    setTimeout(() => this.over || this.connect(), 700);
  }

  /** @param {Int16Array} samples interleaved */
  add(samples) {
    const all = new Int16Array(this.rest.length + samples.length);
    all.set(this.rest);
    all.set(samples, this.rest.length);
    const size = FRAME * this.channels;
    let at = 0;
    for (; at + size <= all.length; at += size) this.keep(all.subarray(at, at + size));
    this.rest = all.slice(at);
    this.flush();
  }

  keep(samples) {
    const body = new Uint8Array(4 + samples.byteLength);
    body.set(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength), 4);
    this.frames.set(this.made, body);
    this.made += 1;
  }

  flush() {
    if (!this.open) return;
    for (; this.sent < this.made; this.sent += 1) {
      const body = this.frames.get(this.sent);
      if (!body) continue;
      new DataView(body.buffer).setUint32(0, this.sent + this.first);
      this.connection.send(body);
    }
    if (this.stopping) {
      this.connection.send('{"type":"stop"}');
      this.open = false;
    }
  }

  forget(next) {
    for (const number of this.frames.keys()) if (number + this.first < next) this.frames.delete(number);
  }

  /** Send the rest and end the recording. */
  stop() {
    if (this.rest.length) this.keep(this.rest);
    this.rest = new Int16Array(0);
    this.stopping = true;
    this.flush();
  }

  /** Leave without ending it: the consultation can be taken up again. */
  leave() {
    this.over = true;
    this.connection.close();
  }
}
