// Sound in: a microphone through an AudioWorklet, or a file, as PCM16 at 16 kHz.
import { RATE } from "./recorder.js";

const CHUNK = 0.1;

/** @param {Float32Array[]} channels @returns {Int16Array} interleaved */
function interleave(channels) {
  const out = new Int16Array(channels[0].length * channels.length);
  channels.forEach((samples, channel) => {
    for (let i = 0; i < samples.length; i += 1) {
      const value = Math.max(-1, Math.min(1, samples[i]));
      out[i * channels.length + channel] = value < 0 ? value * 32768 : value * 32767;
    }
  });
  return out;
}

function loudness(samples) {
  let sum = 0;
  for (const value of samples) sum += value * value;
  return Math.sqrt(sum / Math.max(1, samples.length));
}

/**
 * @param {number} channels
 * @param {(samples: Int16Array, level: number) => void} onSamples
 * @returns {Promise<() => void>} stops the microphone
 */
export async function microphone(channels, onSamples) {
  if (!navigator.mediaDevices) throw new Error("The browser gives a microphone to https and localhost pages only.");
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      audio: { channelCount: channels, echoCancellation: channels === 1, noiseSuppression: channels === 1 },
    });
  } catch {
    throw new Error("The microphone is not available: allow it for this page and check that it is plugged in.");
  }
  // The browser resamples, with a proper low-pass, to the rate that the context asks for.
  const context = new AudioContext({ sampleRate: RATE });
  await context.audioWorklet.addModule("/static/capture-worklet.js");
  const node = new AudioWorkletNode(context, "capture", {
    channelCount: channels,
    channelCountMode: "explicit",
    numberOfOutputs: 0,
  });
  node.port.onmessage = (event) => onSamples(interleave(event.data), loudness(event.data[0]));
  context.createMediaStreamSource(stream).connect(node);
  return () => {
    stream.getTracks().forEach((track) => track.stop());
    context.close();
  };
}

/**
 * Play a file into the consultation, `speed` times as fast as it was spoken.
 * @param {File} file @param {number} channels @param {number} speed
 * @param {(samples: Int16Array, level: number) => void} onSamples @param {() => void} onEnd
 * @returns {Promise<() => void>} stops it
 */
export async function audioFile(file, channels, speed, onSamples, onEnd) {
  const decoded = await decode(file, channels);
  const size = RATE * CHUNK;
  const began = performance.now();
  let at = 0;
  const timer = setInterval(() => {
    const due = ((performance.now() - began) / 1000) * RATE * speed;
    for (; at < decoded.length && at < due; at += size) {
      const parts = Array.from({ length: channels }, (_, c) => decoded.getChannelData(c).subarray(at, at + size));
      onSamples(interleave(parts), Math.max(...parts.map(loudness)));
    }
    if (at >= decoded.length) {
      clearInterval(timer);
      onEnd();
    }
  }, 50);
  return () => clearInterval(timer);
}

async function decode(file, channels) {
  const bytes = await file.arrayBuffer();
  let decoded;
  try {
    decoded = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(bytes);
  } catch {
    throw new Error("This file is no audio that the browser can read.");
  }
  if (channels === 2 && decoded.numberOfChannels !== 2) throw new Error("The file has one channel; two were declared.");
  const context = new OfflineAudioContext(channels, decoded.length, RATE);
  const source = context.createBufferSource();
  source.buffer = decoded;
  source.connect(context.destination);
  source.start();
  return context.startRendering();
}
