// One consultation: recording, transcript, note, alerts, signature.
import { call } from "./api.js";
import { alertsView } from "./alerts.js";
import { audioFile, microphone } from "./capture.js";
import { announce, clock, el } from "./dom.js";
import { follow } from "./events.js";
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

/** @param {string} id @returns {{node: Node, leave: () => void}} */
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
  let recorder = null;
  let stopSound = () => {};
  let stopFollowing = () => {};
  let unload = null;

  const setState = (next) => {
    state = next;
    bar.state(next, recorder !== null);
  };
  const fail = (error) => bar.problem(error.message);
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
        setState(state);
      }
    });
    recorder = taking;
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
      fail(error);
    }
    setState(state);
  };
  const sign = async () => {
    if (!window.confirm("Sign this note? It becomes final and carries your name.")) return;
    await call("POST", `/api/encounters/${encodeURIComponent(id)}/sign`, {}).catch(fail);
  };
  bar.on({ stop: stopRecording, resume: () => record({ channels: bar.channels, file: null, speed: 1 }), sign });

  const onEvent = {
    "session.recording": () => setState("recording"),
    "session.interrupted": () => setState("interrupted"),
    "session.stopping": () => setState("stopping"),
    "session.finished": (data) => {
      transcript.clearPartials();
      setState("finished");
      if (!data.note) nothing(data.message);
      announce(data.note ? "The final note is ready to sign." : data.message);
    },
    "session.signed": () => {
      note.state("final");
      setState("signed");
      announce("The note is signed.");
    },
    "transcript.partial": (data) => transcript.partial(data),
    "transcript.final": (data) => transcript.final(data),
    "note.updated": (data) => note.draw(data),
    "alert.raised": (data) => alerts.put(data, true),
    "alert.updated": (data) => alerts.put(data, false),
    error: (data) => bar.problem(data.message),
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
      setState(snapshot.status);
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
      node.replaceChildren(el("div.card.stack", {}, el("p.error", { role: "alert" }, error.message), again, el("a", { href: "#/" }, "All consultations")));
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
      stopFollowing();
    },
  };
}

function statusBar() {
  const title = el("h1");
  const chip = el("span.chip");
  const time = el("span.clock", { "aria-label": "Recorded" }, "0:00");
  const level = el("meter", { min: 0, max: 0.3, value: 0, "aria-label": "Sound level" });
  const link = el("span.quiet.small");
  const problem = el("p.error", { role: "alert", hidden: true });
  const stop = el("button.stop", { type: "button", "data-key": "s", title: "Stop (s)" }, "Stop");
  const resume = el("button", { type: "button", "data-key": "r", title: "Record (r)" }, "Record with the microphone");
  const sign = el("button", { type: "button", title: "Sign the note" }, "Sign the note");
  let samples = 0;
  let signable = true;
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
      el("span.grow"),
      resume,
      stop,
      sign,
      problem,
    ),
    about(snapshot) {
      title.textContent = snapshot.patient.display || snapshot.patient.reference;
      bar.channels = snapshot.channels ?? 1;
      const last = snapshot.segments.at(-1);
      if (last) time.textContent = clock(last.end);
    },
    on(actions) {
      stop.onclick = actions.stop;
      resume.onclick = actions.resume;
      sign.onclick = actions.sign;
    },
    state(state, recording) {
      const [text, kind] = STATUS[state] ?? [state, ""];
      chip.textContent = text;
      chip.className = kind ? `chip ${kind}` : "chip";
      stop.hidden = !["created", "recording", "interrupted"].includes(state);
      resume.hidden = recording || !["created", "interrupted", "recording"].includes(state);
      level.hidden = !recording;
      sign.hidden = state !== "finished" || !signable;
    },
    unsigned() {
      signable = false;
      sign.hidden = true;
    },
    sound(count, loud, waiting) {
      samples += count;
      time.textContent = clock(samples / 16000);
      level.value = loud;
      if (waiting > 20) link.textContent = `${(waiting / 10).toFixed(0)} s waiting to be sent`;
    },
    link(how) {
      link.textContent = how === "waiting" ? "Connection lost: trying again. Nothing is lost." : "";
    },
    problem(text) {
      problem.textContent = text;
      problem.hidden = !text;
    },
  };
  return bar;
}
