// One consultation: recording, transcript, note, alerts, signature.
import { call } from "./api.js";
import { alertsView } from "./alerts.js";
import { audioFile, microphone } from "./capture.js";
import { announce, clock, el } from "./dom.js";
import { follow } from "./events.js";
import { keepAwake } from "./idle.js";
import { noteView } from "./note.js";
import { pending } from "./pending.js";
import { Recorder } from "./recorder.js";
import { transcriptView } from "./transcript.js";

const STATUS = {
  created: ["ready to record", ""],
  recording: ["recording", "live"],
  interrupted: ["microphone away", "live"],
  stopping: ["writing the final note", ""],
  finished: ["finished, not signed", ""],
  signed: ["signed", "done"],
};

const WAITING = {
  transcription: "Speech recognition does not work just now. The sound is recorded and kept; transcript, alerts and note follow as soon as it works again.",
  note: "No engine can write the note just now. The transcript is kept; the note follows as soon as one works again.",
};

/** Codes of errors after which a consultation waits for an engine. */
const WAITS = ["no-transcription", "no-note"];
/** Codes of errors that the next note makes good. */
const NO_NOTE = ["no-note", "note-failed"];

const LINK = {
  waiting: "Connection lost: trying again. Nothing is lost.",
  "signed-out": "Signed out: the sound is kept on this page until you sign in again.",
};

/**
 * @param {string} id
 * @returns {{node: Node, leave: () => void, recording: () => boolean}}
 */
