// Runs in the audio thread: collects 100 ms and posts it.
class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.size = Math.round(sampleRate / 10);
    this.filled = 0;
    this.parts = null;
  }

  process(inputs) {
    const input = inputs[0];
    if (!input.length) return true;
    if (!this.parts) this.parts = input.map(() => new Float32Array(this.size));
    for (let i = 0; i < input[0].length; i += 1) {
      this.parts.forEach((part, channel) => (part[this.filled] = (input[channel] ?? input[0])[i]));
      this.filled += 1;
      if (this.filled === this.size) {
        this.port.postMessage(this.parts);
        this.parts = this.parts.map(() => new Float32Array(this.size));
        this.filled = 0;
      }
    }
    return true;
  }
}
registerProcessor("capture", Capture);