export function consultationView(id) {
  const pick = (ids, scroll = true) => {
    transcript.mark(ids, scroll);
    note.mark(ids);
  };
  const transcript = transcriptView(pick);
  const note = noteView(pick);
  const alerts = alertsView(pick);
  const bar = statusBar();
  const node = el("div.stack", {}, el("div.card", { role: "status" }, el("div.bones"), el("div.bones")));
  let state = "";
  let told = "";
  let recorder = null;
  let stopSound = () => {};
  let stopFollowing = () => {};
  let unload = null;
  let rest = () => {};

  const setState = (next) => {
    state = next;
    bar.state(next, recorder !== null);
  };
  const fail = (error) => bar.problem(error.message);
  const waits = (is) => {
    bar.waits(is);
    transcript.waits(is);
    setState(state);
  };
  const stopRecording = async () => {
    bar.problem("");
    stopSound();
    if (recorder) recorder.stop();
    else await call("POST", `/api/encounters/${encodeURIComponent(id)}/stop`).catch(fail);
  };
  const record = async (input) => {
    bar.problem("");
    const taking = new Recorder(id, input.channels, (how, detail) => {
      bar.link(how);
      if (how === "refused") {
        stopSound();
        bar.problem(detail || "The server takes no more sound for this consultation.");
      }
      if (how === "stopped" || how === "refused") {
        recorder = null;
        rest();
        setState(state);
      }
    });
    recorder = taking;
    rest();
    rest = keepAwake();
    const onSamples = (samples, level) => {
      taking.add(samples);
      bar.sound(samples.length / input.channels, level, taking.waiting);
    };
    try {
      stopSound = input.file
        ? await audioFile(input.file, input.channels, input.speed, onSamples, stopRecording)
        : await microphone(input.channels, onSamples);
    } catch (error) {
      taking.leave();
      recorder = null;
      rest();
      fail(error);
    }
    setState(state);
  };
  const sign = async () => {
    if (!window.confirm("Sign this note? It becomes final and carries your name.")) return;
    await call("POST", `/api/encounters/${encodeURIComponent(id)}/sign`, {}).catch(fail);
  };
  const again = async () => {
    bar.problem("");
    bar.revising(true);
    await call("POST", `/api/encounters/${encodeURIComponent(id)}/retranscribe`).catch((error) => {
      bar.revising(false);
      fail(error);
    });
  };
  bar.on({ stop: stopRecording, resume: () => record({ channels: bar.channels, file: null, speed: 1 }), sign, again });

  const onEvent = {
    "session.recording": () => setState("recording"),
    "session.interrupted": () => setState("interrupted"),
    "session.stopping": () => setState("stopping"),
    "session.finished": (data) => {
      transcript.clearPartials();
      bar.problem("");
      bar.engine("");
      state = "finished";
      waits(false);
      if (!data.note) nothing(data.message);
      announce(data.note ? "The final note is ready to sign." : data.message);
    },
    "session.signed": () => {
      note.state("final");
      setState("signed");
      announce("The note is signed.");
    },
    "transcript.partial": (data) => transcript.partial(data),
    "transcript.final": (data) => {
      transcript.final(data);
      if (!recorder) bar.reached(data.end);
    },
    "transcript.revising": () => bar.revising(true),
    "transcript.revised": async (data) => {
      bar.revising(false);
      bar.problem(data.message ?? "");
      const snapshot = await call("GET", `/api/encounters/${encodeURIComponent(id)}`);
      transcript.clear();
      snapshot.segments.forEach((segment) => transcript.final(segment));
      note.draw(snapshot.note);
      announce(data.message ?? "The recording was transcribed again.");
    },
    "note.updated": (data) => {
      note.draw(data);
      // A note is there again: what was said of its absence no longer holds.
      if (NO_NOTE.includes(told)) {
        told = "";
        bar.problem("");
        waits(false);
      }
    },
    "visit.changed": (data) => bar.visit(data),
    "alert.raised": (data) => alerts.put(data, true),
    "alert.updated": (data) => alerts.put(data, false),
    "engine.changed": (data) => {
      bar.problem("");
      waits(false);
      if (data.work === "transcription") bar.engine(data.preferred ? "" : `Transcribed by ${data.engine} for now`);
    },
    error: (data) => {
      told = data.code;
      bar.problem(data.message);
      if (WAITS.includes(data.code)) waits(true);
    },
  };
  const nothing = (message) => {
    bar.unsigned();
    note.nothing(message === "no speech captured" ? "No speech captured, so there is no note. Check the microphone." : message);
  };

  const open = async () => {
    try {
      const snapshot = await call("GET", `/api/encounters/${encodeURIComponent(id)}`);
      bar.about(snapshot);
      snapshot.segments.forEach((segment) => transcript.final(segment));
      snapshot.alerts.forEach((alert) => alerts.put(alert, false));
      note.draw(snapshot.note);
      node.replaceChildren(bar.node, el("div.work.noted", {}, transcript.node, note.node, alerts.node));
      state = snapshot.status;
      waits(Boolean(snapshot.waiting));
      if (snapshot.waiting) bar.problem(WAITING[snapshot.waiting]);
      if (["finished", "signed"].includes(snapshot.status) && !snapshot.note) nothing(snapshot.message);
      stopFollowing = follow(
        id,
        snapshot.last_seq,
        (event) => onEvent[event.type]?.(event.data),
        (up) => bar.link(up ? "connected" : "waiting"),
      );
      const input = pending.get(id);
      pending.delete(id);
      if (input) await record(input);
    } catch (error) {
      const again = el("button.plain", { type: "button", onclick: open }, "Try again");
      node.replaceChildren(el("div.card.stack", {}, el("p.error", { role: "alert" }, error.message), again, refused(error), el("a", { href: "#/" }, "All consultations")));
    }
  };
  unload = (event) => {
    if (recorder) event.preventDefault();
  };
  window.addEventListener("beforeunload", unload);
  open();
  return {
    node,
    leave() {
      window.removeEventListener("beforeunload", unload);
      stopSound();
      recorder?.leave();
      rest();
      stopFollowing();
    },
    recording: () => recorder !== null,
  };
}

/** The way on where an access is refused that an emergency would allow. */
function refused(error) {
  if (![403, 404].includes(error.status)) return null;
  return el("p.quiet", {}, "Is it an emergency? ", el("a", { href: "#/emergency" }, "Open a chart by emergency access"), ".");
}

function statusBar() {
  const title = el("h1");
  const chip = el("span.chip");
  const time = el("span.clock", { "aria-label": "Recorded", hidden: true }, "0:00");
  const level = el("meter", { min: 0, max: 0.3, value: 0, "aria-label": "Sound level" });
  const link = el("span.quiet.small");
  const problem = el("p.error", { role: "alert", hidden: true });
  const visit = el("span.quiet.small", { role: "status" });
  const stop = el("button.stop", { type: "button", "data-key": "s", title: "Stop (s)" }, "Stop");
  const resume = el("button", { type: "button", "data-key": "r", title: "Record (r)" }, "Record with the microphone");
  const sign = el("button", { type: "button", title: "Sign the note" }, "Sign the note");
  const again = el("button.plain", { type: "button", title: "Transcribe the recording again with the second engine", hidden: true }, "Transcribe again");
  let offered = false;
  let samples = 0;
  let signable = true;
  let linked = "";
  let unsent = 0;
  let engine = "";
  let waits = false;
  let reached = 0;
  const tellLink = () => {
    const waits = unsent > 20 ? `${(unsent / 10).toFixed(0)} s waiting to be sent` : "";
    link.textContent = [linked, waits, engine].filter(Boolean).join(" ");
  };
  const bar = {
    channels: 1,
    node: el(
      "div.card.status",
      {},
      el("a", { href: "#/", "aria-label": "All consultations" }, "\u2190"),
      title,
      chip,
      time,
      level,
      link,
      visit,
      el("span.grow"),
      resume,
      stop,
      again,
      sign,
      problem,
    ),
    about(snapshot) {
      title.textContent = snapshot.patient.display || snapshot.patient.reference;
      bar.channels = snapshot.channels ?? 1;
      offered = snapshot.second_engine;
      bar.revising(snapshot.revising);
      const last = snapshot.segments.at(-1);
      if (last) bar.reached(last.end);
    },
    on(actions) {
      stop.onclick = actions.stop;
      resume.onclick = actions.resume;
      sign.onclick = actions.sign;
      again.onclick = actions.again;
    },
    state(state, recording) {
      const [text, kind] = waits && state === "stopping" ? ["recorded, waits for an engine", ""] : (STATUS[state] ?? [state, ""]);
      chip.textContent = text;
      chip.className = kind ? `chip ${kind}` : "chip";
      stop.hidden = !["created", "recording", "interrupted"].includes(state);
      resume.hidden = recording || !["created", "interrupted", "recording"].includes(state);
      level.hidden = !recording;
      sign.hidden = state !== "finished" || !signable;
      again.hidden = !offered || !["finished", "signed"].includes(state);
    },
    revising(busy) {
      again.disabled = busy;
      again.textContent = busy ? "Transcribing again" : "Transcribe again";
    },
    waits(is) {
      waits = is;
      problem.classList.toggle("waits", is);
    },
    /** @param {number} end seconds that are known to be recorded */
    reached(end) {
      reached = Math.max(reached, end);
      time.textContent = clock(reached);
      time.hidden = false;
    },
    engine(text) {
      engine = text;
      tellLink();
    },
    unsigned() {
      signable = false;
      sign.hidden = true;
    },
    sound(count, loud, waiting) {
      samples += count;
      time.textContent = clock(samples / 16000);
      time.hidden = false;
      level.value = loud;
      unsent = waiting;
      tellLink();
    },
    // The end of the visit does not end a recording; whoever records is told.
    visit({ status, place }) {
      if (status === "finished") visit.textContent = "The hospital has discharged the patient";
      else visit.textContent = place && !place.includes("/") ? `Visit: ${place}` : "";
    },
    link(how) {
      linked = LINK[how] ?? "";
      tellLink();
    },
    problem(text) {
      problem.textContent = text;
      problem.hidden = !text;
    },
  };
  return bar;
}
